"""Age, sex, vital status, place, consent, pregnancy: met, not met, and each way to be unknown."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from trialbridge.criteria import facts as f

Answer = Callable[..., str]
HERE = f.Evidence(resource="Patient/1")


def person(birth: str | None = None, sex: Any = None, **more: Any) -> f.Demographics:
    return f.Demographics(evidence=HERE, birth_date=birth, sex=sex, **more)


@pytest.mark.parametrize(
    ("leaf", "births", "expected"),
    [
        ("min: 18", ["2008-06-01"], "met!"),
        ("min: 18", ["2008-06-02"], "not_met"),
        ("max: 17", ["2008-06-02"], "met"),
        ("max: 17", ["2008-06-01"], "not_met!"),
        ("min: 18, max: 75", ["1990-01-01"], "met"),
        ("min: 6, unit: months", ["2025-12-01"], "met!"),
        ("min: 6, unit: months", ["2025-12-02"], "not_met"),
        ("max: 8, unit: weeks", ["2026-04-06"], "met"),
        ("max: 8, unit: weeks", ["2026-03-30"], "not_met!"),
        ("min: 30, unit: days", ["2026-05-02"], "met!"),
        # A year or a month alone decides outside of the gap and leaves it unknown inside.
        ("min: 18", ["2007"], "met!"),
        ("min: 18", ["2008"], "unknown"),
        ("min: 18", ["2008-06"], "unknown"),
        ("min: 18, max: 18", ["2007-12"], "met"),
        ("min: 18, max: 18", ["2007"], "unknown"),
        ("min: 18", [], "unknown"),
        ("min: 18", ["long ago"], "unknown"),
        ("min: 18", ["1990-01-01", "1990"], "met!"),
        ("min: 18", ["1990-01-01", "2015-01-01"], "unknown"),
        # Too young by one record and too old by the other: not now, but one of them may grow into it.
        ("min: 18, max: 75", ["2015-01-01", "1940-01-01"], "not_met"),
    ],
)
def test_age(answer: Answer, leaf: str, births: list[str], expected: str) -> None:
    assert answer(f"age: {{{leaf}}}", *(person(birth) for birth in births)) == expected


@pytest.mark.parametrize(
    ("birth", "day", "leaf", "expected"),
    [
        ("2008-02-29", date(2026, 2, 28), "min: 18", "not_met"),
        ("2008-02-29", date(2026, 3, 1), "min: 18", "met!"),
        ("2008-02-29", date(2028, 2, 29), "min: 20", "met!"),
        ("2026-01-31", date(2026, 2, 28), "min: 1, unit: months", "not_met"),
        ("2026-01-31", date(2026, 3, 1), "min: 1, unit: months", "met!"),
    ],
)
def test_age_on_days_that_a_month_lacks(answer: Answer, birth: str, day: date, leaf: str, expected: str) -> None:
    assert answer(f"age: {{{leaf}}}", person(birth), as_of=day) == expected


@pytest.mark.parametrize(
    ("sexes", "expected"),
    [
        (["female"], "met!"),
        (["male"], "not_met!"),
        (["other"], "not_met!"),
        (["female", "unknown"], "met!"),
        ([], "unknown"),
        ([None], "unknown"),
        (["unknown"], "unknown"),
        (["female", "male"], "unknown"),
    ],
)
def test_sex(answer: Answer, sexes: list[Any], expected: str) -> None:
    assert answer("sex: {any_of: [female]}", *(person(sex=sex) for sex in sexes)) == expected


@pytest.mark.parametrize(
    ("records", "alive"),
    [
        ([{"deceased": False}], "met"),
        ([{"deceased": True}], "not_met!"),
        ([{"deceased_date": "2026-05-01"}], "not_met!"),
        ([{"deceased": False}, {"deceased": True}], "not_met!"),
        ([{"deceased_date": "2026-07-01"}], "met"),
        ([{}], "unknown"),
        ([], "unknown"),
        ([{"deceased_date": "2026"}], "unknown"),
        ([{"deceased_date": "2026-06"}, {"deceased": False}], "unknown"),
    ],
)
def test_vital_status(answer: Answer, records: list[dict[str, Any]], alive: str) -> None:
    facts = [person(**record) for record in records]
    dead = {"met": "not_met", "not_met!": "met!"}.get(alive, alive)
    assert answer("vital_status: {status: alive}", *facts) == alive
    assert answer("vital_status: {status: deceased}", *facts) == dead


def lives(country: str | None = None, region: str | None = None, day: str | None = None) -> f.Location:
    return f.Location(evidence=HERE, effective=day, country=country, region=region)


@pytest.mark.parametrize(
    ("leaf", "places", "expected"),
    [
        ("countries: [DE, AT]", [lives("de")], "met"),
        ("countries: [DE]", [lives("US")], "not_met"),
        ("countries: [DE], regions: [BY]", [lives("DE", "by")], "met"),
        ("countries: [DE], regions: [BY]", [lives("DE", "HE")], "not_met"),
        ("countries: [DE], regions: [BY]", [lives("US")], "not_met"),
        ("countries: [DE]", [lives("DE", day="2020-01-01"), lives("US", day="2025-01-01")], "not_met"),
        ("countries: [DE]", [], "unknown"),
        ("countries: [DE]", [lives(region="BY")], "unknown"),
        ("countries: [DE], regions: [BY]", [lives("DE")], "unknown"),
        ("countries: [DE]", [lives("DE", day="2025"), lives("US", day="2025-03-01")], "unknown"),
        ("countries: [DE]", [lives("DE", day="2026-07-01")], "unknown"),
    ],
)
def test_location(answer: Answer, leaf: str, places: list[f.Location], expected: str) -> None:
    assert answer(f"location: {{{leaf}}}", *places) == expected


def decided(decision: Any, day: str | None = "2026-01-01", scope: Any = "research", **period: Any) -> f.Consent:
    return f.Consent(evidence=HERE, effective=day, decision=decision, scope=scope, **period)


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([decided("permit")], "met"),
        ([decided("deny")], "not_met"),
        ([decided("permit", "2025-01-01"), decided("deny", "2026-01-01")], "not_met"),
        ([decided("permit", period_end="2026-06-01")], "met"),
        ([decided("permit", period_start="2026-06")], "met"),
        ([decided("deny", period_end="2026-05-31"), decided("permit", "2025-01-01")], "met"),
        ([], "unknown"),
        ([decided("permit", scope="sharing")], "unknown"),
        ([decided("permit", "2026-06-02")], "unknown"),
        ([decided("permit", period_end="2026-05-31")], "unknown"),
        ([decided("permit", period_start="2026-06-02")], "unknown"),
        ([decided("permit"), decided("deny")], "unknown"),
        ([decided("permit"), decided("deny", None)], "unknown"),
    ],
)
def test_consent(answer: Answer, decisions: list[f.Consent], expected: str) -> None:
    assert answer("consent: {scope: research, decision: permit}", *decisions) == expected


def pregnant(status: Any, day: str | None = "2026-05-20") -> f.Pregnancy:
    return f.Pregnancy(evidence=HERE, effective=day, status=status)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([pregnant("not_pregnant")], "met"),
        ([pregnant("pregnant")], "not_met"),
        ([person(sex="male")], "met!"),
        ([person(sex="male"), pregnant("unknown")], "met!"),
        ([person(sex="male"), pregnant("pregnant")], "not_met"),
        ([], "unknown"),
        ([person(sex="female")], "unknown"),
        ([person(sex="male"), person(sex="other")], "unknown"),
        ([pregnant("unknown")], "unknown"),
        ([pregnant("not_pregnant", "2026-04-01")], "unknown"),
        ([pregnant("not_pregnant", None)], "unknown"),
        ([pregnant("not_pregnant"), pregnant("pregnant")], "unknown"),
        ([pregnant("not_pregnant", "2026-05-10"), pregnant("unknown")], "unknown"),
    ],
)
def test_pregnancy(answer: Answer, facts: list[Any], expected: str) -> None:
    assert answer("pregnancy: {within: 28 days}", *facts) == expected
