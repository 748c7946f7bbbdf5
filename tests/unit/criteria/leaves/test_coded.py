"""Comorbidities, medication, procedures, allergies: met, not met (where it can be), and each way to be unknown."""

from collections.abc import Callable
from typing import Any

import pytest

from trialbridge.criteria import facts as f

Answer = Callable[..., str]
HERE = f.Evidence(resource="Condition/1")
ICD10, SNOMED, RXNORM = (
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://snomed.info/sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
)


def codes(*words: str) -> tuple[f.Coding, ...]:
    """Return codings: ``I10`` of ICD-10, digits of SNOMED CT, ``rx1`` of RxNorm, other words as text."""
    found = []
    for word in words:
        if word.isdigit():
            found.append(f.Coding(system=SNOMED, code=word))
        elif word.startswith("rx"):
            found.append(f.Coding(system=RXNORM, code=word[2:]))
        elif word[1:3].isdigit():
            found.append(f.Coding(system=ICD10, code=word))
        else:
            found.append(f.Coding(text=word))
    return tuple(found)


def sick(*words: str, day: str | None = "2026-05-20", **more: Any) -> f.Condition:
    return f.Condition(evidence=HERE, effective=day, codes=codes(*words), **more)


def well(*words: str) -> f.Condition:
    return sick(*words, present=False)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("names: [diabetes]", [sick("E11.9")], "met"),
        ("names: [diabetes mellitus]", [sick("44054006")], "met"),
        ("names: [diabetes]", [sick("Diabetes Mellitus")], "met"),
        ("names: [ankle sprain]", [sick("Ankle sprain")], "met"),
        ("icd10: [E11]", [sick("E112")], "met"),
        ("snomed: ['38341003']", [sick("38341003")], "met"),
        ("names: [stroke, diabetes]", [sick("I63.9")], "met"),
        ("names: [diabetes], active: true", [sick("E11.9", active=True)], "met"),
        ("names: [diabetes], active: true", [sick("E11.9", active=False)], "not_met"),
        ("names: [diabetes], within: 28 days", [sick("E11.9")], "met"),
        ("names: [diabetes]", [well("diabetes")], "not_met"),
        ("names: [diabetes]", [well("73211009")], "not_met"),
        ("icd10: [E11.9]", [well("E11")], "not_met"),
        ("snomed: ['38341003']", [well("38341003")], "not_met"),
        ("names: [diabetes, stroke]", [well("diabetes"), well("stroke")], "not_met"),
        ("names: [diabetes]", [well("diabetes"), sick("E11.9")], "met"),
        ("names: [diabetes]", [], "unknown"),
        ("names: [diabetes]", [sick("I10")], "unknown"),
        ("names: [diabetes], active: true", [sick("E11.9")], "unknown"),
        # Recorded at another time, or at a time that is not certain.
        ("names: [stroke], within: 28 days", [sick("I63.9", day="2020-01-01")], "unknown"),
        ("names: [stroke], within: 28 days", [sick("I63.9", day=None)], "unknown"),
        ("names: [stroke], within: 28 days", [sick("I63.9", day="2026-05")], "unknown"),
        ("names: [stroke], active: false, within: 28 days", [sick("I63.9", day=None, active=True)], "unknown"),
        # What is stated to be absent is less than what is asked for.
        ("names: [diabetes]", [well("E11")], "unknown"),
        ("names: [diabetes]", [well("44054006")], "unknown"),
        ("icd10: [E11]", [well("E11.9")], "unknown"),
        ("names: [diabetes, stroke]", [well("diabetes")], "unknown"),
    ],
)
def test_condition(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"condition: {{{leaf}}}", *facts) == expected


def taken(*words: str, names: tuple[str, ...] = (), active: bool | None = None) -> f.Medication:
    return f.Medication(evidence=HERE, names=names, codes=codes(*words), active=active)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("names: [warfarin]", [taken(names=("Warfarin",))], "met"),
        ("names: [warfarin]", [taken("Warfarin")], "met"),
        ("codes: ['11289']", [taken("rx11289")], "met"),
        ("names: [warfarin], active: true", [taken(names=("warfarin",), active=True)], "met"),
        ("names: [warfarin], active: true", [taken(names=("warfarin",), active=False)], "not_met"),
        ("names: [warfarin]", [], "unknown"),
        ("names: [warfarin]", [taken(names=("aspirin",))], "unknown"),
        ("names: [warfarin], active: true", [taken(names=("warfarin",))], "unknown"),
    ],
)
def test_medication(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"medication: {{{leaf}}}", *facts) == expected


@pytest.mark.parametrize(
    ("day", "expected"), [("2026-05-20", "met"), ("2026-05-03", "unknown"), ("2026-05", "unknown"), (None, "unknown")]
)
def test_procedure(answer: Answer, day: str | None, expected: str) -> None:
    done = f.Procedure(evidence=HERE, effective=day, codes=codes("80146002"))
    assert answer("procedure: {snomed: ['80146002'], within: 28 days}", done) == expected
    assert answer("procedure: {snomed: ['80146002']}", done) == "met"
    assert answer("procedure: {snomed: ['80146009']}", done) == "unknown"
    assert answer("procedure: {snomed: ['80146002']}") == "unknown"


def allergic(*words: str, present: bool = True) -> f.Allergy:
    return f.Allergy(evidence=HERE, codes=codes(*words), present=present)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("names: [penicillin]", [allergic("Penicillin")], "met"),
        ("codes: ['7980']", [allergic("rx7980")], "met"),
        ("names: [penicillin]", [allergic("penicillin", present=False)], "not_met"),
        ("codes: ['7980']", [allergic("rx7980", present=False)], "not_met"),
        ("names: [penicillin]", [], "unknown"),
        ("names: [penicillin]", [allergic("latex")], "unknown"),
        ("names: [penicillin]", [allergic("latex", present=False)], "unknown"),
        ("names: [penicillin, latex]", [allergic("latex", present=False)], "unknown"),
    ],
)
def test_allergy(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"allergy: {{{leaf}}}", *facts) == expected
