"""Earlier treatment: met, not met, and each way to be unknown."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from trialbridge.criteria import facts as f
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate, next_flip
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.terminology import drugs

Answer = Callable[..., str]
HERE = f.Evidence(resource="MedicationStatement/1")
ALL = f.TherapyHistory(evidence=HERE, complete=True)
LONG, RECENT = "2025-01-10", "2026-05-20"


def given(*drugs: str, **more: Any) -> f.Therapy:
    return f.Therapy(evidence=HERE, drugs=drugs, **more)


def never(*drugs: str, **more: Any) -> f.Therapy:
    return given(*drugs, given=False, **more)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("drugs: [pembrolizumab]", [given("Keytruda")], "met!"),
        ("classes: [checkpoint inhibitor]", [given("cisplatin", "pembrolizumab")], "met!"),
        ("categories: [radiation]", [given(category="radiation")], "met!"),
        ("intents: [adjuvant]", [given("cisplatin", intent="adjuvant")], "met!"),
        ("outcomes: [pd]", [given("cisplatin", outcome="pd")], "met!"),
        ("stop_reasons: [toxicity]", [given("cisplatin", stop_reason="Toxicity")], "met!"),
        ("drugs: [mystery-101]", [given("Mystery-101")], "met!"),
        # Not given, where the history is complete.
        ("drugs: [pembrolizumab]", [ALL], "not_met"),
        ("drugs: [pembrolizumab]", [given("cisplatin"), ALL], "not_met"),
        ("drugs: [pembrolizumab]", [given(category="radiation"), ALL], "not_met"),
        ("classes: [platinum]", [given("pembrolizumab"), ALL], "not_met"),
        ("drugs: [cisplatin], intents: [adjuvant]", [given("cisplatin", intent="palliative"), ALL], "not_met"),
        ("drugs: [cisplatin]", [given("cisplatin", start="2026-06-02"), ALL], "not_met"),
        # Or where all that is asked for is stated not to have been given.
        ("drugs: [pembrolizumab]", [never("keytruda")], "not_met"),
        ("drugs: [pembrolizumab, cisplatin]", [never("pembrolizumab"), never("cisplatin")], "not_met"),
        ("categories: [radiation]", [never(category="radiation")], "not_met"),
        ("drugs: [cisplatin], intents: [adjuvant]", [never("cisplatin", intent="adjuvant")], "not_met"),
        ("classes: [checkpoint inhibitor]", [never("pembrolizumab")], "unknown"),
        ("categories: [systemic]", [never("pembrolizumab")], "unknown"),
        ("drugs: [pembrolizumab, cisplatin]", [never("pembrolizumab")], "unknown"),
        ("drugs: [pembrolizumab]", [never("pembrolizumab", "cisplatin")], "unknown"),
        ("drugs: [pembrolizumab]", [never("pembrolizumab", intent="adjuvant")], "unknown"),
        ("drugs: [pembrolizumab]", [never("cisplatin")], "unknown"),
        # The list is not known to be complete, or what was given is not known in full.
        ("drugs: [pembrolizumab]", [], "unknown"),
        ("drugs: [pembrolizumab]", [given("cisplatin")], "unknown"),
        ("drugs: [pembrolizumab]", [f.TherapyHistory(evidence=HERE, complete=False)], "unknown"),
        ("drugs: [pembrolizumab]", [given(), ALL], "unknown"),
        ("classes: [platinum]", [given(), ALL], "unknown"),
        ("classes: [platinum]", [given("mystery-101"), ALL], "unknown"),
        ("intents: [adjuvant]", [given("cisplatin"), ALL], "unknown"),
        ("outcomes: [pd]", [given("cisplatin"), ALL], "unknown"),
        ("stop_reasons: [toxicity]", [given("cisplatin", stop_reason="moved away"), ALL], "unknown"),
        ("drugs: [cisplatin], outcomes: [pd]", [given("cisplatin", outcome="cr"), given("cisplatin"), ALL], "unknown"),
    ],
)
def test_what_was_given(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"prior_therapy: {{{leaf}}}", *facts) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"start": RECENT}, "met"),
        ({"start": LONG, "end": RECENT}, "met"),
        ({"start": LONG, "ongoing": True}, "met"),
        ({"effective": RECENT}, "met"),
        ({"start": LONG, "end": "2026-05-04"}, "met"),
        ({"start": RECENT, "end": "2026"}, "met"),
        ({"start": LONG, "end": "2026-05-03"}, "not_met"),
        ({"start": LONG, "end": "2026-05"}, "unknown"),
        ({"start": "2026-05"}, "unknown"),
        ({"start": LONG}, "unknown"),
        ({"start": LONG, "end": "unclear"}, "unknown"),
        ({}, "unknown"),
        # Over, but no record says since when.
        ({"start": LONG, "ongoing": False}, "unknown"),
    ],
)
def test_a_treatment_in_the_last_weeks(answer: Answer, when: dict[str, Any], expected: str) -> None:
    leaf = "prior_therapy: {categories: [systemic], within: 28 days}"
    assert answer(leaf, given("cisplatin", **when), ALL) == expected


OSIMERTINIB, PEMBROLIZUMAB = 48, 528
"""Half-lives in hours: five of them are 10 and 110 days, counted back from the first of June."""


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("drugs: [osimertinib]", [given("Tagrisso", end="2026-05-22"), ALL], "met"),
        ("drugs: [osimertinib]", [given("Tagrisso", end="2026-05-21"), ALL], "not_met"),
        ("drugs: [osimertinib]", [given("Tagrisso", start=LONG, ongoing=True), ALL], "met"),
        ("classes: [checkpoint inhibitor]", [given("pembrolizumab", end="2026-02-11"), ALL], "met"),
        ("classes: [checkpoint inhibitor]", [given("pembrolizumab", end="2026-02-10"), ALL], "not_met"),
        # Only the drug that is asked for counts, not the longest-lived one of the regimen.
        ("drugs: [osimertinib]", [given("osimertinib", "pembrolizumab", end="2026-05-01"), ALL], "not_met"),
        ("classes: [egfr inhibitor]", [given("osimertinib", "pembrolizumab", end="2026-05-01"), ALL], "not_met"),
        ("categories: [systemic]", [given("osimertinib", "pembrolizumab", end="2026-05-01"), ALL], "met"),
        # What is no drug is never in the body; what is not named may be.
        ("categories: [radiation]", [given(category="radiation", end="2026-05-31"), ALL], "not_met"),
        ("categories: [systemic]", [given(end="2026-05-31"), ALL], "unknown"),
        ("categories: [systemic]", [given(ongoing=True), ALL], "met"),
        # No table has the half-life, the end is not known, or it straddles the bound.
        ("drugs: [wonderumab]", [given("wonderumab", end="2020-01-01"), ALL], "unknown"),
        ("drugs: [wonderumab]", [given("wonderumab", ongoing=True), ALL], "met"),
        ("drugs: [osimertinib]", [given("osimertinib", start=LONG), ALL], "unknown"),
        ("drugs: [osimertinib]", [given("osimertinib", end="2026-05"), ALL], "unknown"),
        ("drugs: [osimertinib]", [given("osimertinib", end="2026-05-21")], "unknown"),
        ("classes: [egfr inhibitor]", [given("wonderumab", end="2026-05-31"), ALL], "unknown"),
        # Four weeks or five half-lives, whichever is shorter, hold together for one treatment.
        (
            "within: 28 days",
            [given("pembrolizumab", end="2026-04-01"), given("osimertinib", end="2026-05-10"), ALL],
            "not_met",
        ),
        ("within: 28 days", [given("pembrolizumab", end="2026-05-10"), ALL], "met"),
        ("drugs: [osimertinib]", [never("osimertinib")], "not_met"),
        ("min_lines: 1", [given("osimertinib", end="2026-05-22", line=1)], "met"),
        ("max_lines: 0", [given("osimertinib", end="2026-05-21", line=1), ALL], "met"),
    ],
)
def test_a_treatment_in_the_last_half_lives(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert [drugs.half_life(name) for name in ("osimertinib", "pembrolizumab")] == [OSIMERTINIB, PEMBROLIZUMAB]
    assert answer(f"prior_therapy: {{{leaf}, within_half_lives: 5}}", *facts) == expected


def test_a_half_life_that_no_table_has_is_said_with_how_to_mend_it() -> None:
    text = "id: T\ncriteria: {prior_therapy: {classes: [chemotherapy], within_half_lives: 5}}\n"
    found = evaluate(
        load(compile_text(text).definition), FactIndex([given("lomustine", end=LONG), ALL]), date(2026, 6, 1), "p"
    )
    assert "no table has the half-life of lomustine" in found[0].criteria[0].reason
    assert "terminology import half-lives" in found[0].missing[0].settle


@pytest.mark.parametrize(("end", "turns"), [("2026-05-30", date(2026, 6, 10)), ("2026-05-01", None)])
def test_a_treatment_leaves_the_last_half_lives_on_its_day(end: str, turns: date | None) -> None:
    plan = load(
        compile_text("id: T\ncriteria: {prior_therapy: {drugs: [osimertinib], within_half_lives: 5}}\n").definition
    )
    assert next_flip(plan, FactIndex([given("osimertinib", end=end), ALL]), date(2026, 6, 1)) == turns


LINES = f.TherapyHistory(evidence=HERE, complete=True, lines=2)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("min_lines: 2", [given("cisplatin", line=1), given("nivolumab", line=2)], "met!"),
        ("min_lines: 2", [given("nivolumab", line=2)], "met!"),
        ("min_lines: 1", [given("cisplatin")], "met!"),
        ("min_lines: 2", [LINES], "met!"),
        ("max_lines: 1", [given("nivolumab", line=2)], "not_met!"),
        ("max_lines: 1", [LINES], "not_met!"),
        ("max_lines: 2", [LINES], "met"),
        ("max_lines: 0", [ALL], "met"),
        ("min_lines: 1", [ALL], "not_met"),
        ("max_lines: 1", [given("cisplatin", line=1), given("nivolumab", line=1), ALL], "met"),
        ("min_lines: 1, max_lines: 2", [given("cisplatin", line=1), ALL], "met"),
        ("max_lines: 0", [given(category="surgery"), ALL], "met"),
        ("classes: [platinum], max_lines: 1", [given("cisplatin", line=1), given("nivolumab", line=2), ALL], "met"),
        ("classes: [platinum], min_lines: 2", [given("cisplatin", line=1), given("nivolumab", line=2), ALL], "not_met"),
        ("max_lines: 0, within: 28 days", [given("cisplatin", start=RECENT)], "not_met"),
        ("min_lines: 1, within: 28 days", [given("cisplatin", start=RECENT)], "met"),
        ("min_lines: 1", [], "unknown"),
        ("max_lines: 1", [given("cisplatin", line=1)], "unknown"),
        ("min_lines: 2", [given("cisplatin"), given("nivolumab"), ALL], "unknown"),
        ("max_lines: 1", [given("cisplatin"), given("nivolumab"), ALL], "unknown"),
        ("classes: [platinum], max_lines: 0", [given("mystery-101", line=1), ALL], "unknown"),
        ("intents: [adjuvant], max_lines: 0", [given("cisplatin", line=2), given("nivolumab", line=2), ALL], "unknown"),
        ("intents: [adjuvant], max_lines: 1", [given("cisplatin", line=2), given("nivolumab", line=2), ALL], "met"),
    ],
)
def test_number_of_lines(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"prior_therapy: {{{leaf}}}", *facts) == expected
