"""The small-cell rule: 0 or 11 and more are shown, 1 to 10 are not, and no sum gives a hidden cell away.

Follows the cell size suppression policy of CMS (no cell below 11, nor anything from which one can be derived).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

SMALLEST_SHOWN: Final = 11
LARGEST_HIDDEN: Final = SMALLEST_SHOWN - 1
SMALL: Final = "1–10"  # noqa: RUF001 -- the sign people expect between two numbers
WITHHELD: Final = "withheld"
"""Shown in place of a number that is not small itself but would give a small one away."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number as it may be shown; ``value`` is None where it is hidden."""

    value: int | None
    label: str

    @property
    def shown(self) -> bool:
        """Return whether the exact number is shown."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class SafeTable:
    """Disjoint cells and their total, safe to publish together."""

    cells: Mapping[str, Cell]
    total: Cell


def cell(count: int) -> Cell:
    """Return one number on its own under the rule. Raises ValueError for a negative count."""
    if count < 0:
        raise ValueError("a count is never negative")
    return Cell(None, SMALL) if _small(count) else Cell(count, str(count))


def protect(counts: Mapping[str, int]) -> SafeTable:
    """Return disjoint counts with their total so that neither the cells nor the total tell a hidden number.

    Small cells are hidden. Where the total would then narrow one of them, the smallest other cells are withheld too, one
    after the other; where even that is not enough the total is withheld instead.
    """
    total = cell(sum(counts.values()))
    small = {name for name, count in counts.items() if _small(count)}
    withheld: set[str] = set()
    if total.shown and small:
        spare = sorted((count, name) for name, count in counts.items() if count >= SMALLEST_SHOWN)
        while not _tells_nothing(counts, small, withheld) and spare:
            withheld.add(spare.pop(0)[1])
        if not _tells_nothing(counts, small, withheld):
            withheld, total = set(), Cell(None, WITHHELD)
    cells = {name: Cell(None, WITHHELD) if name in withheld else cell(count) for name, count in counts.items()}
    return SafeTable(cells, total)


def subtotal(table: SafeTable, counts: Mapping[str, int], names: Iterable[str]) -> Cell:
    """Return the sum of some cells of ``table`` as it may be shown beside it.

    It is exact only where it is made of shown cells alone, or follows from the shown total and shown cells; any other
    sum would split the hidden cells, and is withheld.
    """
    inside = set(names)
    if inside == set(table.cells):
        return table.total
    hidden = {name for name, shown in table.cells.items() if not shown.shown}
    if not hidden & inside or (hidden <= inside and table.total.shown):
        return cell(sum(counts[name] for name in inside))
    filled = [name for name in inside if counts[name]]
    return table.cells[filled[0]] if len(filled) == 1 else Cell(None, WITHHELD)


def _small(count: int) -> bool:
    return 0 < count < SMALLEST_SHOWN


def _tells_nothing(counts: Mapping[str, int], small: set[str], withheld: set[str]) -> bool:
    """Return whether each small cell may still be anything from 1 to 10 for one who knows total and shown cells.

    Such a reader knows the sum of all hidden cells, that a small one lies in 1 to 10 and a withheld one is at least 11.
    """
    hidden_sum = sum(counts[name] for name in small | withheld)
    others_least = (len(small) - 1) + SMALLEST_SHOWN * len(withheld)
    can_be_largest = hidden_sum - others_least >= LARGEST_HIDDEN
    can_be_one = bool(withheld) or hidden_sum - LARGEST_HIDDEN * (len(small) - 1) <= 1
    return can_be_largest and can_be_one
