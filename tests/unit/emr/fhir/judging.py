"""Converts FHIR, and judges what comes out of it by other ways than the converter's own."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.fhir.models import check_by_model
from trialbridge.emr.jsontext import decode
from trialbridge.emr.records import Conversion, Entry, Feed
from trialbridge.emr.sniff import JSON, NDJSON, XML

GOLDEN = Path(__file__).parent / "golden"
FEED = Feed(NetworkId("lakeland"), TenantId("north"), SourceId("lakeland/north/fhir"), "2026-11-21T08:00:00Z")
NAME = "given"
__all__ = ["FEED", "GOLDEN", "JSON", "NAME", "NDJSON", "XML"]


def converted(body: bytes, media: str = JSON) -> Conversion:
    """Return what one entry becomes."""
    return convert([Entry(NAME, media, body)], FEED)


def resources_of(found: Conversion) -> list[dict[str, Any]]:
    """Return the resources of all patients and those about nobody."""
    return [*found.shared, *(one for patient in found.patients for one in patient.resources)]


def one_of(found: Conversion, kind: str) -> dict[str, Any]:
    """Return the only resource of a type."""
    [one] = [one for one in resources_of(found) if one["resourceType"] == kind]
    return one


def values_in(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every plain value with its path, without positions."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from values_in(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for one in value:
            yield from values_in(one, path)
    elif value is not None:
        yield path, value


def references_in(resource: Any) -> Iterator[str]:
    """Yield the references of a resource; those to what it contains are left out where it does contain it."""
    inside = {f"#{one.get('id')}" for one in resource.get("contained", ())} | {"#"}
    for path, value in values_in(resource):
        if path.endswith("reference") and value not in inside:
            yield value


def judge(found: Conversion, *, models: bool = True) -> None:
    """Fail unless all output is valid, nothing dangles, and the account is complete and true."""
    named = {f"{one['resourceType']}/{one['id']}" for one in resources_of(found)}
    out: Counter[str] = Counter()
    for resource in resources_of(found):
        check(resource, Place())
        if models:
            check_by_model(resource, Place())
        for reference in references_in(resource):
            assert reference.split("/_history/")[0].split("#")[0] in named, reference
        out.update(path for path, _ in values_in(resource, resource["resourceType"]))
    leaves = found.account["leaves"]
    assert leaves["unaccounted"] == 0
    assert leaves["mapped"] + leaves["kept"] + leaves["dropped"] == leaves["leaves"]
    for row in found.leaves.details():
        assert row["count"] > 0, row
        if row["fate"] != "dropped":
            # What goes into a contained resource is told with that resource's type.
            assert any(_there(where, out) for where in row["where"]), row


def _there(where: str, out: Counter[str]) -> bool:
    steps = where.split(".")
    plain = [step for number, step in enumerate(steps) if number == 0 or steps[number - 1] != "contained"]
    return out[where] > 0 or out[".".join(plain)] > 0


def leaves_in(body: bytes, media: str = JSON, *, types: bool = True) -> int:
    """Count the values of an input by another way than the converter's.

    Of XML perhaps the least: without the types of resources, and without elements in which there is nothing. Such an element
    is, where a plain value should be, the empty text that it would be in JSON (the account tells that it was there, and dropped);
    where an object should be, it holds none.
    """
    if media != XML:
        lines = [body] if media == JSON else body.splitlines()
        return sum(1 for line in lines if line.strip() for _ in values_in(decode(line, Place())))
    count = 0
    root: Any = etree.fromstring(body)
    inside = {each for one in root.iter("{http://www.w3.org/1999/xhtml}div") for each in one.iterdescendants()}
    for one in (each for each in root.iter(etree.Element) if each not in inside):
        if one.tag == "{http://www.w3.org/1999/xhtml}div":
            count += 1
            continue
        # The name of a resource's element is its resourceType.
        is_resource = one.tag.rpartition("}")[2][:1].isupper()
        count += types and is_resource
        if len(one) == 0 and not (one.text or "").strip() and not {"value", "id", "url"} & set(one.attrib):
            # Attributes that FHIR does not have are told beside the empty text.
            count += len(one.attrib) + (types and not is_resource)
            continue
        count += len(one.attrib) + any(text and text.strip() for text in (one.text, *(child.tail for child in one)))
    return count
