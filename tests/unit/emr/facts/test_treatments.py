"""What medications and procedures say of treatments: drugs told by reference, radiation and transplantation told by code alone."""

from typing import Any

import pytest

from tests.unit.emr.facts.judging import judged
from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria import facts as f
from trialbridge.emr.facts import facts_of

SNOMED, CPT = "http://snomed.info/sct", "http://www.ama-assn.org/go/cpt"
PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
DRUG = {"resourceType": "Medication", "id": "m", "code": {"coding": [{"code": "224905", "display": "trastuzumab"}]}}


def facts(kind: str, **more: Any) -> list[Any]:
    """Return the facts of a resource that is completed."""
    resource = {"resourceType": kind, "id": "x", "status": "completed", **more}
    return list(facts_of([resource], SourceId("s"), RecordId("r"))[f"{kind}/x"])


@pytest.mark.parametrize(
    "told",
    [
        {"contained": [DRUG], "medicationReference": {"reference": "#m"}},
        {"medicationReference": {"reference": "Medication/elsewhere", "display": "trastuzumab 150 MG Injection"}},
    ],
)
@pytest.mark.parametrize("kind", ["MedicationStatement", "MedicationAdministration"])
def test_a_drug_told_by_reference_was_given(kind: str, told: dict[str, Any]) -> None:
    [therapy] = facts(kind, effectivePeriod={"start": "2024-01-01", "end": "2024-03-01"}, **told)
    assert isinstance(therapy, f.Therapy)
    assert (therapy.drugs, therapy.start, therapy.end) == (("trastuzumab",), "2024-01-01", "2024-03-01")


@pytest.mark.parametrize(
    "told",
    [
        {"medicationReference": {"reference": "Medication/elsewhere"}},
        {
            "medicationCodeableConcept": {
                "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1"}]
            }
        },
    ],
)
def test_a_drug_that_is_not_named_keeps_the_list_of_treatments_open(told: dict[str, Any]) -> None:
    found = facts("MedicationStatement", effectiveDateTime="2024-01-01", **told)
    assert [one.complete for one in found if isinstance(one, f.TherapyHistory)] == [False]
    assert facts("MedicationStatement", **{**told, "status": "not-taken"}) == []


@pytest.mark.parametrize(
    ("system", "code", "category"),
    [
        (SNOMED, "33195004", "radiation"),
        (SNOMED, "152198000", "radiation"),
        (SNOMED, "113120007", "radiation"),
        (SNOMED, "80347004", "radiation"),
        (SNOMED, "77477000", None),
        (CPT, "77386", "radiation"),
        (CPT, "77263", None),
        (PCS, "DB022ZZ", "radiation"),
        (PCS, "0DB68ZX", None),
        (SNOMED, "23719005", "transplant"),
        (CPT, "38241", "transplant"),
        (CPT, "38230", None),
        (PCS, "30243Y0", "transplant"),
        ("urn:local", "77386", None),
    ],
)
def test_radiation_and_transplantation_by_code_alone(system: str, code: str, category: str | None) -> None:
    """Planning and harvesting are neither; a local code that looks like one is none."""
    found = facts("Procedure", code={"coding": [{"system": system, "code": code}]}, performedDateTime="2024-01-01")
    assert [one.category for one in found if isinstance(one, f.Therapy)] == ([category] if category else [])
    assert any(isinstance(one, f.Procedure) for one in found) == (category != "radiation")


def test_the_first_edition_of_mcode_names_radiation_by_its_profile() -> None:
    profile = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-cancer-related-radiation-procedure"
    [therapy] = facts("Procedure", meta={"profile": [profile]}, code={"text": "IMRT"}, performedDateTime="2024")
    assert therapy.category == "radiation"


def test_a_computed_tomography_before_is_no_radiotherapy() -> None:
    """SNOMED CT 77477000 is computed tomography: a picture of the patient, which treats nothing."""
    treatments = {"resourceType": "List", "id": "l", "status": "current", "mode": "snapshot", "date": "2024-06-01",
                  "code": {"coding": [{"code": "treatments"}]}, "entry": [{"item": {"reference": "Procedure/p"}}]}  # fmt: skip
    given = {"resourceType": "Procedure", "id": "p", "status": "completed", "performedDateTime": "2024-01-01"}
    verdicts = [
        judged([{**given, "code": {"coding": [{"system": SNOMED, "code": code}]}}, treatments], prior_therapy={"categories": ["radiation"]})
        for code in ("77477000", "33195004")
    ]  # fmt: skip
    assert verdicts == ["not_met", "met"]
