"""FHIR R4 in: bundles of every type, single resources, NDJSON; each resource checked, told whose it is, bad ones set aside alone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison, Undecodable
from trialbridge.contracts.ids import LocalPatientId, digest
from trialbridge.emr import jsontext
from trialbridge.emr.fhir.checks import body_of, check, resource_types
from trialbridge.emr.fhir.documents import Unfolded, unfold
from trialbridge.emr.fhir.models import check_by_model, is_sampled
from trialbridge.emr.fhir.owners import merges_of, own_patient, patient_of
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Entry, Feed, Found, Piece, Resource, SetAside, Shared, Warnings

JSON: Final = "application/fhir+json"
NDJSON: Final = "application/fhir+ndjson"
RESOURCE_TYPE: Final = "application/fhir+json; one resource"
_URN: Final = re.compile(r"urn:uuid:([A-Za-z0-9\-.]{1,64})")

Placed = tuple[Resource, Place]


def convert_json(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Yield the resources of a JSON document: a Bundle, a single resource, or a JSON array of them."""
    place = Place(entry=entry.name)
    document = jsontext.decode(entry.body, place)
    found = list(unfold(document, place, warnings))
    yield from _resources(found, feed, suspicious=jsontext.may_hold_control(entry.body))


def convert_ndjson(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Yield the resources of a file with one resource or Bundle on each line."""
    found: list[Unfolded] = []
    for number, line in enumerate(entry.body.splitlines(), 1):
        text = line.strip().removeprefix(b"\xef\xbb\xbf")
        if not text:
            continue
        place = Place(entry=entry.name, message=number)
        try:
            found.extend(unfold(jsontext.decode(text, place), place, warnings))
        except Undecodable as error:
            yield SetAside(error, bytes(line), NDJSON)
    yield from _resources(found, feed, suspicious=jsontext.may_hold_control(entry.body))


def _resources(found: Sequence[Unfolded], feed: Feed, *, suspicious: bool) -> Iterator[Found]:
    named: list[Placed] = []
    urls: dict[str, str] = {}
    for one in found:
        try:
            resource = _identified(one, feed, suspicious=suspicious)
        except Poison as error:
            yield SetAside(error, body_of(one.value), RESOURCE_TYPE)
            continue
        if one.url:
            urls[one.url] = f"{resource['resourceType']}/{resource['id']}"
        named.append((resource, one.place))
    good: list[Placed] = []
    for resource, place in named:
        linked = _rewritten(resource, urls) if urls else resource
        try:
            check(linked, place)
            if is_sampled(linked, feed.sample):
                check_by_model(linked, place)
        except Poison as error:
            yield SetAside(error, body_of(resource), RESOURCE_TYPE)
        else:
            good.append((linked, place))
    yield from _owned(good)


def _owned(good: Sequence[Placed]) -> Iterator[Found]:
    owners: dict[str, LocalPatientId] = {}
    for resource, _ in good:
        own = own_patient(resource)
        if own is not None:
            owners[f"{resource['resourceType']}/{resource['id']}"] = own
    for resource, place in good:
        try:
            local = patient_of(resource, owners, place)
        except Poison as error:
            yield SetAside(error, body_of(resource), RESOURCE_TYPE)
            continue
        if local is None:
            yield Shared(resource)
        elif resource["resourceType"] == "Patient":
            yield Piece(local, (resource,), merges=tuple(merges_of(resource)))
        else:
            yield Piece(local, (resource,))


def _identified(one: Unfolded, feed: Feed, *, suspicious: bool) -> Resource:
    """Return the resource with an id; one without gets one derived from its identifier, its full URL or its content."""
    if one.error is not None:
        raise one.error
    resource = one.value
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise Poison("fhir.not-fhir", "This is JSON, but not a FHIR resource: resourceType is missing.", one.place)
    if resource["resourceType"] not in resource_types():
        raise Poison("fhir.unknown-type", "This is not a resource type of FHIR R4.", one.place)
    if suspicious and jsontext.holds_control(resource):
        raise Poison(
            "fhir.control-character", "A string holds a control character, which FHIR does not allow.", one.place
        )
    if "id" in resource:
        return resource
    return {**resource, "id": _derived(resource, one.url, feed)}


def _derived(resource: Mapping[str, Any], url: str, feed: Feed) -> str:
    kind = resource["resourceType"]
    numbers = resource.get("identifier")
    if kind == "Patient" and isinstance(numbers, list) and numbers and isinstance(numbers[0], dict):
        first = numbers[0]
        return resource_id(feed.source, kind, str(first.get("system", "")), str(first.get("value", "")))
    found = _URN.fullmatch(url)
    return found[1] if found else resource_id(feed.source, kind, digest(jsontext.canonical(resource)))


def _rewritten(value: Any, urls: Mapping[str, str]) -> Any:
    """Return a value whose references into the bundle (full URLs) are relative ones."""
    if isinstance(value, dict):
        changed = {
            key: _rewritten(inner, urls) if isinstance(inner, dict | list) else inner for key, inner in value.items()
        }
        reference = changed.get("reference")
        if isinstance(reference, str) and reference in urls:
            changed["reference"] = urls[reference]
        return changed
    return [_rewritten(inner, urls) for inner in value] if isinstance(value, list) else value
