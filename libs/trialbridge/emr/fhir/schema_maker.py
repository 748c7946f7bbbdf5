"""Makes `tables/r4.json`, the JSON schema of the fast checks, from the reference models (FHIR R4B, CC0). Not used at run time.

Run ``python -m trialbridge.emr.fhir.schema_maker`` when the models or `tables/required_codes.tsv` change; a test says when.
"""

import re
import typing
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
from fhir.resources.R4B import fhirtypes, get_fhir_model_class

from trialbridge.emr.fhir.primitives import PRIMITIVES
from trialbridge.emr.tables.rows import rows

_TYPE: Final = re.compile(r"abc\.([A-Za-z]+)Type")
_NO_RESOURCES: Final = frozenset({"Bundle", "Parameters", "Resource", "DomainResource"})
"""Bundles are unfolded before the checks; the others are never records."""
_MORE: Final = "+"
"""The models' mark of a value list that goes on: such a list is taken from `required_codes.tsv`, or not at all."""

Schema = dict[str, Any]


def build() -> Schema:
    """Return the schema: one definition for each datatype and resource type, ``resources`` the names of the latter."""
    models = {name: model for name in _names() if (model := _model(name)) is not None}
    definitions: Schema = dict(PRIMITIVES)
    resources = []
    for name, model in sorted(models.items()):
        if name in _NO_RESOURCES:
            continue
        is_resource = "meta" in model.model_fields and "language" in model.model_fields
        if is_resource:
            resources.append(name)
        definitions[name] = _definition(name, model, is_resource=is_resource)
    definitions["Resource"] = {"type": "object", "required": ["resourceType"]}
    definitions["Reference"]["properties"]["reference"] = {"$ref": "#/definitions/reference"}
    return {"$schema": "http://json-schema.org/draft-07/schema#", "resources": resources, "definitions": definitions}


def _names() -> list[str]:
    return [name.removesuffix("Type") for name in vars(fhirtypes) if name.endswith("Type") and name != "Type"]


def _model(name: str) -> Any:
    try:
        return get_fhir_model_class(name)
    except ValueError:  # a primitive, or an abstract type
        return None


def _definition(name: str, model: Any, *, is_resource: bool) -> Schema:
    properties: Schema = {"resourceType": {"const": name}} if is_resource else {}
    rules: list[Schema] = []
    choices: dict[str, list[str]] = {}
    needed: dict[str, bool] = {}
    required = ["resourceType", "id"] if is_resource else []
    for field_name, field in model.model_fields.items():
        shown = field.alias or field_name
        if field_name in ("fhir_comments", "resource_type"):
            continue
        extra = field.json_schema_extra or {}
        properties[shown] = _value(name, shown, field.annotation, extra)
        group = extra.get("one_of_many")
        if group:
            choices.setdefault(group, []).append(shown)
            needed[group] = bool(extra.get("one_of_many_required"))
        elif field.is_required():
            required.append(shown)
        elif extra.get("element_required"):
            rules.append({"anyOf": [{"required": [shown]}, {"required": [f"_{shown}"]}]})
    for group, names in choices.items():
        rules += _one_of(names, needed=needed[group])
    found: Schema = {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": properties}
    if required:
        found["required"] = required
    if rules:
        found["allOf"] = rules
    return found


def _one_of(names: list[str], *, needed: bool) -> list[Schema]:
    """Return the rule that at most one of a choice's elements is there, and where ``needed`` at least one."""
    if len(names) == 1 and not needed:
        return []
    ways: list[Schema] = [{"required": [one]} for one in names]
    if not needed:
        ways.append({"not": {"anyOf": list(ways)}})
    # An extension on a primitive without a value stands for the value (FHIR, JSON representation of primitives).
    return (
        [{"oneOf": ways}]
        if not needed
        else [{"anyOf": [{"oneOf": ways}, *({"required": [f"_{one}"]} for one in names)]}]
    )


def _value(owner: str, shown: str, annotation: Any, extra: Schema) -> Schema:
    words = str(annotation)
    listed = "typing.List[" in words or "list[" in words
    one = _single(owner, shown, annotation, extra)
    if listed and (shown.startswith("_") or not _TYPE.search(words)):
        # In a list of primitives null stands where there is only an extension, and the other way round.
        one = {"anyOf": [one, {"type": "null"}]}
    return {"type": "array", "minItems": 1, "items": one} if listed else one


def _single(owner: str, shown: str, annotation: Any, extra: Schema) -> Schema:
    concept = _concepts().get(f"{owner}.{shown}")
    if concept is not None:
        return concept
    found = _TYPE.search(str(annotation))
    if found:
        return {"$ref": f"#/definitions/{found[1]}"}
    values = extra.get("enum_values") or []
    if values and _MORE in values:
        values = _listed().get(f"{owner}.{shown}", [])
    if values:
        return {"enum": list(values)}
    return {"$ref": f"#/definitions/{_primitive(annotation)}"}


def _primitive(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Annotated:
        return str(type(annotation.__metadata__[0]).__name__).removesuffix("Type").lower()
    for inner in typing.get_args(annotation):
        if inner is not type(None):
            return _primitive(inner)
    return {bool: "boolean"}.get(annotation, "string")


def _listed() -> dict[str, list[str]]:
    return {element: codes.split() for element, codes in rows("required_codes")}


def _concepts() -> dict[str, Schema]:
    """Return the rules of concepts with a required binding: one coding at least is of the list."""
    found = {}
    for element, system, codes in rows("required_concepts"):
        coding = {
            "properties": {"system": {"const": system}, "code": {"enum": codes.split()}},
            "required": ["system", "code"],
        }
        bound = {"properties": {"coding": {"contains": coding}}, "required": ["coding"]}
        found[element] = {"allOf": [{"$ref": "#/definitions/CodeableConcept"}, bound]}
    return found


def main() -> None:
    """Write the table."""
    path = Path(str(files("trialbridge.emr.tables").joinpath("r4.json")))
    path.write_bytes(msgspec.json.encode(build()) + b"\n")


if __name__ == "__main__":
    main()
