"""FHIR R4 in: bundles of every type, single resources, NDJSON; grouped by patient, bad resources set aside alone."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison, Undecodable
from trialbridge.contracts.ids import LocalPatientId, digest
from trialbridge.emr import jsontext
from trialbridge.emr.fhir.checks import body_of, check
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Entry, Feed, Piece, Resource, SetAside, Warnings

JSON: Final = "application/fhir+json"
NDJSON: Final = "application/fhir+ndjson"
RESOURCE_TYPE: Final = "application/fhir+json; one resource"
SHARED: Final = frozenset(
    {"Organization", "Practitioner", "PractitionerRole", "Location", "Medication", "Endpoint", "HealthcareService", "Questionnaire",
     "PlanDefinition", "ActivityDefinition", "CodeSystem", "ValueSet", "StructureDefinition", "Group", "Library", "Measure"}
)  # fmt: skip
"""Resource types that are about nobody in particular; they are counted and left out."""

Found = tuple[Any, Place, str]
"""A resource, its place, its full URL."""


def convert_json(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Piece | SetAside]:
    """Yield the patients' resources of a JSON document: a Bundle, a single resource, or a JSON array of resources."""
    document = jsontext.decode(entry.body, Place(entry=entry.name))
    if isinstance(document, list):
        found = [(one, Place(entry=entry.name, field=f"[{n}]"), "") for n, one in enumerate(document)]
    elif isinstance(document, dict) and document.get("resourceType") == "Bundle":
        found = list(_bundle(document, entry.name))
    else:
        found = [(document, Place(entry=entry.name), "")]
    yield from _resources(found, feed, warnings)


def convert_ndjson(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Piece | SetAside]:
    """Yield the patients' resources of a file with one resource on each line."""
    found: list[Found] = []
    for number, line in enumerate(entry.body.splitlines(), 1):
        if not line.strip():
            continue
        place = Place(entry=entry.name, message=number)
        try:
            found.append((jsontext.decode(line.strip().removeprefix(b"\xef\xbb\xbf"), place), place, ""))
        except Undecodable as error:
            yield SetAside(error, bytes(line), NDJSON)
    yield from _resources(found, feed, warnings)


def _bundle(bundle: Mapping[str, Any], name: str) -> Iterator[Found]:
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise Undecodable("fhir.not-a-bundle", "The Bundle's entry is not a list.", Place(entry=name, field="entry"))
    for number, one in enumerate(entries):
        place = Place(entry=name, field=f"entry[{number}].resource")
        if not isinstance(one, dict):
            yield None, place, ""
            continue
        # A deletion or a search outcome carries no resource of a patient.
        if "resource" not in one and isinstance(one.get("request"), dict):
            continue
        url = one.get("fullUrl")
        yield one.get("resource"), place, url if isinstance(url, str) else ""


def _resources(found: list[Found], feed: Feed, warnings: Warnings) -> Iterator[Piece | SetAside]:
    good: list[tuple[Resource, Place]] = []
    urls: dict[str, str] = {}
    for resource, place, url in found:
        try:
            kept = _identified(resource, place, feed)
            if url:
                urls[url] = f"{kept['resourceType']}/{kept['id']}"
            good.append((kept, place))
        except Poison as error:
            yield SetAside(error, body_of(resource), RESOURCE_TYPE)
    for resource, place in good:
        try:
            linked = _rewritten(resource, urls) if urls else resource
            check(linked, place)
            piece = _piece(linked, place, warnings)
        except Poison as error:
            yield SetAside(error, body_of(resource), RESOURCE_TYPE)
        else:
            if piece is not None:
                yield piece


def _identified(resource: Any, place: Place, feed: Feed) -> Resource:
    """Return the resource with an id; a source that gives none gets one derived from the content."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise Poison("fhir.not-fhir", "This is JSON, but not a FHIR resource: resourceType is missing.", place)
    if resource["resourceType"] == "Bundle":
        raise Poison("fhir.nested-bundle", "A Bundle inside a Bundle is not taken; send its entries.", place)
    if "id" in resource:
        return resource
    return {**resource, "id": resource_id(feed.source, resource["resourceType"], digest(jsontext.encode(resource)))}


def _rewritten(value: Any, urls: Mapping[str, str]) -> Any:
    """Return a value whose references into the bundle (full URLs) are relative ones."""
    if isinstance(value, dict):
        changed = {key: _rewritten(inner, urls) for key, inner in value.items()}
        reference = changed.get("reference")
        if isinstance(reference, str) and reference in urls:
            changed["reference"] = urls[reference]
        return changed
    return [_rewritten(inner, urls) for inner in value] if isinstance(value, list) else value


def _piece(resource: Resource, place: Place, warnings: Warnings) -> Piece | None:
    kind = resource["resourceType"]
    if kind == "Patient":
        return Piece(LocalPatientId(resource["id"]), (resource,))
    if kind in SHARED:
        warnings.note("fhir.about-nobody")
        return None
    holder = resource.get("subject") or resource.get("patient") or resource.get("beneficiary") or resource.get("for")
    reference = holder.get("reference") if isinstance(holder, dict) else None
    if not isinstance(reference, str) or "Patient/" not in reference:
        raise Poison(
            "fhir.no-patient",
            f"{kind} does not say whose it is: subject or patient must refer to a Patient.",
            Place(place.bundle, place.entry, place.message, place.segment, f"{place.field or 'resource'}.subject"),
        )
    return Piece(LocalPatientId(reference.rsplit("Patient/", 1)[1].split("/")[0].split("?")[0]), (resource,))
