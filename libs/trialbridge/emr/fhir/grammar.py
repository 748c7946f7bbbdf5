"""What the schema of the fast checks (`tables/r4.json`) allows, element by element, for whoever writes patterns of it."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import msgspec

_REF: Final = "#/definitions/"


class Element(NamedTuple):
    """One element of a type."""

    kind: str
    """The type's name: of a primitive in lower case, of the others as FHIR writes it; ``enum`` for a value of ``codes``."""
    is_list: bool
    codes: tuple[str, ...] = ()
    bound: tuple[str, tuple[str, ...]] | None = None
    """Of a concept with a required binding: the system and the codes, of which one coding at least must be."""

    @property
    def is_object(self) -> bool:
        """Whether its values have elements of their own."""
        return self.kind[:1].isupper()


class Type(NamedTuple):
    """A datatype, a resource type, or a part of one."""

    name: str
    elements: Mapping[str, Element]
    is_bound: bool = False
    """Whether its system and code must be there, of a list."""


@cache
def schema() -> Mapping[str, Any]:
    """Return the table: ``definitions`` by name, and ``resources``, the names of all resource types that may come in."""
    found: dict[str, Any] = msgspec.json.decode(files("trialbridge.emr.tables").joinpath("r4.json").read_bytes())
    return found


@cache
def resource_types() -> frozenset[str]:
    """Return the names of all resource types that may come in."""
    return frozenset(schema()["resources"])


@cache
def type_of(name: str) -> Type:
    """Return a type by its name in the schema; raise KeyError for one that it does not have."""
    found = schema()["definitions"][name]
    elements = {shown: _element(one) for shown, one in found.get("properties", {}).items()}
    return Type(name, elements)


def inner_type(element: Element) -> Type:
    """Return the type of an element that is an object; where its codes are bound, each coding must be of the list."""
    of = type_of(element.kind)
    if element.bound is None:
        return of
    system, codes = element.bound
    if element.kind != "Coding":
        coding = of.elements["coding"]._replace(bound=element.bound)
        return of._replace(elements={**of.elements, "coding": coding})
    narrow = {
        "system": Element("enum", is_list=False, codes=(system,)),
        "code": Element("enum", is_list=False, codes=codes),
    }
    return of._replace(elements={**of.elements, **narrow}, is_bound=True)


def _element(given: Mapping[str, Any]) -> Element:
    if given.get("type") == "array":
        return _single(given["items"])._replace(is_list=True)
    return _single(given)


def _single(given: Mapping[str, Any]) -> Element:
    if "anyOf" in given:  # in a list of primitives null may stand, which nearly never does
        return _single(given["anyOf"][0])
    if "const" in given:
        return Element("enum", is_list=False, codes=(given["const"],))
    if "enum" in given:
        return Element("enum", is_list=False, codes=tuple(given["enum"]))
    if "allOf" in given:
        base, rule = given["allOf"]
        coding = rule["properties"]["coding"]["contains"]["properties"]
        bound = (coding["system"]["const"], tuple(coding["code"]["enum"]))
        return _single(base)._replace(bound=bound)
    return Element(given["$ref"].removeprefix(_REF), is_list=False)
