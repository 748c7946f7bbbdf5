"""What a record only suspects or plans meets no criterion, and is not ruled out by what else is known."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emr.test_statuses import BEGUN, DRUG, ECOG, HIV, LIST, LOINC, LUNG, SUBJECT, SURGERY, concept
from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria import language as q
from trialbridge.criteria.evaluate import judge
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.plan import step_of
from trialbridge.emr.facts import facts_of

DAY = date(2026, 6, 1)
CLOSED = {"resourceType": "List", "id": "l", "status": "current", "mode": "snapshot", **LIST}
WEIGHT = {"code": concept(LOINC, "29463-7"), "category": [{"coding": [{"code": "vital-signs"}]}], **SUBJECT}
LUNG_CANCER, SURGICAL = q.Diagnosis(oncotree=("LUNG",)), q.PriorTherapy(categories=("surgery",))
INHIBITOR, AIDS = q.PriorTherapy(drugs=("olaparib",)), q.Condition(icd10=("B20",))
HEAVY, FIT = q.Vital(loinc="29463-7", min=Decimal(50), unit="kg"), q.Performance(scale="ecog", max=1)


def condition(code: dict[str, Any], word: str, name: str = "c") -> dict[str, Any]:
    status = {"verificationStatus": {"coding": [{"code": word}]}}
    return {"resourceType": "Condition", "id": name, "code": code, **status, **SUBJECT}


def medication(status: str) -> dict[str, Any]:
    return {"resourceType": "MedicationStatement", "id": "m", "status": status, **DRUG}


def weight(comparator: str) -> dict[str, Any]:
    quantity = {"value": 50, "unit": "kg", "code": "kg", **({"comparator": comparator} if comparator else {})}
    return {"resourceType": "Observation", "id": "w", "status": "final", "valueQuantity": quantity, **WEIGHT}


def verdict(leaf: Any, *resources: dict[str, Any]) -> str:
    found = facts_of(resources, SourceId("a/ehr"), RecordId("r"))
    facts = [fact for each in found.values() for fact in each]
    return str(judge(step_of(leaf), FactIndex(facts).at(DAY)).verdict)


BREAST = condition(concept("http://hl7.org/fhir/sid/icd-10-cm", "C50.9"), "confirmed", "b")


@pytest.mark.parametrize("word", ["unconfirmed", "provisional", "differential"])
def test_a_suspected_cancer_is_neither_met_nor_ruled_out(word: str) -> None:
    assert verdict(LUNG_CANCER, condition(LUNG, "confirmed")) == "met"
    assert verdict(LUNG_CANCER, condition(LUNG, word)) == "unknown"
    assert verdict(LUNG_CANCER, BREAST) == "not_met"
    assert verdict(LUNG_CANCER, BREAST, condition(LUNG, word)) == "unknown"
    assert verdict(q.Not(of=LUNG_CANCER), BREAST, condition(LUNG, word)) == "unknown"
    assert verdict(q.Diagnosis(oncotree=("BREAST",)), BREAST, condition(LUNG, word)) == "met"
    assert verdict(AIDS, condition(HIV, word)) == "unknown"


@pytest.mark.parametrize(
    ("status", "alone", "beside_a_list"),
    [
        ("completed", "met", "met"),
        ("intended", "unknown", "not_met"),
        ("unknown", "unknown", "unknown"),
        ("on-hold", "unknown", "unknown"),
        ("not-taken", "not_met", "not_met"),
    ],
)
def test_a_complete_list_is_open_where_a_drug_may_have_been_given(status: str, alone: str, beside_a_list: str) -> None:
    assert verdict(INHIBITOR, medication(status)) == alone
    assert verdict(INHIBITOR, medication(status), CLOSED) == beside_a_list


@pytest.mark.parametrize(("status", "said"), [("completed", "met"), ("unknown", "unknown"), ("not-done", "not_met")])
def test_a_surgical_procedure_is_surgery_in_a_complete_list(status: str, said: str) -> None:
    assert (
        verdict(SURGICAL, {"resourceType": "Procedure", "id": "s", "status": status, **SURGERY, **BEGUN}, CLOSED)
        == said
    )


@pytest.mark.parametrize(
    ("comparator", "said"), [("", "met"), ("<", "not_met"), ("<=", "unknown"), (">=", "met"), (">", "met")]
)
def test_a_vital_sign_is_compared_as_it_was_measured(comparator: str, said: str) -> None:
    assert verdict(HEAVY, weight(comparator)) == said


@pytest.mark.parametrize("status", ["preliminary", "registered", "unknown", "cancelled", "entered-in-error"])
def test_a_value_that_is_not_final_meets_nothing(status: str) -> None:
    assert verdict(FIT, {"resourceType": "Observation", "id": "e", **ECOG, "status": "amended"}) == "met"
    assert verdict(FIT, {"resourceType": "Observation", "id": "e", **ECOG, "status": status}) == "unknown"
