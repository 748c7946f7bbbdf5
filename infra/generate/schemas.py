"""JSON Schemas of the payloads, out of their msgspec Structs, with the fields' own documentation."""

import ast
import inspect
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from trialbridge.contracts import errors, events
from trialbridge.contracts.events import Payload

REF: Final = "#/components/schemas/{name}"
MODULES: Final = (events, errors)
"""Where payloads and what they hold are defined."""


def schemas_of(payloads: Iterable[type[Payload]]) -> dict[str, dict[str, Any]]:
    """Return the schema of each payload and of each Struct that it holds, by name, in alphabetical order."""
    _, found = msgspec.json.schema_components([_describable(kind) for kind in payloads], ref_template=REF)
    notes = {name: text for module in MODULES for name, text in field_notes(inspect.getsource(module)).items()}
    for name, schema in found.items():
        for field, described in schema.get("properties", {}).items():
            if (name, field) in notes:
                described["description"] = notes[(name, field)]
    return {name: _plain(found[name]) for name in sorted(found)}


def field_notes(source: str) -> dict[tuple[str, str], str]:
    """Return the texts below the fields of a module's classes, by class and field."""
    notes: dict[tuple[str, str], str] = {}
    for kind in (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)):
        for field, below in zip(kind.body, kind.body[1:], strict=False):
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                notes[(kind.name, field.target.id)] = " ".join(str(below.value.value).split())
    return notes


def _describable(kind: type[Payload]) -> type[msgspec.Struct]:
    """Return a Struct with the same schema; msgspec cannot write a default that is raw JSON, so it is decoded here."""
    fields: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(kind):
        default = field.default
        if isinstance(default, msgspec.Raw):
            default = msgspec.json.decode(default)
        if default is not msgspec.NODEFAULT:
            fields.append((field.name, field.type, msgspec.field(default=default)))
        elif field.default_factory is not msgspec.NODEFAULT:
            fields.append((field.name, field.type, msgspec.field(default_factory=field.default_factory)))
        else:
            fields.append((field.name, field.type, msgspec.field()))
    return msgspec.defstruct(kind.__name__, fields, namespace={"__doc__": kind.__doc__}, kw_only=True)


def _plain(value: Any) -> Any:
    """Return nested values as what YAML writes plainly."""
    return msgspec.to_builtins(value)
