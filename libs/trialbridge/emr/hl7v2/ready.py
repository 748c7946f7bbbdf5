"""Values that are plain already, and stand for leaves that nobody has made yet.

A value that is made after the layout of an earlier one (`layouts.py`) holds no leaf; it knows of which repetition it is, and where
each leaf of that stands in it. Where the value is found in a resource, the repetition is told so; what became of its leaves is then
the same for all of that layout. Whoever needs the leaves themselves gets them: they are made, and told what their repetition was.
"""

from collections.abc import Callable
from typing import Any, Final

from trialbridge.emr.account import Leaf, Row, leaves_within, map_to
from trialbridge.emr.bounded import Bounded
from trialbridge.emr.hl7v2.message import Rep, Told, path_of
from trialbridge.emr.hl7v2.state import State

_MOST: Final = 200
"""Rows of one layout."""
Of = tuple[Rep, "Layout"]
Where = tuple[int, int, int]
"""Component, subcomponent, and how many of these the component has."""


class Layout:
    """Where the leaves of a repetition stand in the value that a reader makes of it."""

    __slots__ = ("leaves", "places", "reader", "rows", "size")

    def __init__(
        self, reader: Callable[[Rep, Any], Any], leaves: tuple[Where, ...], places: tuple[tuple[int, str], ...], size: int
    ) -> None:  # fmt: skip
        """Keep the populated leaves, and number and path of those in the value, which has ``size`` elements."""
        self.reader = reader
        self.leaves = leaves
        self.places = places
        self.size = size
        self.rows: Bounded[tuple[Any, ...], tuple[Row, ...] | None] = Bounded(_MOST)
        """Rows of the account by segment, field and what was told."""


class Ready(dict[str, Any]):
    """An element in plain values."""

    __slots__ = ("of",)
    of: Of


class ReadyText(str):
    """Plain text."""

    __slots__ = ("of",)
    of: Of


def unfolded(value: Any, reading: State) -> Any:
    """Return a value as its reader makes it of leaves; what was added to it since stays."""
    rep, layout = value.of
    rep.is_loose = True
    found = layout.reader(rep, reading)
    if type(value) is ReadyText:
        return found
    return {**found, **{key: inner for key, inner in value.items() if key not in found}}


def enter(rep: Rep, layout: Layout, path: str) -> None:
    """Say that a value made after a layout is in the output, at ``path``."""
    if rep.is_split and not rep.is_loose and any(one.fate == "mapped" for one in leaves_of(rep)):
        # Somebody put its leaves elsewhere.
        loosen(rep)
    if rep.is_loose:
        _map(leaves_of(rep), layout, path)
    elif rep.told is None:
        rep.told = [(layout, path)]
    else:
        rep.told.append((layout, path))


def leaves_of(rep: Rep) -> list[Leaf]:
    """Return the populated leaves of a repetition in order."""
    return [one for subs in rep.parts for one in subs if type(one) is Leaf]


def _map(leaves: list[Leaf], layout: Layout, path: str) -> None:
    for number, below in layout.places:
        map_to(leaves[number], path + below)


def loosen(rep: Rep) -> None:
    """Let the leaves of a repetition know what it was told; from now on each speaks for itself."""
    told: list[Told] = rep.told or []
    rep.told, rep.is_loose = None, True
    if not told:
        return
    leaves = leaves_of(rep)
    later = [one.where if one.fate == "mapped" else () for one in leaves]
    for one in leaves:
        if one.fate == "mapped":
            one.where = ()
    for layout, path in told:
        _map(leaves, layout, path)
    for one, paths in zip(leaves, later, strict=True):
        one.where += tuple(path for path in paths if path not in one.where)


def follow(first: Rep, again: Rep) -> bool:
    """Let a repetition know what one in the same words was told; return False where their leaves must be asked."""
    if first.told is None or first.is_loose or again.told is not None or again.is_loose or first.raw != again.raw:
        return False
    again.told = first.told.copy()
    return True


def rows_of(name: str, field: int, rep: Rep) -> tuple[Row, ...] | None:
    """Return what became of the leaves of a repetition, None where it does not know of all of them."""
    told = rep.told
    if told is None:
        return None
    if rep.is_split and any(one.fate != "unaccounted" for one in leaves_of(rep)):
        loosen(rep)
        return None
    layout = told[0][0]
    key = (name, field, *told)
    found: tuple[Row, ...] | None
    try:
        found = layout.rows[key]
    except KeyError:
        found = layout.rows.keep(key, _rows(name, field, told))
    if found is None:
        loosen(rep)
    return found


def _rows(name: str, field: int, told: list[Told]) -> tuple[Row, ...] | None:
    leaves = told[0][0].leaves
    where: list[tuple[str, ...]] = [()] * len(leaves)
    for layout, path in told:
        for number, below in layout.places:
            if path + below not in where[number]:
                where[number] += (path + below,)
    if not all(where):
        return None
    return tuple((path_of(name, field, *leaf), "mapped", paths) for leaf, paths in zip(leaves, where, strict=True))


def leaves_told(value: Any) -> list[Leaf]:
    """Return all leaves that a value holds or stands for."""
    if type(value) is Ready or type(value) is ReadyText:
        rep, layout = value.of
        loosen(rep)
        leaves = leaves_of(rep)
        return [leaves[number] for number, _ in layout.places]
    if isinstance(value, dict):
        return [one for inner in value.values() for one in leaves_told(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in leaves_told(inner)]
    return leaves_within(value)
