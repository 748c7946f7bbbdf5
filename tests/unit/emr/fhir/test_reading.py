"""What FHIR becomes: references, deletions, versions, editions by what they say of themselves, files together, and the public samples."""

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.emr.fhir.judging import (
    FEED,
    GOLDEN,
    JSON,
    NDJSON,
    XML,
    converted,
    judge,
    leaves_in,
    one_of,
    resources_of,
)  # fmt: skip
from trialbridge.contracts.errors import Place
from trialbridge.emr import convert as conversions
from trialbridge.emr.convert import convert
from trialbridge.emr.files import convert_files
from trialbridge.emr.jsontext import decode, encode
from trialbridge.emr.records import Entry
from trialbridge.emr.sniff import media_type_of

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p1"}
SUBJECT = {"reference": "Patient/p1"}


def observation(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"text": "x"},
        "subject": SUBJECT,
        **more,
    }


def bundle(*resources: dict[str, Any], kind: str = "collection") -> bytes:
    return encode({"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]})


@pytest.mark.parametrize("kind", ["collection", "document", "message", "transaction", "batch", "searchset", "history"])
def test_every_type_of_bundle_is_unfolded(kind: str) -> None:
    found = converted(bundle(PATIENT, observation(), kind=kind))
    judge(found)
    assert [one["resourceType"] for one in resources_of(found)] == ["Patient", "Observation"]
    assert found.account["editions"] == {"R4": 2}


def test_r4_passes_as_it_is_digit_for_digit() -> None:
    given = observation(
        effectiveDateTime="2020-03", valueQuantity={"value": Decimal("1.500")}, issued="2020-01-01T00:00:00.10+00:00"
    )
    found = converted(bundle(PATIENT, given))
    assert encode(one_of(found, "Observation")) == encode(given)
    assert {row["fate"] for row in found.leaves.details() if row["source"].startswith("Observation")} == {"mapped"}


@pytest.mark.parametrize(
    ("reference", "becomes"),
    [
        ("Patient/p1", {"reference": "Patient/p1"}),
        ("http://ehr.example/fhir/Patient/p1", {"reference": "Patient/p1"}),
        ("Patient/p1/_history/2", {"reference": "Patient/p1/_history/2"}),
        ("Practitioner/9", {"type": "Practitioner", "identifier": {"value": "Practitioner/9"}}),
        ("Practitioner/9/_history/2", {"type": "Practitioner", "identifier": {"value": "Practitioner/9/_history/2"}}),
        ("#gone", {"identifier": {"value": "#gone"}}),
        ("urn:uuid:gone", {"identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:gone"}}),
        (
            "http://o.example/Organization/1",
            {"type": "Organization", "identifier": {"system": "urn:ietf:rfc:3986", "value": "http://o.example/Organization/1"}},
        ),
        ("Practitioner?identifier=http://npi|1", {"type": "Practitioner", "identifier": {"system": "http://npi", "value": "1"}}),
        ("Patient?identifier=urn:x|77", {"reference": "Patient/p1"}),
    ],
)  # fmt: skip
def test_references_resolve_or_become_logical(reference: str, becomes: dict[str, Any]) -> None:
    person = {**PATIENT, "identifier": [{"system": "urn:x", "value": "77"}]}
    found = converted(bundle(person, observation(performer=[{"reference": reference, "display": "shown"}])))
    judge(found)
    [performer] = one_of(found, "Observation")["performer"]
    assert performer == {**becomes, "display": "shown"}


def test_a_reference_into_another_entry_is_found_whatever_the_order() -> None:
    first = Entry("patients.ndjson", NDJSON, encode(PATIENT))
    second = Entry("observations.ndjson", NDJSON, encode(observation(encounter={"reference": "Encounter/away"})))
    for entries in ([first, second], [second, first]):
        found = convert(entries, FEED)
        judge(found)
        assert one_of(found, "Observation")["subject"] == SUBJECT
        assert found.warnings == {"fhir.reference-elsewhere": 1}


def test_what_refers_to_a_resource_that_was_set_aside_does_not_dangle() -> None:
    report = {"resourceType": "DiagnosticReport", "id": "d", "status": "final", "code": {"text": "x"}, "subject": SUBJECT,
              "result": [{"reference": "Observation/o1"}]}  # fmt: skip
    found = converted(bundle(PATIENT, observation(status="sure"), report))
    judge(found)
    assert one_of(found, "DiagnosticReport")["result"] == [
        {"type": "Observation", "identifier": {"value": "Observation/o1"}}
    ]
    assert len(found.set_aside) == 1


def test_a_medication_elsewhere_in_the_input_is_put_into_its_request() -> None:
    request = {"resourceType": "MedicationStatement", "id": "m", "status": "active", "subject": SUBJECT,
               "medicationReference": {"reference": "Medication/x"}}  # fmt: skip
    drug = {"resourceType": "Medication", "id": "x", "code": {"text": "a"}}
    entries = [Entry(str(n), JSON, encode(one)) for n, one in enumerate([request, PATIENT, drug])]
    found = convert(entries, FEED)
    judge(found)
    assert one_of(found, "MedicationStatement")["medicationReference"] == {"reference": "#x"}


def test_an_older_version_leaves_the_account() -> None:
    old, new = (observation(meta={"versionId": str(n)}, note=[{"text": "a"}] * (3 - n)) for n in (1, 2))
    for order in ([old, new], [new, old]):
        found = converted(bundle(PATIENT, *order))
        judge(found)
        rows = {(row["source"], row["fate"]): row["count"] for row in found.leaves.details()}
        assert rows["Observation.note.text", "mapped"] == 1
        assert rows["Observation.note.text", "dropped"] == 2
        assert found.account["superseded"] == 1


@pytest.mark.parametrize(
    ("media", "edition"),
    [
        (JSON, "R4"), ("application/fhir+json; fhirVersion=4.0", "R4"), ("application/fhir+json; fhirVersion=4.3", "R4"),
        ("application/fhir+json;fhirVersion=3.0", "STU3"), ('application/fhir+json; fhirVersion="5.0"', "R5"),
        ("application/json+fhir; fhirversion=1.0", "DSTU2"),
    ],
)  # fmt: skip
def test_a_media_type_may_name_the_edition(media: str, edition: str) -> None:
    found = convert([Entry("x", media, bundle(PATIENT, observation()))], FEED)
    judge(found)
    assert found.account["editions"] == {edition: 2}


def test_a_profile_may_name_the_edition() -> None:
    given = observation(meta={"profile": ["http://hl7.org/fhir/3.0/StructureDefinition/x"]}, status="sure")
    found = converted(bundle(PATIENT, given, observation(id="o2", comment="hm")))
    assert found.account["editions"] == {"R4": 1, "STU3": 1}
    assert [one.error.code for one in found.set_aside] == ["fhir.invalid"]


def test_a_wrong_element_is_no_other_edition() -> None:
    found = converted(
        bundle(PATIENT, observation(nickname="x"), {**observation(id="o2"), "comment": "x", "nickname": "x"})
    )
    assert [(one.error.code, one.error.place.field) for one in found.set_aside] == [
        ("fhir.invalid", "entry[1].resource"), ("fhir.invalid", "entry[2].resource"),
    ]  # fmt: skip


def test_a_large_input_is_held_as_text_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    for n in range(40):
        amount = {"value": Decimal("1.50")}
        away = {"performer": [{"reference": "Practitioner/away"}], "valueQuantity": amount}
        rows += [
            {**PATIENT, "id": f"p{n}"},
            {**observation(id=f"o{n}", **away), "subject": {"reference": f"Patient/p{n}"}},
        ]
    body = b"\n".join(encode(one) for one in rows)
    plain = convert([Entry("x", NDJSON, body)], FEED)
    monkeypatch.setattr(conversions, "PACKED_FROM", 0)
    packed = convert([Entry("x", NDJSON, body)], FEED)
    judge(packed)
    assert list(packed.patients) == list(plain.patients)
    assert packed.patients[-1] == plain.patients[-1]
    assert packed.account == plain.account
    assert packed.leaves.details() == plain.leaves.details()


def test_files_are_told_by_content_and_converted_together(tmp_path: Path) -> None:
    (tmp_path / "patients.txt").write_bytes(encode(PATIENT) + b"\n" + encode({**PATIENT, "id": "p2"}) + b"\n")
    (tmp_path / "more.jsonl").write_bytes(encode(observation()) + b"\n" + encode({**observation(id="o2")}) + b"\n")
    (tmp_path / "markup").write_bytes(
        (GOLDEN / "r4.xml").read_bytes().replace(b'"p1"', b'"p3"').replace(b'value="o"', b'value="o3"')
    )
    files = sorted(tmp_path.iterdir())
    out = tmp_path / "out"
    out.mkdir()
    leaves = tmp_path / "account.ndjson"
    report = convert_files(files, out, leaves)
    assert report["errors"] == []
    assert report["resources"] == {"Observation": 3, "Patient": 3}
    assert report["account"]["warnings"] == {}
    rows = [decode(line, Place()) for line in leaves.read_bytes().splitlines()]
    assert sum(row["count"] for row in rows) == report["account"]["leaves"]["leaves"] > 0
    assert [decode(line, Place())["id"] for line in (out / "Patient.ndjson").read_bytes().splitlines()] == [
        "p1",
        "p2",
        "p3",
    ]


@pytest.mark.parametrize(
    ("name", "body", "media"),
    [
        ("a.json", b'{"resourceType":"Patient","id":"a"}\n{"resourceType":"Patient","id":"b"}', NDJSON),
        ("a.ndjson", b'{\n "resourceType": "Patient"\n}\n', JSON),
        ("a.ndjson", b'{"resourceType":\n{"resourceType":"Patient","id":"b"}', NDJSON),
        ("a.jsonl", b'{"resourceType":"Patient"}', NDJSON),
        ("noname", b'\xef\xbb\xbf {"resourceType":"Bundle"}', JSON),
        ("noname", b'<?xml version="1.0"?><f:Patient xmlns:f="http://hl7.org/fhir"/>', XML),
        ("a.json", b'<Patient xmlns="http://hl7.org/fhir"/>', XML),
        ("a.xml", b'{"resourceType":"Bundle"}', JSON),
    ],
)
def test_the_format_is_told_by_content(name: str, body: bytes, media: str) -> None:
    assert media_type_of(name, body) == media


def test_a_prefix_changes_nothing_in_xml() -> None:
    plain = b'<Observation xmlns="http://hl7.org/fhir"><id value="o"/><status value="final"/><code><text value="x"/></code>%s</Observation>'
    plain %= b'<subject><reference value="Patient/p1"/></subject><valueQuantity><value value="1.50"/></valueQuantity>'
    prefixed = (
        plain.replace(b"</", b"</f:").replace(b"<", b"<f:").replace(b"<f:/f:", b"</f:").replace(b"xmlns=", b"xmlns:f=")
    )
    assert resources_of(converted(plain, XML)) == resources_of(converted(prefixed, "text/xml")) != []


def test_the_order_of_entries_does_not_matter() -> None:
    document = decode((GOLDEN / "stu3.json").read_bytes(), Place())
    whole = [encode(one) for one in resources_of(converted(encode(document)))]
    rng = random.Random(7)
    for _ in range(5):
        rng.shuffle(document["entry"])
        assert [encode(one) for one in resources_of(converted(encode(document)))] == whole


def test_every_public_sample_converts_whole(shared_data: Path) -> None:
    files = sorted((shared_data / "fhir-r4-synthea").glob("*.json"))
    assert len(files) >= 5
    for path in files:
        body = path.read_bytes()
        assert media_type_of("noname", body) == JSON
        found = converted(body)
        assert found.set_aside == ()
        judge(found)
        assert found.account["leaves"]["leaves"] == leaves_in(body)
        assert [encode(one) for one in resources_of(converted(body))] == [encode(one) for one in resources_of(found)]


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1e-99999999999999999999", "1" * 5_000])
@pytest.mark.parametrize("where", ["search", "link", "response"])
def test_a_bundle_with_an_impossible_number_beside_a_resource_is_set_aside(number: str, where: str) -> None:
    entry = b'{"fullUrl":"x","%s":{"score":%s},"resource":%s}' % (where.encode(), number.encode(), encode(PATIENT))
    found = convert([Entry("x", JSON, b'{"resourceType":"Bundle","type":"searchset","entry":[%s]}' % entry)], FEED)
    assert [one.error.code for one in found.set_aside] in (["json.too-deep"], ["json.broken"])
