"""Which conditions are cancers, and what they say of stage, spread and stated absences."""

from typing import Any

import pytest

from tests.unit.emr.facts.judging import judged
from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria import facts as f
from trialbridge.criteria.terminology import crosswalk, oncotree
from trialbridge.criteria.terminology.source import rows as terminology
from trialbridge.emr.facts import facts_of

ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
ICD_9 = "http://hl7.org/fhir/sid/icd-9-cm"


def facts(resource: dict[str, Any]) -> list[f.AnyFact]:
    """Return the facts of one resource."""
    [found] = facts_of([{"id": "c", **resource}], SourceId("s"), RecordId("r")).values()
    return list(found)


def condition(code: str, system: str = ICD, **more: Any) -> list[f.AnyFact]:
    """Return the facts of a Condition."""
    return facts({"resourceType": "Condition", "code": {"coding": [{"system": system, "code": code}]}, **more})


@pytest.mark.parametrize(
    ("code", "term"),
    [("C34.1", "LUNG"), ("C4A.9", "MCC"), ("C7A.090", "LUNG"), ("D46.9", "MDS"), ("D45", "PV"), ("D47.3", "ET")],
)
def test_cancers_of_icd_10_cm_whatever_letters_they_have(code: str, term: str) -> None:
    [diagnosis] = condition(code)
    assert isinstance(diagnosis, f.Diagnosis)
    assert diagnosis.primary
    assert crosswalk.terms_of(diagnosis.codes) == (term,)


@pytest.mark.parametrize("code", ["D05.1", "D50.9", "Z85.3", "E11.9", "D48.5"])
def test_what_is_no_cancer_is_a_comorbidity(code: str) -> None:
    [found] = condition(code)
    assert isinstance(found, f.Condition)


@pytest.mark.parametrize(("code", "brain"), [("C7B.02", False), ("C79.3", True), ("C79.32", True), ("C78.7", False)])
def test_secondary_tumours_are_spread_and_no_diagnosis_of_a_primary(code: str, brain: bool) -> None:
    diagnosis, stage = condition(code)
    assert isinstance(diagnosis, f.Diagnosis)
    assert not diagnosis.primary
    assert isinstance(stage, f.Stage)
    assert (stage.metastatic, stage.cns_metastases) == (True, "present" if brain else None)


@pytest.mark.parametrize(
    ("system", "code", "brain"),
    [(SNOMED, "94225005", True), (SNOMED, "94391008", False), (ICD_9, "198.3", True), (ICD_9, "1977", False)],
)
def test_metastases_in_other_systems(system: str, code: str, *, brain: bool) -> None:
    diagnosis, stage = condition(code, system)
    assert isinstance(diagnosis, f.Diagnosis)
    assert not diagnosis.primary
    assert isinstance(stage, f.Stage)
    assert (stage.metastatic, stage.cns_metastases) == (True, "present" if brain else None)


def test_a_metastasis_by_the_name_that_snomed_ct_gives_it() -> None:
    code = {
        "coding": [
            {"system": SNOMED, "code": "94493005", "display": "Secondary malignant neoplasm of pleura (disorder)"}
        ]
    }
    diagnosis, _ = facts({"resourceType": "Condition", "code": code})
    assert isinstance(diagnosis, f.Diagnosis)
    assert not diagnosis.primary
    history = {
        "coding": [{"system": SNOMED, "code": "1", "display": "History of secondary malignant neoplasm of lung"}]
    }
    [found] = facts({"resourceType": "Condition", "code": history})
    assert isinstance(found, f.Condition)


@pytest.mark.parametrize(("system", "code"), [(ICD, "C77.3"), (SNOMED, "94392001")])
def test_lymph_nodes_alone_may_be_regional_and_are_no_distant_spread(system: str, code: str) -> None:
    [diagnosis] = condition(code, system)
    assert isinstance(diagnosis, f.Diagnosis)
    assert not diagnosis.primary


@pytest.mark.parametrize(
    ("code", "cancer"), [("174.9", True), ("1629", True), ("V10.3", False), ("196.3", False), ("250.00", False)]
)
def test_cancers_of_icd_9_cm(code: str, *, cancer: bool) -> None:
    [found] = condition(code, ICD_9)
    assert isinstance(found, f.Diagnosis if cancer else f.Condition)


