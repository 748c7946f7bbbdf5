"""The small-cell rule: 0 or 11 and more are shown, 1 to 10 are not, and no sum gives a hidden cell away.

Follows the cell size suppression policy of CMS (no cell below 11, nor anything from which one can be derived). What is withheld
beside the small cells depends on nothing but which cells are small: a choice that looked at the numbers would tell them to
whoever knows the rule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

SMALLEST_SHOWN: Final = 11
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

    The total is the sum of all cells: with a small one among several that are not empty it is withheld.
    """
    cells = {name: cell(count) for name, count in counts.items()}
    return SafeTable(cells, _sum(cells, counts, counts))


def subtotal(table: SafeTable, counts: Mapping[str, int], names: Iterable[str]) -> Cell:
    """Return the sum of some cells of ``table`` as it may be shown beside it: exact where it is made of shown cells alone."""
    return _sum(table.cells, counts, set(names))


def _sum(cells: Mapping[str, Cell], counts: Mapping[str, int], names: Iterable[str]) -> Cell:
    filled = [name for name in names if counts[name]]
    if len(filled) == 1:
        return cells[filled[0]]
    if all(cells[name].shown for name in filled):
        return cell(sum(counts[name] for name in filled))
    return Cell(None, WITHHELD)


def _small(count: int) -> bool:
    return 0 < count < SMALLEST_SHOWN
