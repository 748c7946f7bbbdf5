"""One changed patient against many trials: from the new facts to what the matcher has to say of every trial that reads them."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple

from services.cli.bench.figures import cuts, settle_down
from trialbridge.criteria import facts as f
from trialbridge.criteria.following import follow
from trialbridge.criteria.index import TrialIndex
from trialbridge.criteria.known import FactIndex, Known
from trialbridge.criteria.plan import Branch, TrialPlan
from trialbridge.criteria.telling import Told, tell
from trialbridge.criteria.timers import next_turn
from trialbridge.testkit.engine_load import ONCOTREE, SMALL_PANEL, TODAY, patients

CHANGES: Final = 300
"""Changed patients of each kind that are timed."""
Facts = tuple[f.AnyFact, ...]
_YESTERDAY: Final = (TODAY - timedelta(days=1)).isoformat()


def _delivered(name: str) -> f.Evidence:
    return f.Evidence(resource=f"Observation/{name}", source="load/ehr", record=f"rec_{name}", version="1")


def _laboratory_result(rng: Random) -> Facts:
    value = Decimal(rng.randint(70, 150)) / 10
    return (f.Lab(evidence=_delivered("new"), loinc="718-7", value=value, unit="g/dL", effective=_YESTERDAY),)


def _genomic_report(rng: Random) -> Facts:
    found = [
        f.Variant(
            evidence=_delivered(f"new-{gene}"), gene=gene, protein_change="p.G12C", source_class="somatic",
            effective=_YESTERDAY,
        )
        for gene in rng.sample(SMALL_PANEL, 2)
    ]  # fmt: skip
    panel = f.Coverage(evidence=_delivered("new"), genes=SMALL_PANEL, source_class="somatic", effective=_YESTERDAY)
    return panel, *found


def _diagnosis(rng: Random) -> Facts:
    code = f.Coding(system=ONCOTREE, code=rng.choice(("LUAD", "BRCA", "COAD", "PRAD", "MEL", "AML")))
    return (f.Diagnosis(evidence=_delivered("new"), codes=(code,), effective=_YESTERDAY),)


KINDS: Final[dict[str, tuple[str, Callable[[Random], Facts]]]] = {
    "laboratory_result": ("a hemoglobin of yesterday, which most trials ask for", _laboratory_result),
    "genomic_report": ("a panel of 50 genes with two variants, as of yesterday", _genomic_report),
    "diagnosis": ("one more primary tumour type", _diagnosis),
}


class _Times(NamedTuple):
    explained: float
    """From the new facts to every line judged, every outcome, what is missing and when it may turn."""
    written: float
    """The same, and the canonical bytes and digest of each explanation."""
    explained_processor: float
    """The processor time of the first, which other work on the machine does not add to."""
    written_processor: float
    branches: int


def changed_patients(index: TrialIndex, trials: int, seed: int) -> dict[str, Any]:
    """Time each kind of change, for patients who were looked at lately and for others."""
    people = [(Facts(facts)) for _, facts in patients(CHANGES, seed)]
    for facts in people:
        index.sweep(Known(FactIndex(facts), TODAY))
    found: dict[str, Any] = {"trials": trials, "changes_of_each_kind": CHANGES}
    for kind, (words, make) in KINDS.items():
        found[kind] = {
            "change": words,
            "patient_not_looked_at_lately": _figures(index, people, make, seed, lately=False),
            "patient_looked_at_lately": _figures(index, people, make, seed, lately=True),
        }
    return found


def _figures(
    index: TrialIndex, people: Sequence[Facts], make: Callable[[Random], Facts], seed: int, *, lately: bool
) -> dict[str, Any]:
    rng = Random(seed)  # noqa: S311 - a load, not a secret
    settle_down()
    times = [_timed(index, facts, make(rng), lately=lately) for facts in people]
    return {
        "explained_branches_mean": round(sum(one.branches for one in times) / len(times), 1),
        "explained": cuts([one.explained for one in times]),
        "explained_processor_time": cuts([one.explained_processor for one in times]),
        "with_canonical_bytes_and_digests": cuts([one.written for one in times]),
        "with_canonical_bytes_and_digests_processor_time": cuts([one.written_processor for one in times]),
    }


def _timed(index: TrialIndex, facts: Facts, more: Facts, *, lately: bool) -> _Times:
    before = FactIndex(facts)
    then = before.at(TODAY) if lately else Known(before, TODAY)
    was = index.sweep(then)
    proposed = was.eligible | was.potentially
    if lately:
        _written(_explained(index, proposed, then))
    began, worked = time.perf_counter(), time.process_time()
    after = FactIndex((*facts, *more))
    changed = follow(before, after, TODAY)
    known, touched = after.at(TODAY), index.readers(changed)
    found = index.sweep(known, touched)
    # What was proposed and is no more is explained as well: that is why it is withdrawn.
    told = _explained(index, found.eligible | found.potentially | (proposed & touched), known)
    explained, explained_work = time.perf_counter() - began, time.process_time() - worked
    _written(told)
    written, written_work = time.perf_counter() - began, time.process_time() - worked
    return _Times(explained, written, explained_work, written_work, len(told))


def _explained(index: TrialIndex, mask: int, known: Known) -> list[Told]:
    by_trial: dict[int, tuple[TrialPlan, list[Branch]]] = {}
    for plan, branch in index.branches(mask):
        by_trial.setdefault(id(plan), (plan, []))[1].append(branch)
    told = []
    for plan, branches in by_trial.values():
        next_turn(plan, known)
        told += tell(plan, branches, known, "pat_0123456789abcdef")
    return told


def _written(told: Iterable[Told]) -> list[tuple[bytes, str]]:
    return [(one.raw(), one.digest()) for one in told]
