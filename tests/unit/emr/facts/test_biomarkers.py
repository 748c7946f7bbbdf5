"""What observations of biomarkers say, as laboratories code them: a negative is never read as a positive, nor the other way round."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emr.facts.judging import judged
from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria import facts as f
from trialbridge.emr.facts import facts_of

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"


def coded(system: str, code: str, display: str = "") -> dict[str, Any]:
    """Return a CodeableConcept."""
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def facts(code: str, system: str = LOINC, **more: Any) -> list[f.AnyFact]:
    """Return the facts of a final observation of a code."""
    resource = {"resourceType": "Observation", "id": "o", "status": "final", "code": coded(system, code), **more}
    return list(facts_of([resource], SourceId("s"), RecordId("r"))["Observation/o"])


def signatures(found: list[f.AnyFact]) -> dict[str, str | None]:
    """Return the status of each genome-wide biomarker."""
    return {one.name: one.status for one in found if isinstance(one, f.Signature)}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (coded(SNOMED, "10828004", "Positive"), {"msi": "high", "mmr": "deficient"}),
        (coded(SNOMED, "260385009", "Negative"), {"msi": "stable", "mmr": "proficient"}),
        (coded(LOINC, "LA6576-8"), {"msi": "high", "mmr": "deficient"}),
        (coded(LOINC, "LA14122-8", "Stable"), {"msi": "stable", "mmr": "proficient"}),
        (coded(LOINC, "LA26202-4", "MSI-L"), {"msi": "low"}),
        ({"text": "dMMR"}, {"msi": "high", "mmr": "deficient"}),
        ({"text": "see report"}, {}),
    ],
)
def test_the_stain_of_microsatellite_instability_tells_of_instability(
    value: dict[str, Any], said: dict[str, str]
) -> None:
    """LOINC 62862-8 is the presence of instability: positive is unstable, not the presence of the repair proteins."""
    assert signatures(facts("62862-8", valueCodeableConcept=value)) == said


def test_the_interpretation_stands_where_no_value_is_given() -> None:
    positive = [coded(INTERPRETATION, "POS")]
    assert signatures(facts("62862-8", interpretation=positive)) == {"msi": "high", "mmr": "deficient"}
    [marker] = facts("85337-4", interpretation=positive)
    assert isinstance(marker, f.Marker)
    assert (marker.marker, marker.status) == ("ER", "positive")


@pytest.mark.parametrize(
    ("code", "protein"), [("81691-8", "MLH1"), ("81692-6", "MSH2"), ("81693-4", "MSH6"), ("81694-2", "PMS2")]
)
def test_one_repair_protein_that_is_there_proves_nothing_of_the_others(code: str, protein: str) -> None:
    kept = facts(code, valueCodeableConcept=coded(SNOMED, "10828004"))
    assert [(one.marker, one.status) for one in kept if isinstance(one, f.Marker)] == [(protein, "positive")]
    assert signatures(kept) == {}
    lost = facts(code, valueCodeableConcept=coded(SNOMED, "260385009"))
    assert [(one.marker, one.status) for one in lost if isinstance(one, f.Marker)] == [(protein, "negative")]
    assert signatures(lost) == {"mmr": "deficient"}


@pytest.mark.parametrize(
    ("more", "score", "kind", "status"),
    [
        ({"valueCodeableConcept": coded(LOINC, "LA11843-2", "3+")}, "3", "ihc", None),
        ({"valueCodeableConcept": coded(LOINC, "LA6111-4", "0")}, "0", "ihc", None),
        ({"valueString": "2+"}, "2", "ihc", None),
        ({"valueCodeableConcept": coded(LOINC, "LA11885-3", "Equivocal")}, None, None, "equivocal"),
        ({"valueString": "Negative"}, None, None, "negative"),
    ],
)
def test_grades_of_her2(more: dict[str, Any], score: str | None, kind: str | None, status: str | None) -> None:
    [marker] = facts("85319-2", **more)
    assert isinstance(marker, f.Marker)
    assert (marker.marker, marker.score_kind, marker.status) == ("HER2", kind, status)
    assert marker.score == (Decimal(score) if score else None)


def test_her2_in_serum_is_a_laboratory_result_and_says_nothing_of_the_tumour() -> None:
    quantity = {"value": 12, "unit": "ng/mL", "system": "http://unitsofmeasure.org", "code": "ng/mL"}
    [lab] = facts("32996-1", valueQuantity=quantity, interpretation=[coded(INTERPRETATION, "POS")])
    assert isinstance(lab, f.Lab)
    assert (lab.loinc, lab.value, lab.unit) == ("32996-1", Decimal(12), "ng/mL")
    for code in ("32996-1", "42914-2", "51981-9"):
        assert facts(code, interpretation=[coded(INTERPRETATION, "POS")]) == []
        assert facts(code, valueCodeableConcept=coded(SNOMED, "10828004")) == []
    serum = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": coded(LOINC, "32996-1"),
        "effectiveDateTime": "2026-01-01",
    }
    positive = [coded(INTERPRETATION, "POS")]
    assert (
        judged([{**serum, "interpretation": positive}], expression={"marker": "HER2", "any_of": ["positive"]})
        == "unknown"
    )
    tissue = {**serum, "code": coded(LOINC, "48676-1")}
    assert (
        judged([{**tissue, "interpretation": positive}], expression={"marker": "HER2", "any_of": ["positive"]}) == "met"
    )


def test_what_no_public_list_has_for_the_mutational_burden_is_no_answer() -> None:
    """LA26205-7 and LA26206-5 stand in no published list of answers; words and numbers are read."""
    assert facts("94077-5", valueCodeableConcept=coded(LOINC, "LA26205-7")) == []
    [high] = facts("94077-5", valueCodeableConcept={"text": "High"})
    assert isinstance(high, f.Signature)
    assert high.status == "high"


@pytest.mark.parametrize(
    ("said", "status"), [("Amplified", "positive"), ("Not amplified", "negative"), ("non-amplified", "negative")]
)
def test_amplification_in_words(said: str, status: str) -> None:
    [marker] = facts("31150-6", valueString=said)
    assert isinstance(marker, f.Marker)
    assert (marker.marker, marker.status) == ("HER2", status)


@pytest.mark.parametrize(
    ("code", "status"), [("260385009", "negative"), ("10828004", "positive"), ("42425007", "equivocal")]
)
def test_interpretations_in_snomed_ct(code: str, status: str) -> None:
    [marker] = facts("31150-6", interpretation=[coded(SNOMED, code)])
    assert isinstance(marker, f.Marker)
    assert marker.status == status


@pytest.mark.parametrize(
    ("code", "unit", "kind"),
    [("85329-1", "%", "percent"), ("14230-7", "%", "percent"), ("85147-7", "%", "tps"), ("85147-7", "1", None)],
)
def test_a_score_is_of_the_kind_that_code_and_unit_tell(code: str, unit: str, kind: str | None) -> None:
    [marker] = facts(code, valueQuantity={"value": 20, "code": unit})
    assert isinstance(marker, f.Marker)
    assert (marker.score, marker.score_kind) == (Decimal(20), kind)


def _variant(**more: Any) -> list[f.AnyFact]:
    gene = {"code": coded(LOINC, "48018-6"), "valueCodeableConcept": {"text": "EGFR"}}
    return facts("69548-6", component=[gene], **more)


@pytest.mark.parametrize(
    ("more", "present"),
    [
        ({"valueCodeableConcept": coded(LOINC, "LA9633-4")}, [True]),
        ({"valueCodeableConcept": coded(LOINC, "LA9634-2")}, [False]),
        ({"valueCodeableConcept": coded(LOINC, "LA11883-8", "Not detected")}, [False]),
        ({"valueCodeableConcept": coded(SNOMED, "260415000")}, [False]),
        ({"valueCodeableConcept": coded(LOINC, "LA11884-6", "Indeterminate")}, []),
        ({"valueCodeableConcept": coded(LOINC, "LA18198-4", "No call")}, []),
        ({"valueCodeableConcept": {"text": "Negative"}}, [False]),
        ({"valueString": "Not Detected"}, [False]),
        ({"valueCodeableConcept": {"text": "quantity not sufficient"}}, []),
        ({"dataAbsentReason": {"text": "failed"}}, []),
        ({}, [True]),
    ],
)
def test_only_what_is_said_to_be_there_is_a_variant(more: dict[str, Any], present: list[bool]) -> None:
    assert [one.present for one in _variant(**more) if isinstance(one, f.Variant)] == present


@pytest.mark.parametrize(
    ("more", "grade"),
    [
        ({"valueInteger": 1}, 1),
        ({"valueCodeableConcept": coded(LOINC, "LA9624-3")}, 2),
        ({"valueCodeableConcept": coded(SNOMED, "422512005")}, 1),
        ({"valueString": " 0 "}, 0),
        ({"valueString": "ECOG PS: 2"}, 2),
        ({"valueString": "Karnofsky 80%"}, None),
        ({"valueInteger": 80}, None),
        ({"valueString": "1-2"}, None),
        ({"valueCodeableConcept": coded(LOINC, "LA4489-6", "Unknown")}, None),
    ],
)
def test_performance_as_number_code_or_text(more: dict[str, Any], grade: int | None) -> None:
    assert [one.value for one in facts("89247-1", **more) if isinstance(one, f.Performance)] == (
        [] if grade is None else [grade]
    )


@pytest.mark.parametrize(
    ("code", "value", "part"),
    [
        ("399537006", "American Joint Committee on Cancer stage IIIC (qualifier value)", {"group": "IIIC"}),
        ("399390009", "Stage IV", {"group": "IV"}),
        ("399504009", "American Joint Committee on Cancer cT3 (qualifier value)", {"t": "cT3"}),
        ("277208005", "M1", {"m": "M1"}),
    ],
)
def test_stages_are_read_without_the_words_around_them(code: str, value: str, part: dict[str, str]) -> None:
    [stage] = facts(code, SNOMED, valueCodeableConcept=coded(SNOMED, "1222806003", value))
    assert isinstance(stage, f.Stage)
    assert {name: getattr(stage, name) for name in part} == part


def test_the_course_of_disease_under_the_code_of_earlier_editions() -> None:
    [status] = facts("88040-1", valueCodeableConcept=coded(SNOMED, "271299001"))
    assert isinstance(status, f.DiseaseStatus)
    assert status.status == "progressing"


@pytest.mark.parametrize(
    ("answer", "remission", "progressing"),
    [
        ((SNOMED, "268910001"), "unknown", "not_met"),
        ((LOINC, "LA28369-9"), "unknown", "not_met"),
        ((LOINC, "LA28366-5"), "met", "not_met"),
        ((SNOMED, "271299001"), "not_met", "met"),
    ],
)
def test_an_improvement_may_or_may_not_be_a_remission(
    answer: tuple[str, str], remission: str, progressing: str
) -> None:
    code = coded(LOINC, "97509-4")
    more = {"effectiveDateTime": "2026-05-01", "valueCodeableConcept": coded(*answer)}
    said = {"resourceType": "Observation", "id": "o", "status": "final", "code": code, **more}
    for word, expected in (("remission", remission), ("progressing", progressing)):
        assert judged([said], disease_status={"any_of": [word]}) == expected


def test_limits_of_normal_in_another_unit_are_none() -> None:
    value = {"value": 2, "code": "mg/dL"}
    high = {"value": 88, "code": "umol/L"}
    ranges = [
        {"type": coded("http://terminology.hl7.org/CodeSystem/referencerange-meaning", "therapeutic"), "high": value},
        {"high": high},
    ]
    [lab] = facts("2160-0", valueQuantity=value, referenceRange=ranges)
    assert isinstance(lab, f.Lab)
    assert lab.upper_limit is None
    [lab] = facts("2160-0", valueQuantity=value, referenceRange=[*ranges, {"high": {"value": 1, "code": "mg/dL"}}])
    assert isinstance(lab, f.Lab)
    assert lab.upper_limit == 1


@pytest.mark.parametrize(
    ("code", "value", "scale", "score"),
    [
        ("89245-5", coded(LOINC, "LA29177-5"), "karnofsky", 80),
        ("89243-0", coded(LOINC, "LA29175-9", "Normal; no complaints"), "karnofsky", 100),
        ("89247-1", coded("urn:oid:1.2.3", "1", "ECOG 1"), "ecog", 1),
    ],
)
def test_karnofsky_in_coded_answers(code: str, value: dict[str, Any], scale: str, score: int) -> None:
    """LOINC 89245-5 is the interpretation of a Karnofsky status, not a Lansky score."""
    [fact] = facts(code, valueCodeableConcept=value)
    assert isinstance(fact, f.Performance)
    assert (fact.scale, fact.value) == (scale, score)


def test_the_number_of_a_choice_is_no_grade_where_its_words_say_another() -> None:
    assert facts("89247-1", valueCodeableConcept=coded("urn:oid:1.2.3", "1", "ECOG 0 - fully active")) == []


@pytest.mark.parametrize(("code", "flag"), [("81695-9", "L"), ("94076-7", "H")])
def test_a_flag_of_a_number_is_no_status(code: str, flag: str) -> None:
    [fact] = facts(
        code,
        valueQuantity={"value": 7, "unit": "mut/Mb"},
        interpretation=[coded(INTERPRETATION, flag, {"L": "Low", "H": "High"}[flag])],
    )
    assert isinstance(fact, f.Signature)
    assert (fact.status, fact.value) == (None, Decimal(7))


@pytest.mark.parametrize(("said", "status"), [("MSI-High", "high"), ("Microsatellite stable", "stable"), ("MSI", None)])
def test_words_of_instability(said: str, status: str | None) -> None:
    assert signatures(facts("81695-9", valueString=said)) == ({"msi": status} if status else {})


@pytest.mark.parametrize(("grade", "status"), [("0", "negative"), ("1+", "low"), ("2+", "low")])
def test_a_negative_her2_with_some_stain_is_low(grade: str, status: str) -> None:
    [marker] = facts("85319-2", valueString=grade, interpretation=[coded(INTERPRETATION, "NEG")])
    assert isinstance(marker, f.Marker)
    assert (marker.status, marker.score) == (status, Decimal(grade.rstrip("+")))


def _range(high: int, who: str = "") -> dict[str, Any]:
    return {"high": {"value": high, "unit": "U/L"}, **({"appliesTo": [coded(SNOMED, who)]} if who else {})}


@pytest.mark.parametrize(
    ("ranges", "limit"),
    [
        ([_range(40)], 40),
        ([_range(40, "248152002"), _range(60, "248153007")], None),
        ([_range(40, "248152002"), _range(40, "248153007")], 40),
    ],
)
def test_of_several_ranges_none_is_taken_for_the_patients(ranges: list[dict[str, Any]], limit: int | None) -> None:
    [lab] = facts("1742-6", valueQuantity={"value": 45, "unit": "U/L"}, referenceRange=ranges)
    assert isinstance(lab, f.Lab)
    assert lab.upper_limit == limit


def test_a_period_of_observing_goes_before_the_day_of_issue() -> None:
    [lab] = facts(
        "1742-6", valueQuantity={"value": 4}, effectivePeriod={"start": "2024-01-01"}, issued="2024-05-01T00:00:00Z"
    )
    assert lab.effective == "2024-01-01"


@pytest.mark.parametrize(
    "more",
    [
        {"valueInteger": 70},
        {
            "valueCodeableConcept": coded(
                "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "C69423", "Lansky Performance Status 70"
            )
        },
    ],
)
@pytest.mark.parametrize(
    "system",
    [
        "http://ncithesaurus-stage.nci.nih.gov",
        "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
        "urn:oid:2.16.840.1.113883.3.26.1.1",
    ],
)
def test_the_play_score_of_children_is_asked_for_in_the_thesaurus(system: str, more: dict[str, Any]) -> None:
    """mCODE's Lansky profile has the code C38144 of the NCI Thesaurus; no LOINC code is meant."""
    [fact] = facts("C38144", system, **more)
    assert isinstance(fact, f.Performance)
    assert (fact.scale, fact.value) == ("lansky", 70)
    assert facts("C38144", "urn:local", **more) == []
