"""Which codes count as a feed's own, and what an accepted mapping adds to a record: beside, never instead."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria.facts import Condition, Diagnosis, Lab, Stage, Therapy, Vital
from trialbridge.emr.facts import facts_of
from trialbridge.emr.localcodes.applying import Lookup, Meaning, coded, named
from trialbridge.emr.localcodes.codes import LONGEST_WORDS, LocalCode, Target, local_code
from trialbridge.emr.localcodes.finding import local_codes

LOCAL = "urn:oid:1.2.3"


def lab(code: Any, unit: str = "g/dL", **more: Any) -> dict[str, Any]:
    quantity = {"value": Decimal("9.50"), "unit": unit, "code": unit}
    return {
        "resourceType": "Observation", "id": "o1", "status": "final", "code": code, "valueQuantity": quantity, **more,
    }  # fmt: skip


def concept(code: str, system: str | None = LOCAL, display: str = "") -> dict[str, Any]:
    coding = {"code": code, **({"system": system} if system else {}), **({"display": display} if display else {})}
    return {"coding": [coding]}


def knows(mappings: Mapping[tuple[str, str], Target], since: int = 3) -> Lookup:
    def look(code: LocalCode) -> Meaning | None:
        target = mappings.get((code.kind, code.code or code.display))
        return Meaning(target, since) if target else None

    return look


def facts(resource: dict[str, Any]) -> tuple[Any, ...]:
    (found,) = facts_of([resource], SourceId("north/ehr"), RecordId("rec_1")).values()
    return found


HGB = Target("loinc", "718-7", "hemoglobin")


@pytest.mark.parametrize(
    ("resource", "held"),
    [
        (lab(concept("718-7", "http://loinc.org")), ()),
        (lab(concept("HGB", display="Hgb")), (LocalCode("observation", LOCAL, "HGB", "Hgb", "g/dL"),)),
        (lab({"text": "Haemoglobin"}), (LocalCode("observation", "", "", "Haemoglobin", "g/dL"),)),
        (lab({"coding": [{"code": "718-7", "system": "http://loinc.org"}, {"code": "HGB", "system": LOCAL}]}), ()),
        (lab(concept("718-7", "http://loinc.org"), "gm/dl"), (LocalCode("unit", "", "gm/dl", "gm/dl"),)),
        ({"resourceType": "Observation", "id": "o", "status": "final", "code": concept("HGB")}, ()),
        ({"resourceType": "Condition", "id": "c", "code": concept("C34.1", "http://hl7.org/fhir/sid/icd-10-cm")}, ()),
        (
            {"resourceType": "Condition", "id": "c", "code": concept("LC", display="Lung ca")},
            (LocalCode("condition", LOCAL, "LC", "Lung ca"),),
        ),
        (
            {"resourceType": "MedicationStatement", "id": "m", "medicationCodeableConcept": concept("PEM", display="Pembro")},
            (LocalCode("medication", LOCAL, "PEM", "Pembro"),),
        ),
        (
            {"resourceType": "MedicationStatement", "id": "m", "medicationCodeableConcept": {"text": "pembrolizumab 100 MG"}},
            (),
        ),
        (
            {"resourceType": "Procedure", "id": "p", "code": concept("LOBE", display="Lobectomy")},
            (LocalCode("procedure", LOCAL, "LOBE", "Lobectomy"),),
        ),
        ({"resourceType": "Patient", "id": "p"}, ()),
    ],
)  # fmt: skip
def test_a_code_is_local_where_matching_reads_none_of_its_codings(
    resource: dict[str, Any], held: tuple[LocalCode, ...]
) -> None:
    assert local_codes(resource) == held


def test_components_and_units_are_looked_at_too() -> None:
    part = {"code": concept("SYS"), "valueQuantity": {"value": Decimal(120), "unit": "torr"}}
    found = local_codes(lab(concept("BP"), component=[part, {"code": concept("NOTE")}]))
    assert [(one.kind, one.code) for one in found] == [("observation", "BP"), ("observation", "SYS"), ("unit", "torr")]


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ("urn:trialbridge:genomics:field", "GT"),
        ("http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs", "molecular-consequence"),
        ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "ASSERTION"),
    ],
)
def test_what_the_standards_and_we_name_parts_by_is_nobodys_own_code(system: str, code: str) -> None:
    variant = {
        **lab(concept("69548-6", "http://loinc.org")),
        "component": [{"code": concept(code, system), "valueString": "0/1"}],
    }
    assert local_codes(variant) == ()
    assert local_codes(lab(concept(code, system))) == ()


@pytest.mark.parametrize(("unit", "system", "held"), [("fL", "ucum", False), ("fL", "", True), ("gm/dl", "ucum", True)])
def test_a_unit_of_ucum_is_nobodys_own(unit: str, system: str, held: bool) -> None:
    found = lab(concept("787-2", "http://loinc.org"), unit)
    found["valueQuantity"] |= {"system": "http://unitsofmeasure.org"} if system else {}
    assert bool(local_codes(found)) is held


def test_an_allergen_of_the_register_of_substances_is_no_local_code() -> None:
    egg = {"resourceType": "AllergyIntolerance", "id": "a", "code": concept("291P45F896", "http://fdasis.nlm.nih.gov")}
    assert local_codes(egg) == ()


def test_words_are_capped_and_on_one_line() -> None:
    code = local_code("condition", None, None, "seen\tby\n\x00 " + "x" * 500)
    assert code is not None
    assert len(code.display) == LONGEST_WORDS
    assert code.display.startswith("seen by x")
    assert code.display.endswith("…")


def test_words_are_what_a_code_is_only_where_it_has_none() -> None:
    coded_one, other = LocalCode("observation", "L", "HGB", "Hgb"), LocalCode("observation", "L", "HGB", "Hb", "g/L")
    assert coded_one.identity == other.identity
    assert LocalCode("condition", display="Lung CA").identity == LocalCode("condition", display="lung ca").identity
    assert LocalCode("condition", display="Lung CA").identity != LocalCode("condition", display="colon ca").identity


def test_an_accepted_code_is_added_beside_the_local_one() -> None:
    resource = lab(concept("HGB", display="Hgb"))
    before = msgspec.json.encode(resource)
    made = coded(resource, knows({("observation", "HGB"): HGB}))
    assert made.resource["code"]["coding"] == [
        {"code": "HGB", "system": LOCAL, "display": "Hgb"},
        {"system": "http://loinc.org", "code": "718-7", "display": "hemoglobin"},
    ]
    assert made.versions == (3,)
    assert msgspec.json.encode(resource) == before
    assert facts(resource) == ()
    (found,) = named(facts(made.resource), made.versions)
    assert isinstance(found, Lab)
    assert (found.loinc, str(found.value), found.evidence.tables) == ("718-7", "9.50", "local codes v3")


def test_an_accepted_unit_leaves_the_local_one_where_people_read_it() -> None:
    resource = lab(concept("718-7", "http://loinc.org"), "gm/dl")
    made = coded(resource, knows({("unit", "gm/dl"): Target("ucum", "g/dL")}, 7))
    quantity = made.resource["valueQuantity"]
    assert (quantity["unit"], quantity["code"], quantity["system"]) == ("gm/dl", "g/dL", "http://unitsofmeasure.org")
    (found,) = facts(made.resource)
    assert found.unit == "g/dL"


def test_accepted_codes_make_diagnoses_and_therapies() -> None:
    condition = {"resourceType": "Condition", "id": "c", "code": concept("LC", display="Lung ca")}
    assert [type(one) for one in facts(condition)] == [Condition]
    made = coded(condition, knows({("condition", "LC"): Target("oncotree", "LUAD", "Lung Adenocarcinoma")}))
    (disease,) = facts(made.resource)
    assert isinstance(disease, Diagnosis)
    assert [one.code for one in disease.codes] == ["LC", "LUAD"]
    drug = {
        "resourceType": "MedicationAdministration", "id": "m", "status": "completed",
        "medicationCodeableConcept": concept("PEM", display="Pembro"), "effectiveDateTime": "2026-01-02",
    }  # fmt: skip
    made = coded(drug, knows({("medication", "PEM"): Target("drug", "pembrolizumab")}))
    (therapy,) = facts(made.resource)
    assert isinstance(therapy, Therapy)
    assert therapy.drugs == ("pembrolizumab",)


def test_a_component_is_coded_where_it_stands() -> None:
    part = {"code": concept("SYS"), "valueQuantity": {"value": Decimal(120), "unit": "mmHg", "code": "mmHg"}}
    vital = {"category": [concept("vital-signs", "http://terminology.hl7.org/CodeSystem/observation-category")]}
    panel = {
        "resourceType": "Observation", "id": "o", "status": "final", "code": concept("85354-9", "http://loinc.org"),
        "component": [part], **vital,
    }  # fmt: skip
    made = coded(panel, knows({("observation", "SYS"): Target("loinc", "8480-6")}))
    (found,) = facts(made.resource)
    assert isinstance(found, Vital)
    assert found.loinc == "8480-6"


def test_without_an_accepted_mapping_the_very_same_resource_comes_back() -> None:
    for resource in (lab(concept("HGB")), lab(concept("718-7", "http://loinc.org")), {"resourceType": "Patient"}):
        made = coded(resource, lambda _: None)
        assert made.resource is resource
        assert made.versions == ()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "coding", "text", "system", "display", "unit", "value"]), inner)
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(["Observation", "Condition", "MedicationStatement", "Procedure", "AllergyIntolerance"]),
    st.dictionaries(
        st.sampled_from(["code", "valueQuantity", "component", "medicationCodeableConcept", "valueString"]), anything
    ),
)
def test_no_shape_of_a_record_stops_the_reading_and_every_local_code_can_be_mapped(
    kind: str, content: dict[str, Any]
) -> None:
    resource = {"resourceType": kind, **content}
    held = local_codes(resource)
    asked: list[LocalCode] = []

    def look(code: LocalCode) -> Meaning:
        asked.append(code)
        return Meaning(Target("ucum", "g/dL") if code.kind == "unit" else HGB, 1)

    made = coded(resource, look)
    assert {one.identity for one in held} <= {one.identity for one in asked}
    assert bool(made.versions) == bool(asked)
    if asked:
        again = coded(made.resource, lambda _: None)
        assert again.resource is made.resource


def _contained(code: dict[str, Any]) -> dict[str, Any]:
    """Return a statement of a drug that it contains, beside another one."""
    drugs = [
        {"resourceType": "Medication", "id": name, "code": told}
        for name, told in (("m", code), ("other", concept("NaCl")))
    ]
    return {
        "resourceType": "MedicationStatement", "id": "s", "status": "completed", "effectivePeriod": {"start": "2024-01-01"},
        "contained": drugs, "medicationReference": {"reference": "#m"},
    }  # fmt: skip


def test_the_drug_of_a_contained_medication_is_reviewed_and_applied() -> None:
    resource = _contained(concept("TRA", display="Herc."))
    assert local_codes(resource) == (LocalCode("medication", LOCAL, "TRA", "Herc."),)
    made = coded(resource, knows({("medication", "TRA"): Target("drug", "trastuzumab")}))
    assert made.versions == (3,)
    assert [fact.drugs for fact in facts(made.resource) if isinstance(fact, Therapy)] == [("trastuzumab",)]
    assert made.resource["contained"][1] == resource["contained"][1]
    assert [one["code"] for one in resource["contained"][0]["code"]["coding"]] == ["TRA"], (
        "the given one stays as it is"
    )
    assert local_codes(_contained(concept("1", "http://www.nlm.nih.gov/research/umls/rxnorm", "trastuzumab"))) == ()
    assert coded(_contained(concept("TRA")), knows({})).versions == ()


def _stage(value: dict[str, Any], code: str = "21908-9") -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": "o", "status": "final", "code": concept(code, "http://loinc.org"),
        "valueCodeableConcept": value,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "target", "group"),
    [
        (concept("STG4", display="Spread"), Target("snomed", "2640006", "Clinical stage IV"), "IV"),
        (
            concept("S3B"),
            Target("snomed", "1222769001", "American Joint Committee on Cancer stage IIB (qualifier value)"),
            "IIB",
        ),
    ],
)
def test_a_stage_in_a_code_of_the_feeds_own_is_reviewed_and_applied(
    value: dict[str, Any], target: Target, group: str
) -> None:
    """The stage is read by the standard code, or by its name, and not by the local code that stands before it."""
    code = value["coding"][0]["code"]
    (held,) = local_codes(_stage(value))
    assert (held.kind, held.code, held.unit) == ("answer", code, "21908-9")
    made = coded(_stage(value), knows({("answer", code): target}))
    assert [fact.group for fact in facts(made.resource) if isinstance(fact, Stage)] == [group]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (concept("2640006", "http://snomed.info/sct"), "21908-9"),
        (concept("IIIA"), "21908-9"),
        (concept("S", display="Stage IIIB"), "21908-9"),
        ({"text": "cT2a"}, "21905-5"),
        (concept("1229901006", "http://snomed.info/sct"), "21907-1"),
    ],
)
def test_a_stage_that_is_read_is_nobodys_to_review(value: dict[str, Any], code: str) -> None:
    assert local_codes(_stage(value, code)) == ()
    assert any(isinstance(fact, Stage) for fact in facts(_stage(value, code)))
