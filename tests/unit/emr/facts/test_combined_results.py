"""Results that say something only together: the counts of HER2's gene, and the stains of the four repair proteins. Read, and judged."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emr.facts.judging import judged
from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria import facts as f
from trialbridge.emr.facts import facts_of

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RATIO, COPIES, PANEL, STAIN = "49683-6", "74860-8", "74885-5", "85319-2"
PROTEINS = {"MLH1": "81691-8", "MSH2": "81692-6", "MSH6": "81693-4", "PMS2": "81694-2"}
KEPT, LOST = "10828004", "260385009"


def coded(system: str, code: str) -> dict[str, Any]:
    """Return a CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


def result(code: str, day: str = "2026-03-01", **more: Any) -> dict[str, Any]:
    """Return a final observation of a LOINC code and a day."""
    return {
        "resourceType": "Observation",
        "id": f"{code}-{day}",
        "status": "final",
        "code": coded(LOINC, code),
        "effectiveDateTime": day,
        **more,
    }


def count(code: str, value: object, day: str = "2026-03-01", **more: Any) -> dict[str, Any]:
    """Return a result that is a number without a unit."""
    return result(code, day, valueQuantity={"value": Decimal(str(value)), "code": "1"}, **more)


def her2(*resources: dict[str, Any]) -> dict[str, str]:
    """Return what the resources say of HER2 to a trial that asks for each status."""
    return {
        word: judged(resources, expression={"marker": "HER2", "any_of": [word]})
        for word in ("positive", "negative", "low")
    }


def said(positive: str, negative: str, low: str = "") -> dict[str, str]:
    """Return the verdicts of the three statuses."""
    return {"positive": positive, "negative": negative, "low": low or negative}


AMPLIFIED = said("met", "not_met")
NOT_AMPLIFIED = said("not_met", "met", "unknown")
OPEN = said("unknown", "unknown")


@pytest.mark.parametrize(
    ("ratio", "copies", "verdicts"),
    [
        ("2.0", "4.0", AMPLIFIED),
        ("5.3", "12", AMPLIFIED),
        ("1.99", "3.9", NOT_AMPLIFIED),
        ("1", "2.1", NOT_AMPLIFIED),
        ("2.0", "3.99", OPEN),
        ("1.99", "6.0", OPEN),
        ("1.99", "4.0", OPEN),
        ("1.2", "5.9", OPEN),
    ],
)
def test_the_groups_of_asco_and_cap(ratio: str, copies: str, verdicts: dict[str, str]) -> None:
    """Groups 1 and 5 are decided; 2, 3 and 4 are open until the report says what its workup found."""
    apart = (count(RATIO, ratio), count(COPIES, copies))
    assert her2(*apart) == verdicts
    parts = [
        {"code": coded(LOINC, code), "valueQuantity": {"value": Decimal(value)}}
        for code, value in ((RATIO, ratio), (COPIES, copies))
    ]
    assert her2(result(PANEL, component=parts)) == verdicts
    assert her2(count(RATIO, ratio, "2026-03-01", component=parts[1:])) == verdicts


def test_what_the_report_says_goes_before_its_numbers() -> None:
    negative = [coded(SNOMED, LOST)]
    assert her2(count(RATIO, "2.4", interpretation=negative)) == said("not_met", "met", "unknown")
    undecided = (count(RATIO, "2.4"), count(COPIES, "3"))
    assert her2(*undecided, result("31150-6", valueString="Not amplified")) == said("not_met", "met", "unknown")
    assert her2(*undecided, result("31150-6", valueString="Amplified")) == AMPLIFIED
    assert her2(*undecided, result("31150-6", "2026-02-01", valueString="Amplified")) == OPEN
    assert her2(count(RATIO, "2.4"), count(COPIES, "9"), result("31150-6", valueString="Not amplified")) == OPEN


@pytest.mark.parametrize(
    "resources",
    [
        (count(RATIO, "2.4"),),
        (count(COPIES, "9"),),
        (count(RATIO, "2.4"), count(COPIES, "9", "2026-03-02")),
        (count(RATIO, "2.4", "2026-03"), count(COPIES, "9", "2026-03")),
        (count(RATIO, "2.4"), result(COPIES, valueQuantity={"value": 9, "code": "%"})),
        (count(RATIO, "2.4"), result(COPIES, valueQuantity={"value": 4, "comparator": ">"})),
    ],
)  # fmt: skip
def test_one_count_alone_or_of_another_day_says_nothing(resources: tuple[dict[str, Any], ...]) -> None:
    assert her2(*resources) == OPEN


