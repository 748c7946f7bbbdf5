"""Conversion: what each format gives, that bad records are set aside alone with their place, and that order does not matter."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given, settings
from hypothesis import strategies as st

from trialbridge.contracts.ids import NetworkId, RecordId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.facts import facts_of
from trialbridge.emr.files import convert_files, read_patients
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion, Entry, Feed
from trialbridge.emr.split import split_records
from trialbridge.testkit import packing
from trialbridge.testkit.placing import Delivery
from trialbridge.testkit.world import make_world

FHIR, NDJSON, V2 = "application/fhir+json", "application/fhir+ndjson", "x-application/hl7-v2+er7"
FEED = Feed(NetworkId("lakeland"), TenantId("north-clinic"), SourceId("north-clinic/ehr"), "2026-06-01T06:00:00Z")
WORLD = make_world(patients=40)
ADT = (
    "MSH|^~\\&|EHR|NC|TB|LL|20260601090000+0000||ADT^A08^ADT_A01|1|P|2.5.1\rEVN|A08\r"
    "PID|1||123^^^NC&2.16.840.1.113883.19.5.1&ISO^MR~M9^^^LL&2.16.840.1.113883.19.5.99.1&ISO^MB"
    "||Doe^Ann^B||19600102|F|||1 Way^^Town^MI^48000^USA\r"
    "PV1|1|O\rDG1|1||C34.1^Lung^I10C||20250304|F\r"
)
ORU = (
    "MSH|^~\\&|EHR|NC|TB|LL|20260601090000+0000||ORU^R01^ORU_R01|2|P|2.5.1\rPID|1||123^^^NC&2.16.840.1.113883.19.5.1&ISO^MR\r"
    "OBR|1||55|CBC^CBC^L|||20260530080000+0000\r"
    "OBX|1|NM|718-7^Hemoglobin^LN||12.10|g/dL^g/dL^UCUM|12.0-17.5||||F|||20260530080000+0000\r"
    "OBX|2|NM|777-3^Platelets^LN||abc|10*3/uL|||||F|||20260530\r"
    "OBX|3|SN|751-8^Neutrophils^LN||<^0.5|10*3/uL|||||C|||20260530\r"
    "OBX|4|NM|89247-1^ECOG^LN||1|{score}|||||F|||202605\r"
)


def v2(text: str) -> Conversion:
    return convert([Entry("m.hl7", V2, text.encode())], FEED)


def entry_of(delivery: Delivery) -> Entry:
    if delivery.source.format == "fhir":
        return Entry("records.ndjson", NDJSON, packing.ndjson(delivery.resources))
    return Entry("records.hl7", V2, "".join(delivery.messages).encode())


def resources(found: Conversion) -> list[dict[str, Any]]:
    return [resource for patient in found.patients for resource in patient.resources]


def test_an_admission_gives_patient_and_diagnosis() -> None:
    [person] = v2(ADT).patients
    assert person.local_patient == "123"
    by_type = {one["resourceType"]: one for one in person.resources}
    patient, condition = by_type["Patient"], by_type["Condition"]
    assert (patient["birthDate"], patient["gender"], patient["name"][0]) == (
        "1960-01-02",
        "female",
        {"use": "official", "family": "Doe", "given": ["Ann", "B"]},
    )
    assert condition["code"]["coding"] == [
        {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C34.1", "display": "Lung"}
    ]
    assert condition["onsetDateTime"] == "2025-03-04"
    assert {(one.type, one.value) for one in person.identifiers} == {("MR", "123"), ("MB", "M9")}


def test_results_keep_digits_precision_and_comparators_and_a_bad_one_is_set_aside_alone() -> None:
    found = v2(ORU)
    by_code = {
        one["code"]["coding"][0]["code"]: one for one in resources(found) if one["resourceType"] == "Observation"
    }
    assert encode(by_code["718-7"]["valueQuantity"]["value"]) == b"12.10"
    assert by_code["718-7"]["referenceRange"][0]["low"]["value"] == 12
    assert (by_code["751-8"]["valueQuantity"]["comparator"], by_code["751-8"]["status"]) == ("<", "corrected")
    assert (by_code["89247-1"]["valueInteger"], by_code["89247-1"]["effectiveDateTime"]) == (1, "2026-05")
    [aside] = found.set_aside
    assert (aside.error.code, str(aside.error.place)) == ("v2.bad-number", "entry m.hl7, message 1, OBX[2], field 5")
    assert "abc" not in aside.error.message


@pytest.mark.parametrize(
    "text",
    [
        ADT.replace("\r", "\n"),
        ADT.replace("\r", "\r\n"),
        "\ufeff" + ADT,
        "\x0b" + ADT + "\x1c\r",
        "FHS|^~\\&\rBHS|^~\\&\r" + ADT + "BTS|1\rFTS|1\r",
        ADT.replace("|", "#"),
        ADT.replace("^", "@"),
    ],
)
def test_the_same_message_in_other_clothes_gives_the_same_bytes(text: str) -> None:
    assert encode(resources(v2(text))) == encode(resources(v2(ADT)))


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("hello", "v2.no-header", "entry m.hl7, message 1"),
        (ADT.replace("A08", "Z99"), "v2.unsupported-message", "entry m.hl7, message 1, MSH[1], field 9"),
        (ADT.replace("^MR", "^XX"), "v2.no-identifier", "entry m.hl7, message 1, PID[1], field 3"),
        (ADT.replace("19600102", "19601302"), "v2.bad-date", "entry m.hl7, message 1, PID[1], field 7"),
        (ADT.replace("DG1|", "??|"), "v2.bad-segment", "entry m.hl7, message 1, line 5"),
        (ADT.replace("PID|", "PIX|"), "v2.no-patient", "entry m.hl7, message 1"),
    ],
)
def test_a_bad_message_is_set_aside_with_its_place_and_the_next_goes_on(text: str, code: str, place: str) -> None:
    found = v2(text + "\r" + ORU)
    assert (found.set_aside[0].error.code, str(found.set_aside[0].error.place)) == (code, place)
    assert [one.local_patient for one in found.patients] == ["123"]


def test_a_merge_is_an_event() -> None:
    merge = ADT.replace("A08", "A40").replace("PV1|1|O", "MRG|99^^^NC&2.16.840.1.113883.19.5.1&ISO^MR")
    [person] = v2(merge).patients
    assert [(one.survivor, one.retired) for one in person.merges] == [("123", "99")]


def test_a_bundle_with_one_bad_resource_keeps_the_others() -> None:
    good = {
        "resourceType": "Observation",
        "id": "a",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "urn:uuid:1"},
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "p1"}},
            {"resource": good},
            {"resource": {**good, "id": "b", "status": "sure"}},
            {"resource": {key: value for key, value in good.items() if key != "subject"}},
            {"resource": {"id": "d"}},
        ],
    }
    found = convert([Entry("b.json", FHIR, encode(bundle))], FEED)
    assert [one.local_patient for one in found.patients] == ["p1"]
    assert {(one["resourceType"], one["id"]) for one in resources(found)} == {("Patient", "p1"), ("Observation", "a")}
    asides = {(one.error.code, one.error.place.field) for one in found.set_aside}
    assert asides == {
        ("fhir.invalid", "entry[2].resource.status"),
        ("fhir.no-patient", "entry[3].resource.subject"),
        ("fhir.not-fhir", "entry[4].resource"),
    }


def test_ndjson_sets_a_broken_line_aside() -> None:
    body = b'{"resourceType":"Patient","id":"p"}\n{"resourceType":\n\n{"resourceType":"Patient","id":"q"}\n'
    found = convert([Entry("x.ndjson", NDJSON, body)], FEED)
    assert [one.local_patient for one in found.patients] == ["p", "q"]
    assert [(one.error.code, one.error.place.message) for one in found.set_aside] == [("json.broken", 2)]


def test_everything_of_the_synthetic_world_is_valid_fhir_by_the_reference_models() -> None:
    count = 0
    for delivery in WORLD.deliveries:
        found = convert([entry_of(delivery)], FEED)
        assert not found.set_aside
        for resource in resources(found):
            get_fhir_model_class(resource["resourceType"]).model_validate_json(encode(resource))
            count += 1
    assert count > 500


@given(st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_order_of_a_bundle_does_not_matter(rng: Random) -> None:
    chosen: Sequence[Delivery] = [d for d in WORLD.deliveries if d.source is WORLD.deliveries[0].source][:5]
    entries = [entry_of(one) for one in chosen]
    before = convert(entries, FEED).patients
    rng.shuffle(entries)
    assert convert(entries, FEED).patients == before


def test_facts_carry_their_evidence() -> None:
    [person] = v2(ADT).patients
    facts = facts_of(person.resources, FEED.source, RecordId("rec_1"))
    [(reference, [diagnosis])] = [(ref, found) for ref, found in facts.items() if ref.startswith("Condition/")]
    assert diagnosis.evidence.resource == reference
    assert (diagnosis.evidence.source, diagnosis.evidence.record, diagnosis.evidence.date) == (
        FEED.source,
        "rec_1",
        "2025-03-04",
    )


def test_a_result_entered_in_error_retracts_its_facts() -> None:
    [person] = v2(ORU.replace("||||F|||20260530080000+0000", "||||D|||20260530080000+0000")).patients
    retracted = [ref for ref, found in facts_of(person.resources, FEED.source, RecordId("r")).items() if not found]
    assert len(retracted) == 1


def test_parts_hold_everything_once() -> None:
    [person] = v2(ADT + ORU).patients
    parts = list(split_records(person, 400))
    assert len(parts) > 2
    assert tuple(one for part in parts for one in part) == person.resources


def test_files_convert_and_bad_ones_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_text(ADT)
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.bin").write_bytes(b"\x00")
    out = tmp_path / "out"
    out.mkdir()
    report = convert_files([tmp_path / "a.hl7", tmp_path / "b.json", tmp_path / "c.bin", tmp_path / "absent.json"], out)
    assert report["inputs"] == 4
    assert {"Condition", "Encounter", "MessageHeader", "Patient", "Provenance"} <= report["resources"].keys()
    assert report["resources"]["Condition"] == report["resources"]["Patient"] == 1
    assert [one["code"] for one in report["errors"]] == ["json.broken", "bundle.unknown-type", "file.unreadable"]
    assert len((out / "Patient.ndjson").read_text().splitlines()) == 1


def test_a_facts_file_is_a_patient(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(
        '{"patient":"p1","facts":[{"kind":"demographics","birth_date":"1960","evidence":{"resource":"Patient/1"}}]}'
    )
    [person] = list(read_patients(path))
    assert not isinstance(person, msgspec.Struct) or person.patient == "p1"
    path.write_text('{"patient":"p1","facts":[{"kind":"demografics"}]}')
    [refused] = list(read_patients(path))
    assert refused.error.code == "facts.invalid"  # type: ignore[union-attr]


def test_public_samples_convert(shared_data: Path) -> None:
    files = [*sorted((shared_data / "fhir-r4-synthea").glob("*.json")), *sorted((shared_data / "hl7v2").glob("*.hl7"))]
    for path in files:
        media = FHIR if path.suffix == ".json" else V2
        found = convert([Entry(path.name, media, path.read_bytes())], FEED)
        codes = {one.error.code for one in found.set_aside}
        # One result in the samples has no code, and is set aside alone.
        assert codes <= {"v2.no-code"}, path.name
        assert resources(found), path.name
        for resource in resources(found)[:200]:
            get_fhir_model_class(resource["resourceType"]).model_validate_json(encode(resource))
