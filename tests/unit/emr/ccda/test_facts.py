"""What matching asks for comes out of the FHIR that a C-CDA document becomes."""

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from tests.unit.emr.ccda.documents import GOLDEN, convert_document, of_type, resources_of, written
from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria import facts as f
from trialbridge.emr.facts import facts_of
from trialbridge.emr.files import convert_files, read_patients

Fact = TypeVar("Fact")


@cache
def facts() -> tuple[Any, ...]:
    found = facts_of(resources_of(convert_document(written("oncology"))), SourceId("s"), RecordId("r"))
    return tuple(one for of_resource in found.values() for one in of_resource)


def of(kind: type[Fact]) -> list[Fact]:
    return [one for one in facts() if isinstance(one, kind)]


def test_who_the_patient_is() -> None:
    (person,) = of(f.Demographics)
    assert (person.birth_date, person.sex, person.deceased) == ("1970-03", "female", False)
    (home,) = of(f.Location)
    assert (home.country, home.region, home.postal_code) == ("US", "WI", "54000")


def test_the_diagnosis_has_all_its_codes_and_keeps_its_month() -> None:
    (cancer,) = of(f.Diagnosis)
    assert [one.code for one in cancer.codes] == ["C50.912", "408643008", "8500/3"]
    assert cancer.effective == "2024-03"
    assert cancer.status == "active"
    assert [one.code for one in cancer.site] == ["80248007"]
    assert not cancer.excluded


def test_what_is_denied_is_not_present() -> None:
    found = {one.codes[0].code or one.codes[0].text: one for one in of(f.Condition)}
    assert found["73211009"].present is False
    assert found["Iron deficiency"].present is True
    assert found["Iron deficiency"].active is False


def test_results_keep_their_digits_limits_and_comparators() -> None:
    labs = {one.loinc: one for one in of(f.Lab)}
    haemoglobin = labs["718-7"]
    assert str(haemoglobin.value) == "12.50"
    assert (haemoglobin.unit, haemoglobin.lower_limit, haemoglobin.upper_limit) == (
        "g/dL",
        Decimal("12.0"),
        Decimal("15.5"),
    )
    assert haemoglobin.effective == "2026-11-19T07:45:00-06:00"
    assert (labs["777-3"].value, labs["777-3"].comparator) == (Decimal(10), "<")
    assert "2160-0" not in labs, "a pending result has no value"
    assert "1920-8" not in labs, "a few is no number"


def test_markers_and_performance() -> None:
    (receptor,) = of(f.Marker)
    assert (receptor.marker, receptor.status, receptor.effective) == ("ER", "positive", "2024-03")
    (performance,) = of(f.Performance)
    assert (performance.scale, performance.value) == ("ecog", 1)


def test_a_cancer_drug_is_a_treatment_and_what_is_not_taken_is_none() -> None:
    therapies = {one.category: one for one in of(f.Therapy)}
    drug = therapies["systemic"]
    assert (drug.drugs, drug.start, drug.ongoing, drug.given) == (("trastuzumab",), "2024-06-01", True, True)
    assert therapies["radiation"].given is False
    assert not any(one.active for one in of(f.Medication) if one.codes[0].text == "herbal tea")


def test_allergies() -> None:
    (allergy,) = of(f.Allergy)
    assert (allergy.codes[0].code, allergy.present) == ("56946", True)


def test_smoking_is_an_observation_of_social_history() -> None:
    found = [
        one
        for one in of_type(convert_document(written("oncology")), "Observation")
        if one["code"]["coding"][0]["code"] == "72166-2"
    ]
    assert [one["valueCodeableConcept"]["coding"][0]["code"] for one in found] == ["8517006"]
    assert found[0]["category"][0]["coding"][0]["code"] == "social-history"


def test_convert_and_match_take_the_files_by_their_content(tmp_path: Path) -> None:
    unnamed = tmp_path / "letter.txt"
    unnamed.write_bytes(written("discharge"))
    report = convert_files([unnamed, GOLDEN / "oncology.xml"], tmp_path)
    assert report["resources"]["Patient"] == 2
    assert {one["code"] for one in report["errors"]} == {"ccda.bad-date", "ccda.bad-number"}
    assert (tmp_path / "Composition.ndjson").read_bytes().count(b"\n") == 2
    people = [one for one in read_patients(unnamed) if isinstance(one, f.PatientFacts)]
    assert [one.patient for one in people] == ["88"]
    assert any(isinstance(one, f.Vital) for one in people[0].facts)