@pytest.mark.parametrize(
    ("ratio", "copies", "verdicts"),
    [
        ("2.4", "9", AMPLIFIED),
        ("1.2", "2", said("not_met", "met", "met")),
        ("2.4", "3", OPEN),
    ],
)
def test_a_stain_of_grade_2_is_decided_by_the_hybridization_of_its_day(
    ratio: str, copies: str, verdicts: dict[str, str]
) -> None:
    """Grade 2 without amplification is low (ASCO/CAP 2023)."""
    stain = result(STAIN, valueString="2+")
    assert her2(stain) == OPEN
    assert her2(stain, count(RATIO, ratio), count(COPIES, copies)) == verdicts


def test_a_stain_that_is_decided_and_another_hybridization_leave_it_open() -> None:
    assert her2(result(STAIN, valueString="3+"), count(RATIO, "1.2"), count(COPIES, "2")) == OPEN


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ({"valueRatio": {"numerator": {"value": Decimal("2.4")}, "denominator": {"value": 1}}}, "2.4"),
        ({"valueRatio": {"numerator": {"value": Decimal("4.8")}, "denominator": {"value": 2}}}, "2.4"),
        ({"valueRatio": {"numerator": {"value": 2}, "denominator": {"value": 0}}}, None),
        ({"valueQuantity": {"value": Decimal("2.4"), "unit": "ratio"}}, "2.4"),
        ({"valueString": " 2.4 "}, "2.4"),
        ({"valueString": "2.4 (amplified)"}, None),
        ({"valueString": "see report"}, None),
    ],
)
def test_a_ratio_in_all_its_shapes(value: dict[str, Any], score: str | None) -> None:
    found = facts_of([result(RATIO, **value)], SourceId("s"), RecordId("r"))[f"Observation/{RATIO}-2026-03-01"]
    assert [(one.score, one.score_kind) for one in found if isinstance(one, f.Marker)] == (
        [(Decimal(score), "ratio")] if score else []
    )


def stains(said_of: Mapping[str, str], day: str = "2026-03-01") -> list[dict[str, Any]]:
    """Return the stains of repair proteins: the protein, and whether it is there."""
    return [result(PROTEINS[name], day, valueCodeableConcept=coded(SNOMED, answer)) for name, answer in said_of.items()]


def repair(*resources: dict[str, Any]) -> tuple[str, str]:
    """Return what resources say to trials that ask for proficient and for deficient repair."""
    proficient, deficient = (
        judged(resources, signature={"name": "mmr", "any_of": [word]}) for word in ("proficient", "deficient")
    )
    return proficient, deficient


ALL = dict.fromkeys(PROTEINS, KEPT)


def test_four_proteins_that_are_all_there_are_proficient_repair() -> None:
    assert repair(*stains(ALL)) == ("met", "not_met")


@pytest.mark.parametrize("lost", list(PROTEINS))
def test_any_protein_that_is_lost_is_deficient_repair(lost: str) -> None:
    assert repair(*stains({**ALL, lost: LOST})) == ("not_met", "met")
    assert repair(*stains({lost: LOST})) == ("not_met", "met")


@pytest.mark.parametrize("missing", list(PROTEINS))
def test_three_proteins_prove_nothing_of_the_fourth(missing: str) -> None:
    three = {name: answer for name, answer in ALL.items() if name != missing}
    assert repair(*stains(three)) == ("unknown", "unknown")
    other_day = stains({missing: KEPT}, "2026-03-09")
    assert repair(*stains(three), *other_day) == ("unknown", "unknown")
    unclear = result(PROTEINS[missing], valueCodeableConcept=coded(SNOMED, "42425007"))
    assert repair(*stains(three), unclear) == ("unknown", "unknown")


def test_a_correction_of_one_stain_takes_proficient_repair_back() -> None:
    first, *rest = stains(ALL)
    assert repair({**first, "status": "entered-in-error"}, *rest) == ("unknown", "unknown")
    assert repair({**first, "status": "corrected", "valueCodeableConcept": coded(SNOMED, LOST)}, *rest) == (
        "not_met",
        "met",
    )


def test_days_without_a_date_are_not_put_together() -> None:
    assert repair(
        *({name: value for name, value in one.items() if name != "effectiveDateTime"} for one in stains(ALL))
    ) == ("unknown", "unknown")


def test_a_newer_lost_protein_goes_before_an_older_proficient_repair() -> None:
    assert repair(*stains(ALL, "2025-01-01"), *stains({"MSH6": LOST})) == ("not_met", "met")
    assert repair(*stains({"MSH6": LOST}, "2025-01-01"), *stains(ALL)) == ("met", "not_met")
