"""The account of resources that stay as they are: each populated element is mapped to itself, counted by the shapes of objects.

The same sets of elements come again and again. A shape is one such set at one path; what is in it is found out once, after that an
object costs one look-up, however many elements it has. Only resources that passed the checks come here.
"""

from collections import Counter, defaultdict
from contextlib import suppress
from typing import Any, Final

from trialbridge.emr import account
from trialbridge.emr.account import Row
from trialbridge.emr.records import Resource

MOST_SHAPES: Final = 100_000
"""Shapes that are remembered: a feed may invent ever new ones."""
DEEPEST: Final = 60
"""Objects within objects: nobody needs more, and other readers have their limits too."""
_DEEPEST: Final = 24
"""Steps of a path that is told; what is below counts with it."""

Same = defaultdict[account.Same, int]
"""How often each shape was met."""
Holders = list[tuple[dict[str, Any], "Shape"]]
"""The References of a resource, each with ``reference``, and what they look like."""


class Shape:
    """One set of elements at one path: which are plain values, which are objects, which lists."""

    __slots__ = ("is_flat", "is_reference", "lists", "objects", "paths", "text")

    def __init__(self, path: "Path", value: dict[str, Any]) -> None:
        """Look at the first object of this shape."""
        self.text = path.text
        self.objects = tuple((name, path.below(name)) for name, inner in value.items() if type(inner) is dict)
        self.lists = tuple((name, path.below(name)) for name, inner in value.items() if type(inner) is list)
        held = {name for name, _ in (*self.objects, *self.lists)}
        plain = [name for name, inner in value.items() if name not in held and inner is not None]
        self.paths = tuple(f"{path.text}.{name}" for name in plain)
        # Reference is the only type that has this element as text.
        self.is_reference = "reference" in plain
        self.is_flat = not held


class Path:
    """An element's path from its resource on, without positions, with the shapes that were met there."""

    __slots__ = ("_below", "depth", "shapes", "text")

    def __init__(self, text: str, depth: int) -> None:
        """Begin with no shape."""
        self.text = text
        self.depth = depth
        self.shapes: dict[tuple[str, ...], Shape] = {}
        self._below: dict[str, Path] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """The one path of a list's values."""
        return (self.text,)

    def below(self, name: str) -> "Path":
        """Return the path of an element of this one's."""
        found = self._below.get(name)
        if found is None:
            if self.depth >= DEEPEST:
                raise RecursionError
            found = self._below[name] = Path(
                f"{self.text}.{name}" if self.depth < _DEEPEST else self.text, self.depth + 1
            )
        return found


class Shapes:
    """The shapes of all resources met; one for the process."""

    def __init__(self) -> None:
        """Begin with none."""
        self._roots: dict[str, Path] = {}
        self._count = 0

    def walk(self, resource: Resource, same: Same, by: int = 1) -> Holders:
        """Count a resource's elements into ``same`` (or out of it: ``by`` -1), and return its references.

        Raises RecursionError where it is nested too deeply, and leaves ``same`` as it was.
        """
        if self._count > MOST_SHAPES:
            self._roots, self._count = {}, 0
        kind = resource["resourceType"]
        root = self._roots.get(kind)
        if root is None:
            root = self._roots[kind] = Path(kind, 0)
        holders: Holders = []
        try:
            self._object(resource, root, same, by, holders)
        except RecursionError:
            with suppress(RecursionError):
                self._object(resource, root, same, -by, holders)
            raise
        return holders

    def _object(  # noqa: C901, PLR0912 - in pieces it takes half as long again, and every element of every record comes here
        self, value: dict[str, Any], path: Path, same: Same, by: int, holders: Holders
    ) -> None:
        names = tuple(value)
        shape = path.shapes.get(names)
        if shape is None:
            shape = path.shapes[names] = Shape(path, value)
            self._count += 1
        same[shape] += by
        for name, below in shape.objects:
            one = value[name]
            # Most objects hold plain values only: they are counted here, without another call.
            known = below.shapes.get(tuple(one))
            if known is not None and known.is_flat:
                same[known] += by
                if known.is_reference:
                    holders.append((one, known))
            else:
                self._object(one, below, same, by, holders)
        for name, below in shape.lists:
            for one in value[name]:
                if type(one) is dict:
                    # The same elements may be of other types in another resource type.
                    inner = below if name != "contained" else below.below(one["resourceType"])
                    known = inner.shapes.get(tuple(one))
                    if known is not None and known.is_flat:
                        same[known] += by
                        if known.is_reference:
                            holders.append((one, known))
                    else:
                        self._object(one, inner, same, by, holders)
                elif one is not None:
                    same[below] += by
        if shape.is_reference:
            holders.append((value, shape))


def leaves_of(value: Any, path: str, found: Counter[str]) -> None:
    """Count the populated values of any JSON by path: of what packs resources, and of what is set aside."""
    waiting = [(value, path, 0)]
    while waiting:
        one, here, depth = waiting.pop()
        if isinstance(one, dict):
            waiting += [(inner, step(here, name, depth), depth + 1) for name, inner in one.items()]
        elif isinstance(one, list):
            waiting += [(inner, here, depth) for inner in one]
        elif one is not None:
            found[here] += 1


def rows_of(resource: Resource) -> tuple[Row, ...]:
    """Return the leaves of a resource as mapped to themselves, each by itself."""
    found: Counter[str] = Counter()
    leaves_of(resource, resource["resourceType"], found)
    return tuple((path, "mapped", (path,)) for path, count in found.items() for _ in range(count))


def step(path: str, name: str, depth: int = 0) -> str:
    """Return the path of an element of another one's, which is ``depth`` steps below the beginning."""
    # A name that FHIR cannot have may be anything, and is shown as other.
    shown = name if name.removeprefix("_").isalnum() and name.isascii() and len(name) < 60 else "other"  # noqa: PLR2004
    return f"{path}.{shown}" if depth < _DEEPEST else path


SHAPES: Final = Shapes()
