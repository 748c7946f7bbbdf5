"""Makes a resource plain: its values, where its leaves are, and what its checks hang on."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from trialbridge.emr.account import Derived, Leaf, Made, leaves_of, map_to
from trialbridge.emr.hl7v2 import ready
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.ready import Layout, Ready, ReadyText
from trialbridge.emr.records import Resource

Told = tuple[Leaf | tuple[Rep, Layout], str]
"""A leaf, or a repetition whose leaves are not made, with the path of the element that it is in."""
Found = list[Told]
_ID_LENGTH: Final = 36
"""Of all ids that are made here."""


class Plain:
    """A resource in plain values."""

    __slots__ = ("_stamp", "found", "is_open", "resource", "shape")

    def __init__(self, resource: Mapping[str, Any], stamp: Any) -> None:
        """Make it plain; ``stamp`` is the time that every resource of its message has."""
        self.found: Found = []
        self.shape: list[Any] = []
        """Element names, constants and layouts: what decides whether the resource passes its checks, but for its id and stamp."""
        self.is_open = False
        """Whether the checks hang on more than that."""
        self._stamp = stamp
        self.resource: Resource = self._whole(resource, str(resource.get("resourceType")))

    def _whole(self, resource: Mapping[str, Any], kind: str) -> Resource:
        if type(resource) is not Ready:
            return self._object(resource, kind)
        self.found.append((resource.of, kind))
        self.shape += (kind, resource.of[1])
        return dict(resource)

    def _object(self, value: Mapping[str, Any], path: str) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        shape = self.shape
        shape.append(len(value))
        for key, inner in value.items():
            kind = type(inner)
            shape.append(key)
            if kind is str:
                kept[key] = inner
                if key == "reference":
                    shape.append(inner[:-_ID_LENGTH])
                elif key != "id":
                    shape.append(inner)
            elif kind is dict:
                kept[key] = self._refers(inner) or self._object(inner, f"{path}.{key}")
            elif kind is list:
                below = f"{path}.{key}"
                shape.append(-len(inner))
                kept[key] = [self._value(one, below) for one in inner]
            else:
                kept[key] = self._value(inner, f"{path}.{key}")
        return kept

    def _value(self, value: Any, path: str) -> Any:
        kind = type(value)
        if kind is Ready or kind is ReadyText:
            of = value.of
            self.found.append((of, path))
            layout = of[1]
            self.shape.append(layout)
            if kind is ReadyText:
                return str(value)
            return dict(value) if len(value) == layout.size else self._object(value, path)
        if kind is dict:
            return self._refers(value) or self._object(value, path)
        if value is self._stamp:
            self.found += [(one, path) for one in leaves_of(value)]
            return str(value)
        return self._leafy(value, kind, path)

    def _refers(self, value: dict[str, Any]) -> dict[str, Any] | None:
        """Return a reference that holds nothing else, which most small elements are; None for others."""
        if len(value) == 1:
            told = value.get("reference")
            if type(told) is str:
                self.shape.append((told[:-_ID_LENGTH],))
                return {"reference": told}
        return None

    def _leafy(self, value: Any, kind: type[Any], path: str) -> Any:
        """Return another value in plain values."""
        if kind is str:
            self.shape.append(value)
            return value
        self.is_open = True
        if kind is list:
            return [self._value(inner, path) for inner in value]
        if kind is Leaf:
            self.found.append((value, path))
            return str(value)
        if kind is Derived:
            self.found += [(one, path) for one in leaves_of(value)]
            return str(value)
        if kind is Made:
            self.found += [(one, path) for source in value.of for one in leaves_of(source)]
            return value.value
        return value


def confirm(found: Iterable[Told]) -> None:
    """Enter into leaves, and into repetitions for theirs, that they are in the output: the resource passed its checks."""
    for one, path in found:
        if isinstance(one, tuple):
            ready.enter(*one, path)
        else:
            map_to(one, path)
