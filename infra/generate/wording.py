"""Types, bounds and defaults of settings in words."""

import types
from datetime import date
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from infra.generate.faults import Fault
from infra.generate.markdown import code

NAMES = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Path: "path", date: "date"}
BOUNDS = {at.Ge: ("≥", "ge"), at.Gt: (">", "gt"), at.Le: ("≤", "le"), at.Lt: ("<", "lt")}


def type_text(field: FieldInfo) -> str:
    """Return what a field takes, with its bounds: ``whole number, ≥ 1, ≤ 256``."""
    limits = []
    for limit in field.metadata:
        if type(limit) in BOUNDS:
            sign, name = BOUNDS[type(limit)]
            limits.append(f"{sign} {getattr(limit, name):g}")
    return ", ".join([_kind(field.annotation), *limits])


def default_text(field: FieldInfo) -> str:
    """Return the default as one would write it, or a word where there is nothing to write."""
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None or value == "":
        return "none"
    if isinstance(value, str | Path | date):
        return code(str(value))
    if isinstance(value, bool | int | float):
        return code(str(value).lower())
    return code(to_json(value).decode())


def _kind(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        (only,) = (one for one in inner if one is not type(None))
        return _kind(only)
    if origin is Literal:
        return " or ".join(code(str(one)) for one in inner)
    if origin in (list, tuple):
        return "JSON list"
    if origin is dict:
        return "JSON object"
    try:
        return NAMES[annotation]
    except KeyError:
        raise Fault(f"infra/generate/wording.py has no word for the type {annotation}; add one") from None
