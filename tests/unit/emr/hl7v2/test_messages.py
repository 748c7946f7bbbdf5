"""Every kind of message converts: all output valid, nothing dangles, each leaf has its fate and the mapped ones are really there."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.unit.emr.hl7v2.samples import NAMES, every, message, of_type, read, references_in
from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.fhir.models import check_by_model
from trialbridge.emr.hl7v2 import settling
from trialbridge.emr.hl7v2.converter import messages
from trialbridge.emr.hl7v2.message import parse
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion

LISTED = (
    "ADT A01 A02 A03 A04 A05 A06 A07 A08 A09 A10 A11 A12 A13 A18 A24 A25 A28 A29 A31 A34 A37 A40 A45 A47 A60; ORU R01 R30 R32;"
    "OUL R21 R22 R23 R24; ORM O01; OML O21; OMG O19; MDM T01 T02 T03 T04 T05 T06 T07 T08 T09 T10 T11; VXU V04; RDE O11; RDS O13; RAS O17;"
    "SIU S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 S25 S26; DFT P03; BAR P01; PPR PC1; ORL O22; REF I12"
)


def judge(found: Conversion) -> None:
    """Fail where output is not valid, a reference leads nowhere, or a leaf has no fate."""
    everything = every(found)
    known = {f"{one['resourceType']}/{one['id']}" for one in everything}
    assert len(known) == len(everything)
    for resource in everything:
        check(resource, Place())
        check_by_model(resource, Place())
        assert set(references_in(resource)) <= known
    leaves = found.account["leaves"]
    assert leaves["unaccounted"] == 0
    assert leaves["mapped"] + leaves["kept"] + leaves["dropped"] == leaves["leaves"]


def test_all_listed_messages_are_read() -> None:
    wanted = {f"{code}^{event}" for part in LISTED.split(";") for code, *events in [part.split()] for event in events}
    assert wanted <= messages().keys()


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_of_message_converts(name: str) -> None:
    found = read(message(name))
    judge(found)
    assert {one.error.code for one in found.set_aside} <= {"v2.unlink"}
    assert of_type(found, "Patient")
    assert found.account["not_read"] == {}


@pytest.mark.parametrize("name", NAMES)
def test_every_populated_component_is_a_leaf_of_the_account(name: str) -> None:
    text = message(name)
    leaves = sum(
        1
        for segment in text.strip().split("\r")
        for field in segment.split("|")[2 if segment.startswith("MSH") else 1 :]
        for part in field.replace("~", "^").replace("&", "^").split("^")
        if part.strip() and part != "\\"
    )
    assert read(text).account["leaves"]["leaves"] == leaves


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [one for inner in value.values() for one in texts_in(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in texts_in(inner)]
    return [str(value)]


@pytest.mark.parametrize("name", ["ADT_A01", "ORU_R01", "VXU_V04"])
def test_a_leaf_that_counts_as_mapped_is_in_the_output(name: str) -> None:
    """Words and numbers of two signs and more are looked for one by one: none may be claimed and absent."""
    found = read(message(name))
    shown = " ".join(texts_in([*every(found)]))
    mapped = {row["source"] for row in found.leaves.details() if row["fate"] == "mapped"}
    kept = {row["source"] for row in found.leaves.details() if row["fate"] != "mapped"}
    for segment in parse(message(name).strip(), "m", 1).segments:
        for field, component, _, subs, one in (leaf for at, rep in segment.populated() for leaf in rep.leaves(at)):
            path = f"{segment.name}-{field}.{component}"
            if subs == 1 and path in mapped - kept and len(one) > 3 and one.isalpha() and not one.isupper():
                assert one in shown, path


def test_public_samples_are_valid_and_mapped_to_the_bar(shared_data: Path) -> None:
    total: Counter[str] = Counter()
    files = sorted((shared_data / "hl7v2").glob("*.hl7"))
    assert len(files) == 29
    for path in files:
        found = read(path.read_bytes())
        judge(found)
        # Two results of the samples have no code: they are set aside alone.
        assert {one.error.code for one in found.set_aside} <= {"v2.no-code"}, path.name
        total.update(found.account["leaves"])
    assert total["mapped"] / total["leaves"] >= 0.95


VALUES = {
    2: ("valueQuantity", '"value":-1.50'), 4: ("valueQuantity", '"comparator":">"'), 5: ("valueRange", '"high":{"value":5'),
    6: ("valueRatio", '"denominator":{"value":128'), 8: ("valueString", "<> 7"), 9: ("valueCodeableConcept", "10828004"),
    10: ("valueCodeableConcept", '"text":"Free words"'), 13: ("valueDateTime", '"2026-01-02"'),
    14: ("valueDateTime", '"2026-01-02T10:15:00.1234+02:00"'), 15: ("valueDateTime", '"2026-01"'), 16: ("valueTime", '"10:15:00"'),
    17: ("valuePeriod", '"end":"2026-01-05"'), 18: ("valueRange", '"value":2.50'), 20: ("valueQuantity", '"value":5.00'),
    21: ("valueSampledData", '"data":"1 2 3"'), 23: ("valueString", "line\\nline"), 24: ("valueString", "a\\nb"),
    25: ("extension", '"data":"SGVsbG8="'), 26: ("extension", '"data":"/9g="'), 27: ("extension", "http://example.org/r.pdf"),
    29: ("extension", '"value":6'), 31: ("valueQuantity", '"comparator":"<","value":0.50'),
}  # fmt: skip


@pytest.mark.parametrize("number", VALUES)
def test_each_type_of_value_becomes_its_element(number: int) -> None:
    element, text = VALUES[number]
    observations = of_type(read(message("ORU_R01_values")), "Observation")
    [found] = [one for one in observations if one["code"]["coding"][0]["code"] == f"V{number}"]
    assert text in encode(found[element]).decode()


@pytest.mark.parametrize(
    "kind", ["Practitioner", "Organization", "Encounter", "ServiceRequest", "Condition", "Location", "Device"]
)
@pytest.mark.parametrize("name", ["ADT_A01", "ORU_R01", "SIU_S12", "VXU_V04"])
def test_what_fails_its_checks_goes_alone_and_nothing_refers_to_it(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strict(resource: dict[str, Any], place: Place) -> None:
        if resource["resourceType"] == kind:
            raise Poison("fhir.invalid", "Not today.", place)
        check(resource, place)

    whole = read(message(name))
    # What passed the real checks is not checked again.
    settling.forget()
    for where in ("hl7v2.settling", "fhir.checks"):
        monkeypatch.setattr(f"trialbridge.emr.{where}.check", strict)
    found = read(message(name))
    judge(found)
    assert not of_type(found, kind)
    # What needs one of them (who did it, what it is about) goes with it.
    assert len(found.set_aside) >= len(of_type(whole, kind))
    assert all(one.error.place.segment for one in found.set_aside)
