"""Performance, labs, vital signs, signatures, protein markers: met, not met, and each way to be unknown."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from trialbridge.criteria import facts as f

Answer = Callable[..., str]
HERE = f.Evidence(resource="Observation/1")
DAY, OLD = "2026-05-20", "2026-01-01"
BURDEN = "1/1000000{Base}"


def status(scale: Any, value: int, day: str | None = DAY) -> f.Performance:
    return f.Performance(evidence=HERE, effective=day, scale=scale, value=value)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("max: 1", [status("ecog", 1)], "met"),
        ("max: 1", [status("ecog", 2)], "not_met"),
        ("min: 2, max: 3", [status("ecog", 1)], "not_met"),
        ("max: 1", [status("ecog", 2, OLD), status("ecog", 1)], "met"),
        ("max: 1", [status("karnofsky", 80)], "met"),
        ("max: 1", [status("karnofsky", 60)], "not_met"),
        ("scale: karnofsky, min: 70", [status("ecog", 1)], "met"),
        ("scale: karnofsky, min: 90", [status("ecog", 1)], "not_met"),
        ("scale: lansky, min: 60", [status("lansky", 60)], "met"),
        ("scale: karnofsky, min: 80", [status("ecog", 1)], "unknown"),
        ("max: 1", [status("karnofsky", 85)], "unknown"),
        ("max: 1", [status("lansky", 90)], "unknown"),
        ("max: 1", [], "unknown"),
        ("max: 1, within: 28 days", [status("ecog", 1, OLD)], "unknown"),
        ("max: 1, within: 28 days", [status("ecog", 1, None)], "unknown"),
        ("max: 1, within: 28 days", [status("ecog", 1, "2026-05")], "unknown"),
        ("max: 1", [status("ecog", 1), status("ecog", 2)], "unknown"),
        ("max: 1", [status("ecog", 1, "2026-05"), status("ecog", 2)], "unknown"),
        ("max: 1", [status("ecog", 1, "2026-07-01")], "unknown"),
        ("min: 2, pick: ever", [status("ecog", 2, OLD), status("ecog", 1)], "met"),
        ("min: 3, pick: ever", [status("ecog", 2, OLD), status("ecog", 1)], "not_met"),
        ("min: 2, pick: ever, within: 28 days", [status("ecog", 2, None), status("ecog", 1)], "unknown"),
    ],
)
def test_performance(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"performance: {{{leaf}}}", *facts) == expected


def lab(value: str, unit: str | None = "g/dL", day: str | None = DAY, code: str = "718-7", **more: Any) -> f.Lab:
    return f.Lab(evidence=HERE, effective=day, loinc=code, value=Decimal(value), unit=unit, **more)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("min: 9, unit: g/dL", [lab("9.0")], "met"),
        ("min: 9, unit: g/dL", [lab("8.9")], "not_met"),
        ("above: 9, unit: g/dL", [lab("9.0")], "not_met"),
        ("max: 9, unit: g/dL", [lab("9.0")], "met"),
        ("below: 9, unit: g/dL", [lab("9.0")], "not_met"),
        ("min: 9, unit: g/dL", [lab("90", "g/L")], "met"),
        ("min: 9, unit: g/dL", [lab("9", code="20509-6")], "met"),
        ("min: 9, unit: g/dL", [lab("12", day=OLD), lab("8")], "not_met"),
        ("min: 9, unit: g/dL", [lab("10", comparator=">")], "met"),
        ("min: 9, unit: g/dL", [lab("9", comparator="<")], "not_met"),
        ("max: 2, unit: xULN", [lab("2", upper_limit=Decimal(1))], "met"),
        ("max: 2, unit: xULN", [lab("2.1", upper_limit=Decimal(1))], "not_met"),
        ("min: 9, unit: g/dL, within: 28 days", [lab("9", day="2026-05-04")], "met"),
        # Not recorded, not in the period, or perhaps not in it.
        ("min: 9, unit: g/dL", [], "unknown"),
        ("min: 9, unit: g/dL", [lab("9", code="2160-0")], "unknown"),
        ("min: 9, unit: g/dL, within: 28 days", [lab("9", day="2026-05-03")], "unknown"),
        ("min: 9, unit: g/dL, within: 28 days", [lab("9", day="2026-05")], "unknown"),
        ("min: 9, unit: g/dL, within: 28 days", [lab("9", day=None)], "unknown"),
        # A unit that does not convert, is missing, or has no limit to compare with.
        ("min: 9, unit: g/dL", [lab("9", "parsec")], "unknown"),
        ("min: 9, unit: g/dL", [lab("9", "mmol/L")], "unknown"),
        ("min: 9, unit: g/dL", [lab("9", None)], "unknown"),
        ("max: 2, unit: xULN", [lab("2")], "unknown"),
        ("max: 2, unit: xULN", [lab("2", upper_limit=Decimal(0))], "unknown"),
        # A number that is none, or open to the side that matters.
        ("min: 9, unit: g/dL", [lab("NaN")], "unknown"),
        ("min: 9, unit: g/dL", [lab("1e31")], "unknown"),
        ("min: 9, unit: g/dL", [lab("10", comparator="<")], "unknown"),
        # The newest of them is not certain.
        ("min: 9, unit: g/dL", [lab("9"), lab("8")], "unknown"),
        ("min: 9, unit: g/dL", [lab("9"), lab("8", day=None)], "unknown"),
        ("min: 9, unit: g/dL, pick: ever", [lab("9", day=OLD), lab("8")], "met"),
        ("min: 9, unit: g/dL, pick: ever", [lab("8", day=OLD), lab("8")], "not_met"),
        ("min: 9, unit: g/dL, pick: ever", [lab("9", "parsec", day=OLD), lab("8")], "unknown"),
    ],
)
def test_lab(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"lab: {{test: hemoglobin, {leaf}}}", *facts) == expected


@pytest.mark.parametrize(
    ("test", "leaf", "value", "unit"),
    [
        ("creatinine", "min: 100, unit: umol/L", "1.1312", "mg/dL"),
        ("creatinine", "max: 100, unit: umol/L", "1.1312", "mg/dL"),
        ("total bilirubin", "max: 100, unit: umol/L", "5.8466", "mg/dL"),
        ("total bilirubin", "max: 3, unit: mmol/L", "0.175398", "g/dL"),
        ("total bilirubin", "max: 29, unit: mmol/L", "1.695514", "g/dL"),
        ("alanine aminotransferase", "max: 1, unit: ukat/L", "60", "U/L"),
    ],
)
def test_a_value_on_the_bound_is_on_it_in_another_unit_as_well(
    answer: Answer, test: str, leaf: str, value: str, unit: str
) -> None:
    code = {"creatinine": "2160-0", "total bilirubin": "1975-2", "alanine aminotransferase": "1742-6"}[test]
    assert answer(f"lab: {{test: {test}, {leaf}}}", lab(value, unit, code=code)) == "met"


def vital(value: str, unit: str | None = "mm[Hg]", day: str | None = DAY) -> f.Vital:
    return f.Vital(evidence=HERE, effective=day, loinc="8480-6", value=Decimal(value), unit=unit)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([vital("140")], "met"),
        ([vital("141")], "not_met"),
        ([vital("140", "mmHg")], "met"),
        ([vital("150", day="2026-05-10"), vital("140")], "met"),
        ([], "unknown"),
        ([vital("140", "kPa")], "unknown"),
        ([vital("140", None)], "unknown"),
        ([vital("NaN")], "unknown"),
        ([vital("140", day=OLD)], "unknown"),
        ([vital("140", day=None)], "unknown"),
        ([vital("140"), vital("150")], "unknown"),
    ],
)
def test_vital(answer: Answer, facts: list[Any], expected: str) -> None:
    assert answer("vital: {loinc: 8480-6, max: 140, unit: 'mm[Hg]', within: 28 days}", *facts) == expected


def signed(name: Any, said: Any = None, value: str | None = None, day: str | None = DAY, **more: Any) -> f.Signature:
    number = None if value is None else Decimal(value)
    return f.Signature(evidence=HERE, effective=day, name=name, status=said, value=number, **more)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("name: msi, any_of: [high]", [signed("msi", "high")], "met!"),
        ("name: msi, any_of: [high]", [signed("msi", "stable")], "not_met!"),
        ("name: msi, any_of: [high, indeterminate]", [signed("msi", "indeterminate")], "met!"),
        (
            "name: mmr, any_of: [deficient]",
            [signed("mmr", "deficient", day=OLD), signed("mmr", "proficient")],
            "not_met!",
        ),
        ("name: tmb, min: 10", [signed("tmb", value="10", unit=BURDEN)], "met!"),
        ("name: tmb, min: 10", [signed("tmb", value="9.9", unit=BURDEN)], "not_met!"),
        ("name: hrd, min: 42, unit: '1'", [signed("hrd", value="50", unit="1")], "met!"),
        ("name: tmb, min: 10, assays: [one]", [signed("tmb", value="9", unit=BURDEN, assay="PanelOne")], "not_met!"),
        ("name: msi, any_of: [high]", [], "unknown"),
        ("name: msi, any_of: [high]", [signed("mmr", "deficient")], "unknown"),
        ("name: msi, any_of: [high]", [signed("msi", "indeterminate")], "unknown"),
        ("name: msi, any_of: [high]", [signed("msi")], "unknown"),
        ("name: msi, any_of: [high]", [signed("msi", "high"), signed("msi", "low")], "unknown"),
        ("name: msi, any_of: [high], within: 28 days", [signed("msi", "high", day=OLD)], "unknown"),
        ("name: tmb, min: 10", [signed("tmb", "high")], "unknown"),
        ("name: tmb, min: 10", [signed("tmb", value="12", unit="1")], "unknown"),
        ("name: tmb, min: 10", [signed("tmb", value="12")], "unknown"),
        ("name: tmb, min: 10", [signed("tmb", value="NaN", unit=BURDEN)], "unknown"),
        ("name: hrd, min: 42, unit: '1'", [signed("hrd", value="50", unit="%")], "unknown"),
        ("name: tmb, min: 10, assays: [one]", [signed("tmb", value="12", unit=BURDEN, assay="Other")], "unknown"),
        ("name: tmb, min: 10, assays: [one]", [signed("tmb", value="12", unit=BURDEN)], "unknown"),
        ("name: uv, any_of: [present], pick: ever", [signed("uv", "present", day=OLD), signed("uv", "absent")], "met!"),
        ("name: uv, any_of: [present], pick: ever", [signed("uv"), signed("uv", "absent")], "unknown"),
    ],
)
def test_signature(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"signature: {{{leaf}}}", *facts) == expected


def stained(name: str, said: Any = None, score: str | None = None, day: str | None = DAY, **more: Any) -> f.Marker:
    number = None if score is None else Decimal(score)
    return f.Marker(evidence=HERE, effective=day, marker=name, status=said, score=number, **more)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("marker: HER2, any_of: [positive]", [stained("ERBB2", "positive")], "met!"),
        ("marker: HER2, any_of: [positive]", [stained("HER2", "low")], "not_met!"),
        ("marker: HER2, any_of: [negative]", [stained("HER2", "ultralow")], "met!"),
        ("marker: HER2, any_of: [low, ultralow]", [stained("HER2", "positive")], "not_met!"),
        ("marker: ER, any_of: [positive]", [stained("estrogen receptor", "low")], "met!"),
        ("marker: ER, any_of: [negative]", [stained("ER", "low")], "not_met!"),
        ("marker: HER2, any_of: [equivocal]", [stained("HER2", "equivocal")], "met!"),
        ("marker: PD-L1, score: tps, min: 50", [stained("PDL1", score="50", score_kind="tps")], "met!"),
        ("marker: PD-L1, score: tps, min: 50", [stained("PD-L1", score="49", score_kind="tps")], "not_met!"),
        ("marker: TROP9, any_of: [positive]", [stained("trop9", "positive")], "met!"),
        ("marker: HER2, any_of: [positive]", [], "unknown"),
        ("marker: HER2, any_of: [positive]", [stained("ER", "positive")], "unknown"),
        ("marker: HER2, any_of: [low]", [stained("HER2", "negative")], "unknown"),
        ("marker: ER, any_of: [low]", [stained("ER", "positive")], "unknown"),
        ("marker: HER2, any_of: [positive]", [stained("HER2", "equivocal")], "unknown"),
        ("marker: HER2, any_of: [positive]", [stained("HER2", "indeterminate")], "unknown"),
        ("marker: HER2, any_of: [positive]", [stained("HER2")], "unknown"),
        ("marker: HER2, any_of: [positive]", [stained("HER2", "positive"), stained("HER2", "negative")], "unknown"),
        ("marker: HER2, any_of: [positive], within: 28 days", [stained("HER2", "positive", day=OLD)], "unknown"),
        ("marker: PD-L1, score: tps, min: 50", [stained("PD-L1", score="50", score_kind="cps")], "unknown"),
        ("marker: PD-L1, score: tps, min: 50", [stained("PD-L1", score="50")], "unknown"),
        (
            "marker: PD-L1, score: tps, min: 50",
            [stained("PD-L1", score="90", score_kind="tps", day=OLD), stained("PD-L1", score="10")],
            "unknown",
        ),
        (
            "marker: PD-L1, score: tps, min: 50",
            [stained("PD-L1", score="90", score_kind="tps", day=OLD), stained("PD-L1", "negative")],
            "met!",
        ),
        ("marker: PD-L1, score: tps, min: 50", [stained("PD-L1", "positive", score_kind="tps")], "unknown"),
        ("marker: HER2, any_of: [positive], methods: [ihc]", [stained("HER2", "positive", method="FISH")], "unknown"),
        ("marker: HER2, any_of: [positive], methods: [ihc]", [stained("HER2", "positive")], "unknown"),
        ("marker: HER2, any_of: [positive], methods: [ihc]", [stained("HER2", "positive", method="IHC")], "met!"),
    ],
)
def test_expression(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"expression: {{{leaf}}}", *facts) == expected


@pytest.mark.parametrize(
    ("marker", "kind", "score", "asked", "expected"),
    [
        ("HER2", "ihc", "3", "positive", "met!"),
        ("HER2", "ihc", "3", "negative", "not_met!"),
        ("HER2", "ihc", "2", "equivocal", "met!"),
        ("HER2", "ihc", "2", "positive", "unknown"),
        ("HER2", "ihc", "2", "low", "unknown"),
        ("HER2", "ihc", "1", "low", "met!"),
        ("HER2", "ihc", "1", "negative", "met!"),
        ("HER2", "ihc", "1", "positive", "not_met!"),
        ("HER2", "ihc", "0", "negative", "met!"),
        ("HER2", "ihc", "0", "low", "not_met!"),
        ("HER2", "ihc", "0", "ultralow", "unknown"),
        ("HER2", "ihc", "1.5", "low", "unknown"),
        ("HER2", "percent", "3", "positive", "unknown"),
        ("ER", "percent", "0.9", "negative", "met!"),
        ("ER", "percent", "1", "positive", "met!"),
        ("ER", "percent", "10", "low", "met!"),
        ("ER", "percent", "10.1", "low", "not_met!"),
        ("PR", "percent", "0", "positive", "not_met!"),
        ("PR", "percent", "101", "positive", "unknown"),
        ("PD-L1", "tps", "60", "positive", "unknown"),
    ],
)
def test_a_score_without_a_status(
    answer: Answer, marker: str, kind: Any, score: str, asked: str, expected: str
) -> None:
    fact = f.Marker(evidence=HERE, marker=marker, score=Decimal(score), score_kind=kind)
    assert answer(f"expression: {{marker: {marker}, any_of: [{asked}]}}", fact) == expected
