"""Converts documents, and says where those that we wrote ourselves are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.records import Conversion, Entry, Feed

GOLDEN = Path(__file__).parent / "golden"


def convert_document(body: bytes) -> Conversion:
    """Return what a document becomes, delivered by a feed of its own."""
    feed = Feed(NetworkId("lakeland"), TenantId("north"), SourceId("lakeland/north/ccda"), "2026-11-21T08:00:00Z")
    return convert([Entry("document.xml", "application/cda+xml", body)], feed)


def resources_of(found: Conversion) -> list[dict[str, Any]]:
    """Return the resources of all patients and those about nobody."""
    return [*found.shared, *(one for patient in found.patients for one in patient.resources)]


def references_in(value: Any) -> Iterator[str]:
    """Yield all references in a value."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from references_in(inner)
    elif isinstance(value, list):
        for one in value:
            yield from references_in(one)


def written(name: str) -> bytes:
    """Return a document that we wrote ourselves."""
    return (GOLDEN / f"{name}.xml").read_bytes()


def of_type(found: Conversion, kind: str) -> list[dict[str, Any]]:
    """Return the resources of a type, in the order of their ids."""
    return [one for one in resources_of(found) if one["resourceType"] == kind]
