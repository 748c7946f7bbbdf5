"""Earlier treatment: met, not met, and each way to be unknown."""

from collections.abc import Callable
from typing import Any

import pytest

from trialbridge.criteria import facts as f

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
