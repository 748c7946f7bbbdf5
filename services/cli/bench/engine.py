"""The engine under load, without any service: full sweeps, one changed patient, one changed trial, memory, one wide criterion."""

import gc
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import Any, Final

import msgspec

from services.cli.bench import changed
from services.cli.bench.figures import cuts, resident, settle_down
from trialbridge.contracts.ids import PatientId
from trialbridge.criteria import facts as f
from trialbridge.criteria.cohort import Cohort
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import outcomes
from trialbridge.criteria.index import TrialIndex
from trialbridge.criteria.known import FactIndex, Known
from trialbridge.criteria.plan import TrialPlan
from trialbridge.criteria.verdicts import Outcome
from trialbridge.testkit.engine_load import TODAY, patients, trials
from trialbridge.testkit.oracle import judge_trial

CHANGES: Final = 500
"""Changed trials at most, and patients of the wide criterion, that are timed."""
BRUTE: Final = 40
"""Patients that are evaluated against every trial without an index, for the ratio."""
ORACLE: Final = 5
"""Patients that the oracle, which shares and keeps nothing, judges on every trial."""
HELD: Final = 20_000
"""Patients in memory at a time, of each process."""
WIDE: Final = (5, 8)
"""Groups, and members of each, of the wide criterion."""
_GENES: Final = ("KRAS", "EGFR", "BRAF", "PIK3CA", "ERBB2", "MET", "RET", "IDH1")
_CHANGES: Final = ("p.G12C", "p.L858R", "p.V600E", "p.H1047R", "p.S310F", "p.D1010N", "p.M918T", "p.R132H")


@dataclass(frozen=True, slots=True)
class Part:
    """What one process did of a sweep."""

    seconds: float
    """Of the sweep alone, from facts in memory to outcomes."""
    loading: float
    eligible: int
    potentially: int


def definitions(count: int, seed: int) -> list[bytes]:
    """Return ``count`` compiled trials of the load; the few that contradict themselves are passed over."""
    found: list[bytes] = []
    number = 0
    while len(found) < count:
        for text in trials(count - len(found), seed, number):
            number += 1
            compiled = compile_text(text)
            if compiled.ok:
                found.append(compiled.definition)
    return found


def indexed(texts: Sequence[bytes]) -> tuple[TrialIndex, list[TrialPlan]]:
    """Return the index over trials, and their plans."""
    index, plans = TrialIndex(), [load(text) for text in texts]
    for plan in plans:
        index.put(plan)
    return index, plans


def sweep_part(texts: Sequence[bytes], first: int, count: int, seed: int) -> Part:
    """Sweep one part of the patients, as many at a time as are held in memory."""
    index, _ = indexed(texts)
    seconds = loading = 0.0
    eligible = potentially = 0
    for start in range(first, first + count, HELD):
        began = time.perf_counter()
        held = [FactIndex(facts) for _, facts in patients(min(HELD, first + count - start), seed, start)]
        settle_down()
        loaded = time.perf_counter()
        for facts in held:
            found = index.sweep(Known(facts, TODAY))
            eligible += found.eligible.bit_count()
            potentially += found.potentially.bit_count()
        loading += loaded - began
        seconds += time.perf_counter() - loaded
    return Part(seconds, loading, eligible, potentially)


