"""People, organizations and places that the messages of a conversion name again and again in the same words: each is read once.

What the words of a repetition become depends on nothing but them, the source and the message's zone. It is kept plain and with the
places of its leaves; what each message's own leaves become is the same as if they had been read. People are kept for one conversion
only; organizations, places and devices (`LASTING`) as long as the process runs, within bounds.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from trialbridge.emr.account import Derived, Found, Leaf, Made, settle
from trialbridge.emr.bounded import Bounded, Memory
from trialbridge.emr.records import Resource

Reference = dict[str, Any]
Who = tuple[str, str]
"""Resource type and id."""
LASTING: Final = frozenset({"HD Organization", "HD Device", "HD Location", "PL", "XON"})
"""Datatypes, with what they become, that name no people."""
lasting: Memory = Bounded()
Placed = list[tuple[tuple[int, int], str]]
"""Number of the words, number of the leaf in them, and the path of the element that it is in."""


class Known:
    """What some words said of somebody; one object for one of them."""

    __slots__ = ("content", "joint", "leaves", "paths", "plain")

    def __init__(self, content: Resource, leaves: list[Leaf], plain: Resource, paths: list[tuple[int, str]]) -> None:
        """Keep it as it was read of its leaves, plain, and which leaf is where."""
        self.content = content
        self.leaves = leaves
        self.plain = plain
        self.paths = paths
        self.joint: Joint | None = None
        """The same as all that a message says of somebody."""


class Again(NamedTuple):
    """Somebody who is known, in the same words of another message."""

    known: Known
    leaves: list[Leaf]

    def whole(self) -> Resource:
        """Return it as if it had been read of its own leaves."""
        new = {id(old): one for old, one in zip(self.known.leaves, self.leaves, strict=True)}
        found: Resource = _swapped(self.known.content, new)
        return found


class Meeting(NamedTuple):
    """All that became of some words."""

    found: Reference | None
    told: tuple[tuple[Who, Known], ...]


class Joint:
    """Somebody of whom several words of a message tell."""

    __slots__ = ("is_sound", "placed", "plain")

    def __init__(self, plain: Resource, placed: Placed) -> None:
        """Keep it plain, with the places of the leaves."""
        self.plain = plain
        self.placed = placed
        self.is_sound = False
        """Whether it passed its checks."""

    def found(self, variants: Sequence[Again]) -> Found:
        """Return the leaves of one message that are in it, with their paths."""
        return [(variants[which].leaves[at], path) for (which, at), path in self.placed]


def meeting(found: Reference | None, leaves: list[Leaf], told: Sequence[tuple[str, str, Resource]]) -> Meeting | None:
    """Return what is remembered of words; None where more than their own leaves is in it."""
    places = {id(one): number for number, one in enumerate(leaves)}
    kept = []
    for kind, identity, content in told:
        plain, inside = settle(content)
        if any(id(leaf) not in places for leaf, _ in inside):
            return None
        paths = [(places[id(leaf)], path) for leaf, path in inside]
        kept.append(((kind, identity), Known(content, leaves, plain, paths)))
    return Meeting(None if found is None else dict(found), tuple(kept))


def _swapped(value: Any, new: dict[int, Leaf]) -> Any:
    """Return a value with other leaves in the places of those that it was made of."""
    if isinstance(value, dict):
        return {key: _swapped(inner, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_swapped(inner, new) for inner in value]
    if isinstance(value, Leaf):
        return new[id(value)]
    if isinstance(value, Derived):
        found = Derived(value)
        found.of = tuple(_swapped(one, new) for one in value.of)
        return found
    return Made(value.value, tuple(_swapped(one, new) for one in value.of)) if isinstance(value, Made) else value


def forget() -> None:
    """Begin anew, as a new process does."""
    lasting.clear()
