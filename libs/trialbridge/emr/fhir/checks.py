"""The fast checks on every resource: elements, types, dates and codes by a JSON schema (`tables/r4.json`)."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Resource


@lru_cache(maxsize=1)
def _validator() -> Any:
    return jsonschema_rs.validator_for(files("trialbridge.emr.tables").joinpath("r4.json").read_text("utf-8"))


def check(resource: Resource, place: Place) -> None:
    """Raise `Poison` ``fhir.invalid`` with the JSON path of the first element that is wrong; its value is never quoted."""
    validator = _validator()
    try:
        if validator.is_valid(resource):
            return
        error = next(iter(validator.iter_errors(resource)))
    except (ValueError, OverflowError, RecursionError):
        raise Poison("fhir.invalid", "The resource cannot be read as FHIR R4.", place) from None
    path = ".".join(str(step) for step in error.instance_path)
    rule = str(error.kind.name if hasattr(error.kind, "name") else type(error.kind).__name__)
    kind = resource.get("resourceType")
    shown = kind if isinstance(kind, str) and kind.isalpha() else "A resource"
    raise Poison(
        "fhir.invalid",
        f"{shown} is not valid FHIR R4 ({rule}).",
        Place(place.bundle, place.entry, place.message, place.segment, path or place.field or "resource"),
    )


def body_of(resource: Any) -> bytes:
    """Return a resource as bytes for the dead letter."""
    return encode(resource)
