"""``docs/language/facts.schema.json``: a patient as a facts file has it, as JSON Schema, out of the types of the facts."""

import inspect
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from infra.generate.schemas import field_notes
from infra.generate.trial_schema import DRAFT, NUMBER, Schema, as_text
from trialbridge.criteria import facts as f

VERSION: Final = 1
ABOUT: Final = (
    "One patient as the engine sees them: a file holds one such object, or one a line (NDJSON). A fact says what a record says, "
    "never what it leaves out."
)
DATES: Final = frozenset(
    {"birth_date", "date", "deceased_date", "effective", "end", "period_end", "period_start", "start"}
)
DATE: Final = r"^\d{4}(-\d{2}(-\d{2}(T.+)?)?)?$"
"""A FHIR partial date."""


def render(_root: Path) -> str:
    """Return the schema as JSON text."""
    return as_text(facts_schema())


def facts_schema() -> Schema:
    """Return the schema of a facts file."""
    kinds = [f.PatientFacts, f.Evidence, f.Coding, *get_args(f.AnyFact)]
    _, found = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    notes = field_notes(inspect.getsource(f))
    for kind in kinds:
        _complete(found[kind.__name__], kind, notes)
    patient = found.pop("PatientFacts")
    return {
        "$schema": DRAFT,
        "$id": f"urn:trialbridge:facts:{VERSION}",
        **patient,
        "title": f"Facts of a patient, version {VERSION}",
        "description": ABOUT,
        "$defs": {name: found[name] for name in sorted(found)},
    }


def _complete(schema: Schema, kind: type[msgspec.Struct], notes: dict[tuple[str, str], str]) -> None:
    """Add what the types do not say: texts below the fields, numbers, dates, and that there are no other keys."""
    schema["additionalProperties"] = False
    for field in msgspec.structs.fields(kind):
        described = schema["properties"][field.name]
        if Decimal in (field.type, *get_args(field.type)):
            described.pop("type", None)
            described.pop("format", None)
            described["anyOf"] = [*NUMBER["anyOf"], *([] if field.required else [{"type": "null"}])]
        if field.name in DATES:
            _dated(described)
        note = next(
            (notes[one.__name__, field.name] for one in kind.__mro__ if (one.__name__, field.name) in notes), ""
        )
        if note:
            described["description"] = note


def _dated(described: dict[str, Any]) -> None:
    described["pattern"] = DATE
    if "anyOf" in described:
        for one in described["anyOf"]:
            if one.get("type") == "string":
                one["pattern"] = DATE
        del described["pattern"]