def sweep(texts: Sequence[bytes], count: int, seed: int, processes: int) -> dict[str, Any]:
    """Return the figures of a full sweep over ``processes``."""
    share = -(-count // processes)
    starts = range(0, count, share)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        jobs = [pool.submit(sweep_part, texts, first, min(share, count - first), seed) for first in starts]
        parts = [job.result() for job in jobs]
    seconds, pairs = max(part.seconds for part in parts), count * len(texts)
    return {
        "patients": count,
        "trials": len(texts),
        "processes": processes,
        "seconds": round(seconds, 3),
        "loading_seconds": round(max(part.loading for part in parts), 3),
        "pairs_per_second": round(pairs / seconds),
        "pairs_per_second_per_process": round(pairs / sum(part.seconds for part in parts)),
        "eligible_branches": sum(part.eligible for part in parts),
        "potentially_branches": sum(part.potentially for part in parts),
    }


def against_brute_force(texts: Sequence[bytes], seed: int) -> dict[str, Any]:
    """Return the sweep's speed as a multiple of evaluating every trial for every patient, on the same patients."""
    index, plans = indexed(texts)
    people = [FactIndex(facts) for _, facts in patients(BRUTE * 25, seed)]
    for facts in people:
        index.sweep(Known(facts, TODAY))
    few = people[:BRUTE]
    indexed_seconds = _timed(lambda: [index.sweep(Known(facts, TODAY)) for facts in people]) / len(people)
    brute_seconds = _timed(lambda: [_brute(plans, facts) for facts in few]) / len(few)
    fewest = few[:ORACLE]
    oracle_seconds = _timed(lambda: [judge_trial(plan.trial, facts.facts, TODAY) for facts in fewest for plan in plans])
    oracle_seconds /= len(fewest)
    same = all(
        (found.eligible.bit_count(), (found.eligible | found.potentially).bit_count()) == _brute(plans, facts)
        for facts in few
        for found in (index.sweep(Known(facts, TODAY)),)
    )
    return {
        "index_microseconds_per_patient": round(indexed_seconds * 1e6, 1),
        "every_trial_microseconds_per_patient": round(brute_seconds * 1e6, 1),
        "ratio": round(brute_seconds / indexed_seconds, 1),
        "baseline": "every trial",
        "oracle_microseconds_per_patient": round(oracle_seconds * 1e6, 1),
        "ratio_to_oracle": round(oracle_seconds / indexed_seconds, 1),
        "same_outcomes": same,
    }


def _brute(plans: Sequence[TrialPlan], facts: FactIndex) -> tuple[int, int]:
    fresh = FactIndex(facts.facts)
    found = [outcome for plan in plans for outcome in outcomes(plan, fresh, TODAY)]
    eligible = found.count(Outcome.ELIGIBLE)
    return eligible, eligible + found.count(Outcome.POTENTIALLY)


def changed_patients(texts: Sequence[bytes], seed: int) -> dict[str, Any]:
    """Time changed patients of every kind."""
    index, plans = indexed(texts)
    return changed.changed_patients(index, len(plans), seed)


def changed_trials(texts: Sequence[bytes], count: int, seed: int) -> dict[str, Any]:
    """Time one changed trial each against a cohort: which patients it may take, and their outcomes."""
    before = resident()
    people = {PatientId(name): FactIndex(facts) for name, facts in patients(count, seed)}
    with_facts = resident()
    cohort = Cohort(TODAY)
    for name, facts in people.items():
        cohort.put(name, facts)
    with_cohort = resident()
    settle_down()
    times, asked = [], 0
    for plan in [load(text) for text in texts[: max(20, min(CHANGES, 2_000_000 // count))]]:
        began = time.perf_counter()
        found = list(cohort.sweep(plan, people.__getitem__))
        times.append(time.perf_counter() - began)
        asked += len(found)
    return {
        "patients": count,
        "changes": len(times),
        "open_patients_mean": round(asked / len(times), 1),
        "index_bytes_per_patient": round((with_cohort - with_facts) / count),
        "facts_bytes_per_patient": round((with_facts - before) / count),
        **cuts(times),
    }


def trial_bytes(texts: Sequence[bytes]) -> int:
    """Return the bytes that a trial takes in memory, plan and index together."""
    gc.collect()
    before = resident()
    kept = indexed(texts)
    return round((resident() - before) / len(kept[1]))


def wide_criterion() -> dict[str, Any]:
    """Time an AND of ORs, each over several genes, for patients of whom others alike were seen before."""
    groups, members = WIDE
    ors = [
        {"any": [{"variant": {"gene": _GENES[(number + shift) % members], "protein_change": [change]}}
                 for number, change in enumerate(_CHANGES)]}
        for shift in range(groups)
    ]  # fmt: skip
    compiled = compile_text(msgspec.json.encode({"id": "WIDE", "criteria": {"all": ors}}))
    plan = load(compiled.definition)
    here = f.Evidence(resource="Observation/1")
    rng, index = Random(0), TrialIndex()  # noqa: S311 - a load, not a secret
    index.put(plan)
    turns = [
        FactIndex([f.Variant(evidence=here, gene=gene, protein_change=rng.choice(_CHANGES)) for gene in _GENES])
        for _ in range(CHANGES * 2)
    ]
    for one in turns[CHANGES:]:
        index.sweep(one.at(TODAY))
    known = [one.at(TODAY) for one in turns[:CHANGES]]
    settle_down()
    seconds = [_timed(partial(index.sweep, one)) for one in known]
    return {"groups": groups, "members": members, **cuts(seconds)}


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
