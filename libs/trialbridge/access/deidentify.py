"""What a lab may see of patients: numbers of people, made from groups of opaque keys and nothing else.

A lab's picture is built up from counts; there is no fuller answer from which something would have to be taken away.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from trialbridge.access.cells import Cell, SafeTable, protect, subtotal

RANKED: Final = ("approved", "awaiting_review", "held", "potentially", "withdrawn", "closed")
"""Match statuses from furthest to least far; a person with several matches in one trial counts once, at the first."""

STEPS: Final = (
    ("Ever proposed", RANKED),
    ("Still in question", RANKED[:4]),
    ("Eligible", RANKED[:3]),
    ("Approved", RANKED[:1]),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel."""

    name: str
    people: Cell


@dataclass(frozen=True, slots=True)
class TrialCounts:
    """How many people stand where in one trial, safe to show to its lab."""

    by_status: SafeTable
    funnel: tuple[Step, ...]


def trial_counts(people: Mapping[str, AbstractSet[str]]) -> TrialCounts:
    """Return a trial's safe counts.

    Args:
        people: Opaque person keys by match status. They are counted and forgotten.
    """
    counts: dict[str, int] = {}
    counted: set[str] = set()
    for status in RANKED:
        here = people.get(status, frozenset()) - counted
        counts[status] = len(here)
        counted |= here
    table = protect(counts)
    return TrialCounts(table, tuple(Step(name, subtotal(table, counts, part)) for name, part in STEPS))
