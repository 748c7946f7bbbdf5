"""From one datatype to another: what of a value fits, and what is left over."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from trialbridge.emr.account import Made, made

Reshaped = tuple[Any, Any]
"""The value in the other type, and the rest of it, None for nothing."""


def _part(name: str) -> Callable[[Any], Reshaped | None]:
    """Return what takes one element of an object."""

    def take(value: Any) -> Reshaped | None:
        if not isinstance(value, dict) or name not in value:
            return None
        return value[name], {key: inner for key, inner in value.items() if key != name} or None

    return take


def _reference(value: Any) -> Reshaped | None:
    """A CodeableReference without a reference becomes one that has only words."""
    found = _part("reference")(value)
    concept = value.get("concept") if isinstance(value, dict) else None
    if found is not None or not isinstance(concept, dict):
        return found
    codings = concept.get("coding")
    first = codings[0] if isinstance(codings, list) and codings and isinstance(codings[0], dict) else {}
    words = concept.get("text", first.get("display", first.get("code")))
    return ({"display": words}, value) if isinstance(words, str) else None


def _evidence(value: Any) -> Reshaped | None:
    if not isinstance(value, dict):
        return None
    found = {new: [value[old]] for old, new in (("concept", "code"), ("reference", "detail")) if old in value}
    rest = {key: inner for key, inner in value.items() if key not in ("concept", "reference")}
    return (found, rest or None) if found else None


def _inside(name: str, *, several: bool = False) -> Callable[[Any], Reshaped | None]:
    """Return what puts a value into an object."""

    def put(value: Any) -> Reshaped | None:
        return {name: [value] if several else value}, None

    return put


def _coded(value: Any) -> Reshaped | None:
    return ({"coding": [{"code": value}]}, None) if isinstance(value, str) else None


def _coding(value: Any) -> Reshaped | None:
    codings = value.get("coding") if isinstance(value, dict) else None
    if not isinstance(codings, list) or not codings:
        return None
    rest = {**value, "coding": codings[1:]} if len(codings) > 1 else {k: v for k, v in value.items() if k != "coding"}
    return codings[0], rest or None


def _code(value: Any) -> Reshaped | None:
    first = _coding(value)
    code = first[0].get("code") if first is not None and isinstance(first[0], dict) else None
    return (code, value) if isinstance(code, str) else None


def _whole_number(value: Any) -> Reshaped | None:
    if isinstance(value, Made):
        return value, None
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19  # noqa: PLR2004 - 64 bits
    return (Made(int(value), (made(value, value),)), None) if digits else None


_TEXTS: Final = ("string", "markdown", "uri")
_SHAPES: Final[Mapping[tuple[str, str], Callable[[Any], Reshaped | None]]] = {
    ("CodeableReference", "CodeableConcept"): _part("concept"),
    ("CodeableReference", "ConditionEvidence"): _evidence,
    ("CodeableReference", "Reference"): _reference,
    ("CodeableConcept", "Coding"): _coding,
    ("CodeableConcept", "code"): _code,
    ("Coding", "CodeableConcept"): _inside("coding", several=True),
    ("code", "CodeableConcept"): _coded,
    ("Identifier", "string"): _part("value"),
    ("Identifier", "id"): _part("value"),
    ("string", "Identifier"): _inside("value"),
    ("Annotation", "string"): _part("text"),
    ("Reference", "canonical"): _part("reference"),
    ("Reference", "uri"): _part("reference"),
    ("uri", "Reference"): _inside("reference"),
    ("canonical", "Reference"): _inside("reference"),
    ("integer64", "unsignedInt"): _whole_number,
    **{(text, "CodeableConcept"): _inside("text") for text in _TEXTS},
    **{(text, "Annotation"): _inside("text") for text in _TEXTS},
}


def reshape(value: Any, old: str, new: str) -> Reshaped | None:
    """Return a value in another datatype with what is left of it; None where nothing of it fits."""
    shape = _SHAPES.get((old, new))
    return shape(value) if shape is not None else None
