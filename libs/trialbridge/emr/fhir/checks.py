"""The fast checks on every resource: elements, datatypes, cardinality, choices, required codes and real dates (`tables/r4.json`)."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import jsonschema_rs

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.fhir.forms import FORMS
from trialbridge.emr.fhir.grammar import resource_types, schema
from trialbridge.emr.fhir.instants import beyond_calendar, holds_edge
from trialbridge.emr.fhir.places import below
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Resource

__all__ = ["below", "body_of", "check", "fits", "passes", "resource_types"]

_ANYWHERE: Final = Place()


@cache
def _validator(kind: str) -> Any:
    return jsonschema_rs.Draft7Validator({"$ref": f"#/definitions/{kind}", "definitions": schema()["definitions"]})


def fits(resource: Resource) -> bool:
    """Return whether a resource passes the checks; `check` says why one does not. Times beyond the calendar are not looked for."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in resource_types():
        return False
    try:
        if "contained" not in resource:
            return bool(_validator(kind).is_valid(resource))
        return _wrong(kind, resource) is None
    except (ValueError, OverflowError, RecursionError):
        return False


def check(resource: Resource, place: Place) -> None:
    """Raise `Poison` with the path of the first wrong element; no value is ever quoted.

    The codes are ``fhir.unknown-type``, ``fhir.invalid`` and, for a time that has no equivalent in UTC, ``fhir.beyond-calendar``.
    """
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in resource_types():
        raise Poison("fhir.unknown-type", "This is not a resource type of FHIR R4.", below(place, "resourceType"))
    text = _text(resource)
    is_edgy = holds_edge(text)
    if not is_edgy and FORMS.find(text) is not None:
        return
    try:
        wrong = _wrong(kind, resource)
        edge = beyond_calendar(resource) if wrong is None and is_edgy else None
        if wrong is None and not text:
            encode(resource)
    except (ValueError, OverflowError, RecursionError):
        raise Poison("fhir.invalid", f"The {kind} holds a value that FHIR has no room for.", place) from None
    if wrong is not None:
        path, rule = wrong
        raise Poison("fhir.invalid", f"The {kind} is not valid FHIR R4 ({rule}).", below(place, path))
    if edge is not None:
        message = f"The {kind} holds a time whose zone leads out of the calendar (years 1 to 9999 in UTC)."
        raise Poison("fhir.beyond-calendar", message, below(place, edge))
    if not is_edgy:
        FORMS.learn(text, resource)


def passes(resource: Resource) -> bool:
    """Return whether `check` has nothing to say, wherever the resource comes from."""
    try:
        check(resource, _ANYWHERE)
    except Poison:
        return False
    return True


def _text(resource: Resource) -> bytes:
    """Return a resource as JSON, empty where it holds what JSON cannot say."""
    try:
        return encode(resource)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return b""


def _wrong(kind: str, resource: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the path of the first wrong element and the rule that it breaks, None where all is well."""
    validator = _validator(kind)
    if not validator.is_valid(resource):
        return _first(next(iter(validator.iter_errors(resource))))
    for steps, inner in _contained(resource):
        inner_kind = inner.get("resourceType")
        if not isinstance(inner_kind, str) or inner_kind not in resource_types():
            return f"{steps}.resourceType", "unknown type"
        if "contained" in inner:
            return f"{steps}.contained", "a contained resource that contains others"
        # FHIR lets contained resources lack what only stored ones need; the id is what they are referred to by.
        found = _wrong(inner_kind, {"id": "contained", **inner})
        if found is not None:
            return f"{steps}.{found[0]}", found[1]
    return None


def _contained(resource: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((f"contained[{n}]", one) for n, one in enumerate(resource.get("contained", ())))


def _first(error: Any) -> tuple[str, str]:
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path if _is_name(step)]
    name = type(error.kind).__name__.removeprefix("ValidationErrorKind_")
    return "".join(steps).lstrip("."), _RULES.get(name, name)


_RULES: Final = {
    "AdditionalProperties": "an element that FHIR does not have",
    "Contains": "no code of the required list",
    "AnyOf": "a required element is missing",
    "Constant": "another resource type",
    "Enum": "a code that is not in the list",
    "MinItems": "an empty list",
    "MinProperties": "an empty element",
    "OneOfMultipleValid": "two values for one choice",
    "OneOfNotValid": "a choice of values is missing",
    "Pattern": "a value of the wrong form",
    "Required": "a required element is missing",
    "Type": "a value of the wrong type",
}


def _is_name(step: Any) -> bool:
    """Whether a step of a path is an element's name: other keys come from the input and may hold anything."""
    return isinstance(step, int) or (isinstance(step, str) and step.replace("_", "").isalnum() and len(step) < 60)  # noqa: PLR2004


def body_of(resource: Any) -> bytes:
    """Return a resource as bytes for the dead letter."""
    return encode(resource)
