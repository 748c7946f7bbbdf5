"""``docs/language/trial.schema.json``: what people write as a trial, as JSON Schema, out of the types of the language."""

import inspect
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import msgspec

from infra.generate.schemas import field_notes
from trialbridge.contracts import events
from trialbridge.contracts.events import Site
from trialbridge.criteria import language as q
from trialbridge.criteria import language_genomic
from trialbridge.criteria import trial as trials
from trialbridge.criteria.surface import NODES
from trialbridge.criteria.trial import LANGUAGE_VERSION, Arm, DoseLevel, Trial

Schema = dict[str, Any]
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
ABOUT: Final = (
    "A trial as people write it, in YAML or JSON. The schema knows keys, types and words; genes, tumour types, units and what "
    "contradicts itself are the compiler's (`trialbridge trial lint`), which also takes words in other letter case."
)
NUMBER: Final[Schema] = {
    "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,4})?$"}],
    "description": "A number; in quotes it keeps its digits.",
}
WHOLE: Final[Schema] = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^[-+]?\d+$"}]}
FLAG: Final[Schema] = {"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no", "true", "false"]}]}
TEXT: Final[Schema] = {"type": ["string", "number"]}
PLAIN: Final[dict[Any, Schema]] = {bool: FLAG, int: WHOLE, str: TEXT, Decimal: NUMBER, float: NUMBER}
GROUPS: Final[dict[str, Schema]] = {
    "all": {"$ref": "#/$defs/criteria"},
    "any": {"$ref": "#/$defs/criteria"},
    "not": {"$ref": "#/$defs/criterion"},
    "at_least": {
        "type": "object",
        "properties": {"count": {"type": "integer", "minimum": 1}, "of": {"$ref": "#/$defs/criteria"}},
        "required": ["count", "of"],
        "additionalProperties": False,
    },
}
NOTES: Final = {
    key: text
    for module in (q, language_genomic, trials, events)
    for key, text in field_notes(inspect.getsource(module)).items()
}
"""What stands below each field, by class and field."""


def render(_root: Path) -> str:
    """Return the schema as JSON text."""
    return as_text(trial_schema())


def as_text(schema: Schema) -> str:
    """Return a schema as JSON with two blanks of indent."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def trial_schema() -> Schema:
    """Return the schema of a trial in the surface form: one key per criterion."""
    kinds = {kind: _node(kind, node) for kind, node in NODES.items()}
    return {
        "$schema": DRAFT,
        "$id": f"urn:trialbridge:trial:{LANGUAGE_VERSION}",
        "title": f"Trial, language version {LANGUAGE_VERSION}",
        "description": ABOUT,
        **_holder(Trial),
        "$defs": {
            "criteria": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/criterion"}},
            "criterion": {
                "description": "Exactly one key: a group, or what is asked for.",
                "type": "object",
                "properties": {kind: {"$ref": f"#/$defs/{kind}"} for kind in kinds},
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
            },
            "arm": _holder(Arm),
            "dose_level": _holder(DoseLevel),
            "site": _holder(Site),
            "period": _period(),
            "moment": _moment(),
            **kinds,
        },
    }


def _holder(kind: type[msgspec.Struct]) -> Schema:
    """Return the schema of a trial, arm, dose level or site."""
    inside: dict[str, Schema] = {
        "criteria": {"$ref": "#/$defs/criterion"},
        "arms": {"type": "array", "items": {"$ref": "#/$defs/arm"}},
        "dose_levels": {"type": "array", "items": {"$ref": "#/$defs/dose_level"}},
        "sites": {"type": "array", "items": {"$ref": "#/$defs/site"}},
    }
    own: dict[str, Schema] = {"language": {"const": LANGUAGE_VERSION}}
    fields = [field for field in msgspec.structs.fields(kind) if field.name not in inside and field.name not in own]
    names = [name for name in inside if name in kind.__struct_fields__]
    schema = _object(kind, fields)
    schema["properties"].update({name: inside[name] for name in names})
    schema["properties"].update({name: value for name, value in own.items() if name in kind.__struct_fields__})
    return schema


def _node(kind: str, node: type[msgspec.Struct]) -> Schema:
    about = " ".join((node.__doc__ or "").split())
    if kind in GROUPS:
        return {"description": about, **GROUPS[kind]}
    return _object(node, msgspec.structs.fields(node))


def _object(kind: type[msgspec.Struct], fields: Iterable[msgspec.structs.FieldInfo]) -> Schema:
    fields = tuple(fields)
    return {
        "description": " ".join((kind.__doc__ or "").split()),
        "type": "object",
        "properties": {field.name: _field(kind, field) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _field(kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> Schema:
    schema = dict(value_schema(field.type))
    # A leaf's shared base may hold the field.
    note = next((NOTES[one.__name__, field.name] for one in kind.__mro__ if (one.__name__, field.name) in NOTES), "")
    if note:
        schema["description"] = note
    if not field.required and field.default not in (None, (), ""):
        schema["default"] = field.default
    return schema


def value_schema(kind: Any) -> Schema:
    """Return what may be written for a field of this type: lists may be a single value, numbers may stand in quotes."""
    kind = without_none(kind)
    if kind == q.Moment:
        return {"$ref": "#/$defs/moment"}
    if kind is q.Period:
        return {"$ref": "#/$defs/period"}
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if get_origin(kind) is tuple:
        return _list(get_args(kind))
    return PLAIN[kind]


def without_none(kind: Any) -> Any:
    """Return the type of a field that may be left out."""
    if get_origin(kind) in (UnionType, Union):
        return Union[tuple(one for one in get_args(kind) if one is not type(None))]  # noqa: UP007 - made of a tuple
    return kind


def _list(inner: tuple[Any, ...]) -> Schema:
    item = value_schema(inner[0])
    if Ellipsis not in inner:
        return {"type": "array", "items": item, "minItems": len(inner), "maxItems": len(inner)}
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _period() -> Schema:
    units = [field.name for field in msgspec.structs.fields(q.Period)]
    words = "|".join(unit.removesuffix("s") for unit in units)
    return {
        "description": " ".join((q.Period.__doc__ or "").split()),
        "anyOf": [
            {
                "type": "object",
                "properties": {unit: {"type": "integer", "minimum": 1} for unit in units},
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
            },
            {"type": "string", "pattern": rf"^\s*\d{{1,6}}\s*({words})s?\s*$"},
        ],
    }


def _moment() -> Schema:
    about = "A day (2024-05-03), or a length of time back from the as-of date (28 days)."
    day = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
    return {"description": about, "anyOf": [{"$ref": "#/$defs/period"}, day]}
