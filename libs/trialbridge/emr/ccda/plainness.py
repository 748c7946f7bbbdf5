"""Makes resources plain and finds the leaves in them, as `emr.account` does, with the paths of elements made once for all documents."""

from typing import Any, Final

from trialbridge.emr.account import Derived, Leaf, Made
from trialbridge.emr.records import Resource


class Path(dict[str, "Path"]):
    """The path of an element, for example ``Patient.name``, with those below it: as many as there are elements that rules fill."""

    __slots__ = ("where",)

    def __init__(self, text: str) -> None:
        """Begin with none below."""
        super().__init__()
        self.where = (text,)
        """The path as a leaf tells it."""

    def __missing__(self, name: str) -> "Path":
        """Return and remember the path of an element right below."""
        found = self[name] = Path(f"{self.where[0]}.{name}")
        return found


class _Types(dict[str, Path]):
    def __missing__(self, kind: str) -> Path:
        found = self[kind] = Path(kind)
        return found


_TYPES: Final = _Types()
Found = list[tuple[Leaf, Path]]
"""Leaves of a resource, each with the path of the element that it is in."""


def settle(resource: Resource) -> tuple[Resource, Found]:
    """Return the resource in plain values, and the leaves in it with their paths."""
    found: Found = []
    return _object(resource, _TYPES[str(resource["resourceType"])], found), found


def _object(value: Resource, path: Path, found: Found) -> Resource:
    kept: Resource = {}
    for key, inner in value.items():
        kind = type(inner)
        if kind is str:
            kept[key] = inner
        elif kind is Leaf:
            found.append((inner, path[key]))
            kept[key] = str(inner)
        elif kind is dict:
            kept[key] = _object(inner, path[key], found)
        elif kind is list:
            below = path[key]
            if len(inner) == 1 and type(inner[0]) is dict:
                kept[key] = [_object(inner[0], below, found)]
            else:
                kept[key] = [_plain(one, below, found) for one in inner]
        elif kind is Derived:
            below = path[key]
            for one in inner.of:
                if type(one) is Leaf:
                    found.append((one, below))
                elif one is not None:
                    _sources((one,), below, found)
            kept[key] = str(inner)
        else:
            kept[key] = _plain(inner, path[key], found)
    return kept


def _plain(value: Any, path: Path, found: Found) -> Any:
    kind = type(value)
    if kind is Derived:
        _sources(value.of, path, found)
        return str(value)
    if kind is Made:
        _sources(value.of, path, found)
        return value.value
    if kind is Leaf:
        found.append((value, path))
        return str(value)
    if kind is dict:
        return _object(value, path, found)
    if kind is list:
        return [_plain(inner, path, found) for inner in value]
    return value


def _sources(of: tuple[str | None, ...], path: Path, found: Found) -> None:
    for one in of:
        kind = type(one)
        if kind is Leaf:
            found.append((one, path))  # type: ignore[arg-type]  # its very type was looked at
        elif kind is Derived:
            _sources(one.of, path, found)  # type: ignore[union-attr]  # the same


def enter(found: Found) -> None:
    """Enter into the leaves that they are in the output: the resource passed its checks."""
    for one, path in found:
        if one.fate != "mapped":
            one.fate, one.where = "mapped", path.where
        elif path.where[0] not in one.where:
            one.where += path.where
