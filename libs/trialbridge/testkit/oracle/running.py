"""Many batches of engine against oracle, on as many processes as there are to be used."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from trialbridge.testkit.oracle.compare import BATCH, Disagreement, Tally, compare_batch, shrunk

CHUNK = 10
"""Batches that a process does before it reports."""
SHOWN = 20
"""Disagreements that a summary shows in full."""


def run(pairs: int, seed: int, workers: int = 1, progress: Callable[[Tally], None] = lambda _: None) -> Tally:
    """Return what at least that many pairs of a seed show; the answer does not depend on the number of processes.

    ``progress`` is told of all that was seen so far, now and then.
    """
    tally = Tally()
    for part in _parts([(seed, number) for number in range(-(-pairs // BATCH))], workers):
        tally.add(part)
        progress(tally)
    tally.disagreements.sort(key=lambda one: (one.batch, one.path))
    return tally


def _parts(jobs: list[tuple[int, int]], workers: int) -> Iterator[Tally]:
    if workers == 1:
        yield from (compare_batch(*job) for job in jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(_job, jobs, chunksize=CHUNK)


def _job(job: tuple[int, int]) -> Tally:
    return compare_batch(*job)


def summary(tally: Tally) -> dict[str, Any]:
    """Return what a run has seen, ready for JSON; the first disagreements with as few facts as they need."""
    kinds: dict[str, Counter[str]] = {}
    for name, count in sorted(tally.verdicts.items()):
        kind, verdict = name.split()
        kinds.setdefault(kind, Counter())[verdict] += count
    return {
        "pairs": tally.pairs,
        "criteria": tally.lines,
        "outcomes": dict(sorted(tally.outcomes.items())),
        "verdicts": {kind: dict(counts) for kind, counts in kinds.items()},
        "disagreements": len(tally.disagreements),
        "shown": [shrunk(one) for one in tally.disagreements[:SHOWN]],
    }


def told(found: Disagreement) -> str:
    """Return a disagreement as text that says how to see it again."""
    small = shrunk(found)
    shape = msgspec.json.format(msgspec.json.encode(small), indent=1).decode()
    return f"batch {found.batch}: {found.what} at {found.path}: engine {found.engine}, oracle {found.oracle}\n{shape}"
