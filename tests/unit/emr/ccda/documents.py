"""Converts documents, and says where those that we wrote ourselves are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.records import Conversion, Entry, Feed

V3 = "{urn:hl7-org:v3}"
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


def leaves_in(body: bytes) -> int:
    """Count the populated leaves of a document, by another way than the converter's: attributes and texts that are not blank."""
    root = etree.fromstring(body, etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False))
    # A text behind an entry is no narrative: entries refer to what comes before them.
    texts_first = (section.find(f"{V3}text") for section in root.iter(f"{V3}section"))
    narratives = [
        one
        for one in texts_first
        if one is not None and next(one.itersiblings(f"{V3}entry", preceding=True), None) is None
    ]
    inside = {one for narrative in narratives for one in narrative.iter()}
    count = 0
    for element in root.iter():
        texts = [element.text, *(child.tail for child in element)]
        shown = sum(1 for text in texts if text and text.strip())
        count += sum(1 for value in element.attrib.values() if value.strip())
        count += shown if element in inside else min(shown, 1)
    return count
