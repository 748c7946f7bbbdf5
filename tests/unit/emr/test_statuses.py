"""What may be, is planned or was broken off is no fact: every code of every status that facts rest on, row by row."""

from typing import Any

import pytest

from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria import facts as f
from trialbridge.emr.facts import READERS, facts_of
from trialbridge.emr.fhir.grammar import schema
from trialbridge.emr.tables.rows import rows, statuses

SUBJECT = {"subject": {"reference": "Patient/p"}}
DATE = "2026-05-01"
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"


def concept(system: str, code: str, text: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, **({"display": text} if text else {})}]}


DRUG = {"medicationCodeableConcept": {"text": "olaparib"}, **SUBJECT}
PILL = {"medicationCodeableConcept": {"text": "metformin"}, **SUBJECT}
LUNG, HIV = (concept("http://hl7.org/fhir/sid/icd-10-cm", code) for code in ("C34.90", "B20"))
SURGERY = {"category": concept(SNOMED, "387713003"), "code": concept(SNOMED, "173171007"), **SUBJECT}
RADIATION = {"code": concept(SNOMED, "108290001"), **SUBJECT}
SCAN = {"code": concept(SNOMED, "77477001"), **SUBJECT}
ECOG = {"code": concept(LOINC, "89247-1"), "valueInteger": 1, **SUBJECT}
LIST = {"code": concept(LOINC, "10160-0"), "entry": [{"item": {"reference": "Procedure/s"}}], **SUBJECT}
SHARING = {"provision": {"type": "permit"}, "dateTime": DATE}
NUTS = {"code": {"text": "nuts"}, "patient": {"reference": "Patient/p"}}
GIVEN, BEGUN, TABLET = {"effectiveDateTime": DATE}, {"performedDateTime": DATE}, {"intent": "order", "authoredOn": DATE}


def read(kind: str, element: str, code: str, body: dict[str, Any]) -> tuple[f.AnyFact, ...]:
    coded = element in ("verificationStatus", "clinicalStatus")
    status = {} if code == "-" else {element: {"coding": [{"code": code}]} if coded else code}
    resource = {"resourceType": kind, "id": "x", **body, **status}
    [found] = facts_of([resource], SourceId("a/ehr"), RecordId("r")).values()
    return found


def short(facts: tuple[f.AnyFact, ...]) -> str:
    """Return what the facts say, in a word each."""
    return " ".join(word(fact) for fact in facts)


def word(fact: f.AnyFact) -> str:
    name = str(type(fact).__struct_config__.tag)
    if isinstance(fact, f.Therapy):
        going = {True: " going", False: " over", None: ""}[fact.ongoing]
        return (f"{fact.category}{going}" if fact.given else f"no-{fact.category}").replace(" ", "-")
    if isinstance(fact, f.TherapyHistory):
        return "closed" if fact.complete else "open"
    if isinstance(fact, f.Diagnosis):
        return "refuted" if fact.excluded else "cancer" if any(c.code for c in fact.codes) else "unsure"
    if isinstance(fact, (f.Condition, f.Allergy)):
        return name if fact.present else f"no-{name}"
    if isinstance(fact, f.Medication):
        return "taken" if fact.active else "was-taken"
    return name


