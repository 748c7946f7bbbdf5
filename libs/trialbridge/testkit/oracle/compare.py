"""Engine against oracle: random trials and random patients by the batch, with every disagreement and how it was reached."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from random import Random

import msgspec

from trialbridge.criteria.canonical import canonical_bytes, explanation_digest
from trialbridge.criteria.compiler import canonical, load
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.evaluate import evaluate, outcomes
from trialbridge.criteria.facts import AnyFact
from trialbridge.criteria.following import follow
from trialbridge.criteria.index import TrialIndex
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.plan import TrialPlan
from trialbridge.criteria.telling import tell
from trialbridge.criteria.trial import Trial
from trialbridge.criteria.trial_checks import resolved
from trialbridge.criteria.verdicts import Explanation, Outcome
from trialbridge.testkit.criteria_gen import random_trial
from trialbridge.testkit.criteria_gen_facts import changed_facts, random_facts
from trialbridge.testkit.criteria_gen_words import DAYS, maybe
from trialbridge.testkit.oracle.judging import Judged, judge_trial

TRIALS = PATIENTS = 10
"""Trials and patients of a batch; each trial meets each patient."""
BATCH = TRIALS * PATIENTS
CLOSED = 0.1
"""Share of pairs that are compared in the closed world as well."""
ALIKE = 0.4
"""Share of patients that are much like the one before: the index answers once for all who are alike in what it asks."""

Difference = tuple[str, str, str, str]
Swept = dict[tuple[str, str | None, str | None], Outcome]


class Disagreement(msgspec.Struct, frozen=True):
    """One arm of one pair on which the two differ, with all that is needed to see it again."""

    batch: str
    """Seed and number of the batch."""
    what: str
    """``criterion``, ``outcome``, ``sweep`` (outcomes without explanations), ``index``, ``closed`` (world), or ``written``: bytes
    that were put together and those of the explanation as an object.
    """
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
    # One id each: the index keeps one version of a trial.
    standard = [msgspec.structs.replace(trial, id=f"T{place}") for place, (_, trial) in enumerate(trials)]
    plans = [load(canonical(trial)) for trial in standard]
    index = TrialIndex()
    for plan in plans:
        index.put(plan)
    tally = Tally()
    facts: tuple[AnyFact, ...] = ()
    as_of, known = DAYS[0], FactIndex(())
    for _ in range(PATIENTS):
        if facts and maybe(rng, ALIKE):
            facts = changed_facts(rng, facts, as_of)
            before, known = known, FactIndex(facts)
            follow(before, known, as_of)
        else:
            as_of = rng.choice(DAYS)
            facts = random_facts(rng, as_of)
            known = FactIndex(facts)
        swept = _swept(index, known, as_of)
        for (written, _), plan in zip(trials, plans, strict=True):
            found = _compared(plan, known, as_of, judge_trial(written, facts, as_of), swept, tally)
            if maybe(rng, CLOSED):
                found.extend(_closed(plan, known, as_of, judge_trial(written, facts, as_of, closed_world=True)))
            tally.disagreements.extend(Disagreement(name, *one, as_of, written, facts) for one in found)
    return tally


def compare_pair(written: Trial, facts: tuple[AnyFact, ...], as_of: date) -> list[Difference]:
    """Return what the two say differently of one pair: kind of comparison, path, the engine's word, the oracle's word."""
    plan = load(canonical(resolved(written, Problems())))
    index = TrialIndex()
    index.put(plan)
    known = FactIndex(facts)
    found = _compared(plan, known, as_of, judge_trial(written, facts, as_of), _swept(index, known, as_of), Tally())
    return [*found, *_closed(plan, known, as_of, judge_trial(written, facts, as_of, closed_world=True))]


def shrunk(found: Disagreement) -> Disagreement:
    """Return the disagreement with as few of the patient's facts as it needs."""
    facts = found.facts
    for fact in found.facts:
        fewer = tuple(one for one in facts if one is not fact)
        if any(one[:2] == (found.what, found.path) for one in compare_pair(found.trial, fewer, found.as_of)):
            facts = fewer
    return msgspec.structs.replace(found, facts=facts)


def _swept(index: TrialIndex, known: FactIndex, as_of: date) -> Swept:
    found = index.sweep(known.at(as_of))
    swept: Swept = {}
    for outcome, mask in ((Outcome.ELIGIBLE, found.eligible), (Outcome.POTENTIALLY, found.potentially)):
        for plan, branch in index.branches(mask):
            swept[plan.trial.id, branch.arm, branch.dose] = outcome
    return swept


def _compared(
    plan: TrialPlan, known: FactIndex, as_of: date, judged: list[Judged], swept: Swept, tally: Tally
) -> list[Difference]:
    tally.pairs += 1
    found: list[Difference] = []
    explained, quick = evaluate(plan, known, as_of, "p"), outcomes(plan, known, as_of)
    for one, told in zip(explained, tell(plan, plan.branches, known.at(as_of), "p"), strict=True):
        if (canonical_bytes(one), explanation_digest(one)) != (told.raw(), told.digest()):
            found.append(("written", f"{one.arm}/{one.dose}", told.raw().decode(), canonical_bytes(one).decode()))
    for one, short, mine in zip(explained, quick, judged, strict=True):
        tally.outcomes[mine.outcome.value] += 1
        found += _criteria(one, mine, tally)
        indexed = swept.get((plan.trial.id, one.arm, one.dose), Outcome.NOT_ELIGIBLE)
        for what, said in (("outcome", one.outcome), ("sweep", short), ("index", indexed)):
            if said is not mine.outcome:
                found.append((what, f"{one.arm}/{one.dose}", said.value, mine.outcome.value))
    return found


def _closed(plan: TrialPlan, known: FactIndex, as_of: date, judged: list[Judged]) -> Iterator[Difference]:
    """Yield what differs in the closed world."""
    for one, mine in zip(evaluate(plan, known, as_of, "p", closed_world=True), judged, strict=True):
        for _, path, engine, oracle in _criteria(one, mine, Tally()):
            yield "closed", path, engine, oracle
        if one.outcome is not mine.outcome:
            yield "closed", f"{one.arm}/{one.dose}", one.outcome.value, mine.outcome.value


def _criteria(one: Explanation, mine: Judged, tally: Tally) -> Iterator[Difference]:
    lines = [line for line in one.criteria if line.kind != "status"]
    for line, answer in zip(lines, mine.criteria, strict=True):
        tally.lines += 1
        tally.verdicts[f"{line.kind} {answer.verdict.value}"] += 1
        if (line.verdict, line.recoverable) != answer:
            engine = _word(line.verdict.value, turns=line.recoverable)
            yield "criterion", line.path, engine, _word(answer.verdict.value, turns=answer.recoverable)


def _word(verdict: str, *, turns: bool) -> str:
    return f"{verdict}{' (may turn)' if turns else ' (for good)'}"