@pytest.mark.parametrize(
    ("loinc", "code", "part", "value"),
    [
        ("21902-2", "2640006", "group", "IV"),
        ("21908-9", "258219007", "group", "II"),
        ("21905-5", "1228929004", "t", "cT2"),
        ("21907-1", "1229901006", "m", "cM0"),
    ],
)
def test_stages_of_snomed_ct_by_their_codes_alone(loinc: str, code: str, part: str, value: str) -> None:
    answer = {"valueCodeableConcept": {"coding": [{"system": SNOMED, "code": code}]}}
    asked = {"coding": [{"system": "http://loinc.org", "code": loinc}]}
    [stage] = facts({"resourceType": "Observation", "status": "final", "code": asked, **answer})
    assert getattr(stage, part) == value


def test_the_stage_that_a_diagnosis_carries_itself() -> None:
    summary = {
        "coding": [
            {
                "system": SNOMED,
                "code": "1222594001",
                "display": "American Joint Committee on Cancer stage IIIB (qualifier value)",
            }
        ]
    }
    kind = {"coding": [{"system": SNOMED, "code": "260998006"}]}
    _, stage = condition("C61", stage=[{"summary": summary, "type": kind}], onsetDateTime="2024-02")
    assert isinstance(stage, f.Stage)
    assert (stage.group, stage.basis, stage.effective) == ("IIIB", "clinical", "2024-02")
    assessed = {"summary": summary, "assessment": [{"reference": "Observation/o"}]}
    assert len(condition("C61", stage=[assessed])) == 1
    refuted = {"coding": [{"code": "refuted"}]}
    assert len(condition("C61", stage=[{"summary": summary}], verificationStatus=refuted)) == 1


@pytest.mark.parametrize("code", ["716186003", "409137002"])
def test_no_known_allergy_is_no_allergy(code: str) -> None:
    resource = {"resourceType": "AllergyIntolerance", "code": {"coding": [{"system": SNOMED, "code": code}]}}
    [found] = facts(resource)
    assert isinstance(found, f.Allergy)
    assert not found.present
    denied = {"coding": [{"code": "refuted"}]}
    assert facts({**resource, "verificationStatus": denied}) == []


def test_no_known_problem_is_no_condition() -> None:
    [found] = condition("160245001", SNOMED)
    assert isinstance(found, f.Condition)
    assert not found.present
    assert condition("no-problem-info", "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips") == []


@pytest.mark.parametrize(
    ("code", "term"),
    [
        ("162.9", "LUNG"), ("1629", "LUNG"), ("174.9", "BREAST"), ("1749", "BREAST"), ("185", "PROSTATE"), ("153.3", "BOWEL"),
        ("172.5", "MEL"), ("173.31", "BCC"), ("205.00", "AML"), ("204.10", "CLLSLL"), ("202.80", "NHL"), ("209.31", "MCC"),
        ("238.4", "PV"), ("238.75", "MDS"),
    ],
)  # fmt: skip
def test_cancers_of_icd_9_cm_are_of_the_tissue_that_icd_10_has_them_in(code: str, term: str) -> None:
    [diagnosis] = condition(code, ICD_9)
    assert isinstance(diagnosis, f.Diagnosis)
    assert crosswalk.terms_of(diagnosis.codes) == (term,)


@pytest.mark.parametrize("code", ["155.2", "159.9", "164.9", "195.0", "199.1", "202.90", "209.20"])
def test_a_code_that_may_be_of_any_tissue_names_none(code: str) -> None:
    """It is a cancer all the same: what kind is not known."""
    [diagnosis] = condition(code, ICD_9)
    assert isinstance(diagnosis, f.Diagnosis)
    assert crosswalk.terms_of(diagnosis.codes) == ()


def test_every_row_of_icd_9_cm_is_a_cancer_of_a_term_that_the_tree_has() -> None:
    found = list(terminology("crosswalk_icd9", 3))
    assert len({code for code, _, _ in found}) == len(found)
    for code, terms, about in found:
        assert about
        assert all(oncotree.is_term(term) for term in terms.split("|")), code
        assert crosswalk.from_icd9(code) == tuple(terms.split("|"))
        [diagnosis] = condition(code, ICD_9)
        assert isinstance(diagnosis, f.Diagnosis), code
        assert diagnosis.primary


@pytest.mark.parametrize(
    ("code", "asked", "verdict"),
    [
        ("162.9", "LUNG", "met"),
        ("162.9", "BREAST", "not_met"),
        ("162.9", "LUAD", "unknown"),
        ("199.1", "LUNG", "unknown"),
    ],
)
def test_a_diagnosis_in_icd_9_cm_is_judged(code: str, asked: str, verdict: str) -> None:
    resource = {"resourceType": "Condition", "id": "c", "code": {"coding": [{"system": ICD_9, "code": code}]}}
    assert judged([resource], diagnosis={"oncotree": [asked]}) == verdict
