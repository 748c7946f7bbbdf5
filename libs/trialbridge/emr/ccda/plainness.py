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


def twin(value: Any) -> Any:
    """Return a value of a resource for a second place in it, or in another one: with containers of its own, of the same leaves."""
    if isinstance(value, dict):
        return {key: twin(inner) for key, inner in value.items()}
    return [twin(inner) for inner in value] if isinstance(value, list) else value


def settle(resource: Resource) -> tuple[Resource, Found]:
    """Make the resource's values plain; return it, and the leaves that were in it with their paths.

    Its containers are its own (`twin`) but for those without leaves, which resources share and nobody changes.
    """
    found: Found = []
    _object(resource, _TYPES[str(resource["resourceType"])], found)
    return resource, found


def _object(value: Resource, path: Path, found: Found) -> None:
    for key, inner in value.items():
        kind = type(inner)
        if kind is str:
            continue
        if kind is Leaf:
            found.append((inner, path[key]))
            value[key] = str(inner)
        elif kind is dict:
            _object(inner, path[key], found)
        elif kind is list:
            _list(inner, path[key], found)
        elif kind is Derived:
            _sources(inner.of, path[key], found)
            value[key] = str(inner)
        elif kind is Made:
            _sources(inner.of, path[key], found)
            value[key] = inner.value


def _list(value: list[Any], path: Path, found: Found) -> None:
    for number, one in enumerate(value):
        kind = type(one)
        if kind is dict:
            _object(one, path, found)
        elif kind is list:
            _list(one, path, found)
        elif kind is Leaf or kind is Derived:
            _sources((one,), path, found)
            value[number] = str(one)
        elif kind is Made:
            _sources(one.of, path, found)
            value[number] = one.value


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
