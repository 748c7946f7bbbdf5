"""Engine against oracle: random trials and random patients by the batch, with every disagreement and how it was reached."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

import msgspec

from trialbridge.criteria.compiler import canonical, load
from trialbridge.criteria.evaluate import evaluate, outcomes
from trialbridge.criteria.facts import AnyFact
from trialbridge.criteria.index import TrialIndex
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.plan import TrialPlan
from trialbridge.criteria.trial import Trial
from trialbridge.criteria.verdicts import Explanation, Outcome
from trialbridge.testkit.criteria_gen import random_trial
from trialbridge.testkit.criteria_gen_facts import random_facts
from trialbridge.testkit.criteria_gen_words import DAYS
from trialbridge.testkit.oracle.judging import Judged, judge_trial

TRIALS = PATIENTS = 10
"""Trials and patients of a batch; each trial meets each patient."""
BATCH = TRIALS * PATIENTS

Line = tuple[str, bool]


class Disagreement(msgspec.Struct, frozen=True):
    """One arm of one pair on which the two differ, with all that is needed to see it again."""

    batch: str
    """Seed and number of the batch."""
    what: str
    """``criterion``, ``outcome``, ``sweep`` (outcomes without explanations) or ``index``."""
    path: str
    engine: str
    oracle: str
    as_of: date
    trial: Trial
    facts: tuple[AnyFact, ...]


class Tally(msgspec.Struct):
    """What a run has seen."""

    pairs: int = 0
    lines: int = 0
    """Criteria compared: leaves and groups."""
    verdicts: Counter[str] = msgspec.field(default_factory=Counter)
    """How often each kind had each verdict, for example ``age met``."""
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    disagreements: list[Disagreement] = msgspec.field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take in what another run has seen."""
        self.pairs += other.pairs
        self.lines += other.lines
        self.verdicts.update(other.verdicts)
        self.outcomes.update(other.outcomes)
        self.disagreements.extend(other.disagreements)


def compare_batch(seed: int, number: int) -> Tally:
    """Return what the pairs of one batch show; the same seed and number make the same batch."""
    name = f"{seed}/{number}"
    rng = Random(name)
    trials = [random_trial(rng) for _ in range(TRIALS)]
    plans = [load(canonical(standard)) for _, standard in trials]
    index = TrialIndex()
    # One id each: the index keeps one version of a trial.
    named = [msgspec.structs.replace(trial, id=f"T{place}") for place, (_, trial) in enumerate(trials)]
    for trial in named:
        index.put(load(canonical(trial)))
    tally = Tally()
    for _ in range(PATIENTS):
        as_of = rng.choice(DAYS)
        facts = random_facts(rng, as_of)
        known = FactIndex(facts)
        swept = _swept(index, known, as_of)
        for place, ((written, _), plan) in enumerate(zip(trials, plans, strict=True)):
            judged = judge_trial(written, facts, as_of)
            tally.pairs += 1
            for what, path, engine, oracle in _differences(plan, known, as_of, judged, swept.get(f"T{place}", {})):
                tally.disagreements.append(Disagreement(name, what, path, engine, oracle, as_of, written, facts))
            _count(tally, plan, known, as_of)
    return tally


def _swept(index: TrialIndex, known: FactIndex, as_of: date) -> dict[str, dict[Any, Outcome]]:
    found = index.sweep(known.at(as_of))
    swept: dict[str, dict[Any, Outcome]] = {}
    for outcome, mask in ((Outcome.ELIGIBLE, found.eligible), (Outcome.POTENTIALLY, found.potentially)):
        for plan, branch in index.branches(mask):
            swept.setdefault(plan.trial.id, {})[branch.arm, branch.dose] = outcome
    return swept


def _differences(
    plan: TrialPlan, known: FactIndex, as_of: date, judged: list[Judged], swept: dict[Any, Outcome]
) -> Iterator[tuple[str, str, str, str]]:
    """Yield what differs: kind of comparison, path, what the engine says, what the oracle says."""
    explained = evaluate(plan, known, as_of, "p")
    quick = outcomes(plan, known, as_of)
    for one, short, mine in zip(explained, quick, judged, strict=True):
        place = f"{one.arm}/{one.dose}"
        yield from _criteria(one, mine)
        indexed = swept.get((one.arm, one.dose), Outcome.NOT_ELIGIBLE)
        for what, said in (("outcome", one.outcome), ("sweep", short), ("index", indexed)):
            if said is not mine.outcome:
                yield what, place, said.value, mine.outcome.value


def _criteria(one: Explanation, mine: Judged) -> Iterator[tuple[str, str, str, str]]:
    lines = [line for line in one.criteria if line.kind != "status"]
    for line, answer in zip(lines, mine.criteria, strict=True):
        theirs, ours = (line.verdict.value, line.recoverable), (answer.verdict.value, answer.recoverable)
        if theirs != ours:
            yield "criterion", line.path, _word(theirs), _word(ours)


def _word(line: Line) -> str:
    return f"{line[0]}{' (may turn)' if line[1] else ' (for good)'}"


def _count(tally: Tally, plan: TrialPlan, known: FactIndex, as_of: date) -> None:
    for one in evaluate(plan, known, as_of, "p"):
        tally.outcomes[one.outcome.value] += 1
        for line in one.criteria:
            tally.lines += 1
            tally.verdicts[f"{line.kind} {line.verdict.value}"] += 1