ORDER = {"status": "active", "authoredOn": DATE}
SNAPSHOT, CURRENT = {"mode": "snapshot"}, {"status": "current"}
SEEN = "performance"
EXPECTED: list[tuple[str, str, dict[str, Any], str]] = [
    ("Observation", "status", ECOG, (f"registered: preliminary: final:{SEEN} amended:{SEEN} corrected:{SEEN} cancelled:"
     " entered-in-error: unknown: -:")),
    ("Condition", "verificationStatus", {"code": LUNG, **SUBJECT}, ("unconfirmed:unsure provisional:unsure differential:unsure"
     " confirmed:cancer refuted:refuted entered-in-error: -:cancer")),
    ("Condition", "verificationStatus", {"code": HIV, **SUBJECT}, ("unconfirmed: provisional: differential: confirmed:condition"
     " refuted:no-condition entered-in-error: -:condition")),
    ("AllergyIntolerance", "verificationStatus", NUTS, ("unconfirmed: presumed: confirmed:allergy refuted:no-allergy"
     " entered-in-error: -:allergy")),
    ("AllergyIntolerance", "clinicalStatus", NUTS, "active:allergy inactive: resolved: -:allergy"),
    ("MedicationAdministration", "status", {**DRUG, **GIVEN}, ("in-progress:systemic-going not-done: on-hold:systemic"
     " completed:systemic-over entered-in-error: stopped:systemic-over unknown:open -:open")),
    ("MedicationStatement", "status", {**DRUG, **GIVEN}, ("active:systemic-going completed:systemic-over entered-in-error:"
     " intended: stopped:systemic-over on-hold:systemic unknown:open not-taken:no-systemic -:open")),
    ("MedicationStatement", "status", DRUG, ("active:systemic-going completed:systemic-over entered-in-error: intended:"
     " stopped:open on-hold:open unknown:open not-taken:no-systemic -:open")),
    ("MedicationStatement", "status", {**PILL, **GIVEN}, ("active:taken completed:was-taken entered-in-error: intended:"
     " stopped:was-taken on-hold:was-taken unknown: not-taken: -:")),
    ("MedicationRequest", "status", {**DRUG, **TABLET}, ("active: on-hold: cancelled: completed: entered-in-error: stopped: draft:"
     " unknown: -:")),
    ("MedicationRequest", "status", {**PILL, **TABLET}, ("active:taken on-hold:was-taken cancelled: completed:was-taken"
     " entered-in-error: stopped:was-taken draft: unknown: -:")),
    ("MedicationRequest", "status", {**PILL, "intent": "order"}, ("active:taken on-hold: cancelled: completed:was-taken"
     " entered-in-error: stopped: draft: unknown: -:")),
    ("MedicationRequest", "intent", {**PILL, **ORDER}, ("proposal: plan: order:taken original-order:taken reflex-order:taken"
     " filler-order:taken instance-order:taken option: -:")),
    ("Procedure", "status", {**SURGERY, **BEGUN}, ("preparation: in-progress:surgery-going+procedure not-done:no-surgery on-hold:open"
     " stopped:open completed:surgery-over+procedure entered-in-error: unknown:open -:open")),
    ("Procedure", "status", {**RADIATION, **BEGUN}, ("preparation: in-progress:radiation-going not-done:no-radiation"
     " on-hold:radiation stopped:radiation-over completed:radiation-over entered-in-error: unknown:open -:open")),
    ("Procedure", "status", {**SCAN, **BEGUN}, ("preparation: in-progress:procedure not-done: on-hold: stopped:"
     " completed:procedure entered-in-error: unknown: -:")),
    ("List", "status", {**LIST, **SNAPSHOT}, "current:closed retired: entered-in-error: -:"),
    ("List", "mode", {**LIST, **CURRENT}, "working: snapshot:closed changes: -:"),
    ("Consent", "status", SHARING, "draft: proposed: active:consent rejected: inactive: entered-in-error: -:"),
]  # fmt: skip
CASES = [
    (kind, element, body, *one.partition(":")[::2]) for kind, element, body, line in EXPECTED for one in line.split(" ")
]


@pytest.mark.parametrize(("kind", "element", "body", "code", "said"), CASES)
def test_each_status_lets_its_facts_go_so_far(
    kind: str, element: str, body: dict[str, Any], code: str, said: str
) -> None:
    assert short(read(kind, element, code, body)) == said.replace("+", " ")


def test_every_row_of_the_table_is_tried() -> None:
    assert {row[:3] for row in rows("statuses")} == {(kind, element, code) for kind, element, _, code, _ in CASES}


def test_the_table_has_every_code_that_a_resource_may_bear() -> None:
    for kind in READERS:
        properties = schema()["definitions"][kind]["properties"]
        for element in ("status", "intent", "mode"):
            allowed = set(properties.get(element, {}).get("enum", ()))
            if allowed:
                assert allowed | {"-"} == {*statuses()[kind, element]}, (kind, element)


def test_a_code_that_no_table_knows_says_nothing() -> None:
    assert read("Observation", "status", "sure", ECOG) == ()
    assert read("Condition", "verificationStatus", "maybe", {"code": LUNG, **SUBJECT}) == ()


def test_an_order_not_to_give_a_drug_is_no_drug() -> None:
    assert read("MedicationRequest", "status", "active", {**PILL, **TABLET, "doNotPerform": True}) == ()


@pytest.mark.parametrize("comparator", ["<", "<=", ">=", ">"])
def test_a_comparator_stays_with_its_value_or_takes_it_back(comparator: str) -> None:
    quantity = {"valueQuantity": {"value": 50, "unit": "kg", "code": "kg", "comparator": comparator}}
    vital = {"code": concept(LOINC, "29463-7"), "category": [{"coding": [{"code": "vital-signs"}]}], **quantity}
    [weight] = read("Observation", "status", "final", vital)
    assert isinstance(weight, f.Vital)
    assert weight.comparator == comparator
    for code in ("89247-1", "94076-7"):
        assert read("Observation", "status", "final", {"code": concept(LOINC, code), **quantity}) == ()
