"""Diagnosis and histology: met, not met, and each way to be unknown."""

from collections.abc import Callable
from typing import Any

import pytest

from trialbridge.criteria import facts as f

Answer = Callable[..., str]
HERE = f.Evidence(resource="Condition/1")
SYSTEMS = {
    "o": "http://oncotree.mskcc.org",
    "i": "http://hl7.org/fhir/sid/icd-10-cm",
    "s": "http://snomed.info/sct",
    "m": "http://terminology.hl7.org/CodeSystem/icd-o-3",
}


def coded(word: str) -> f.Coding:
    """Return the coding of ``o:LUAD`` (system and code), or of a text alone."""
    system, _, code = word.partition(":")
    return f.Coding(system=SYSTEMS[system], code=code) if code else f.Coding(text=word)


def tumour(codes: str, shapes: str = "", **more: Any) -> f.Diagnosis:
    return f.Diagnosis(
        evidence=HERE,
        codes=tuple(map(coded, codes.split(", "))),
        morphology=tuple(map(coded, shapes.split(", "))) if shapes else (),
        **more,
    )


@pytest.mark.parametrize(
    ("leaf", "codes", "expected"),
    [
        ("oncotree: [LUAD]", "o:LUAD", "met!"),
        ("oncotree: [NSCLC]", "o:LUAD", "met!"),
        ("oncotree: [LUAD]", "Lung Adenocarcinoma", "met!"),
        ("oncotree: [LUAD]", "s:254626006", "met!"),
        ("oncotree: [LUAD]", "m:8140/3, m:C34.1", "met!"),
        ("oncotree: [_SOLID_]", "i:C50.9", "met!"),
        ("oncotree: [_LIQUID_]", "i:C50.9", "not_met!"),
        ("oncotree: [LUAD]", "o:LUSC", "not_met!"),
        ("oncotree: [LUAD]", "i:C50.9", "not_met!"),
        ("icd10: [C34]", "i:C34.1", "met!"),
        ("icd10: [C34.1]", "i:C341", "met!"),
        ("icd10: [C34]", "i:C50.9", "not_met!"),
        ("snomed: ['254626006']", "s:254626006", "met!"),
        ("icdo3: [8140/3]", "m:8140/3", "met!"),
        # A list takes any of it.
        ("oncotree: [BRCA, LUAD]", "o:LUAD", "met!"),
        # Less specific than what is asked for.
        ("oncotree: [LUAD]", "i:C34.1", "unknown"),
        ("oncotree: [LUAD]", "o:NSCLC", "unknown"),
        # Of other systems, only the very code can tell where it lies on the same line.
        ("icd10: [C34]", "o:LUAD", "unknown"),
        ("snomed: ['999999999']", "o:LUAD", "unknown"),
        # Not recognised.
        ("oncotree: [LUAD]", "o:NOSUCH", "unknown"),
        ("oncotree: [LUAD]", "a tumour", "unknown"),
        ("oncotree: [LUAD]", "i:D48.9", "unknown"),
        # The term itself, and nothing below.
        ("oncotree: [LUNG], descendants: false", "o:LUNG", "met!"),
        ("oncotree: [LUNG], descendants: false", "o:LUAD", "not_met!"),
        ("oncotree: [LUAD], descendants: false", "o:NSCLC", "unknown"),
        ("oncotree: [LUNG, LUAD], descendants: false", "o:NSCLC", "unknown"),
        ("oncotree: [LUNG], snomed: ['254626006'], descendants: false", "o:LUAD", "unknown"),
        # A code for one of two tissues is not both of them; another coding may say which.
        ("oncotree: [LIVER]", "i:C22", "unknown"),
        ("oncotree: [LIVER]", "i:C22, o:HCC", "met!"),
        ("oncotree: [BILIARY_TRACT]", "i:C22, o:HCC", "not_met!"),
        ("oncotree: [LUNG]", "i:C22", "not_met!"),
        ("oncotree: [_SOLID_]", "i:C22", "met!"),
    ],
)
def test_diagnosis(answer: Answer, leaf: str, codes: str, expected: str) -> None:
    assert answer(f"diagnosis: {{{leaf}}}", tumour(codes)) == expected


def test_diagnosis_by_several_records(answer: Answer) -> None:
    leaf = "diagnosis: {oncotree: [LUAD]}"
    assert answer(leaf) == "unknown"
    assert answer(leaf, tumour("o:LUAD", primary=False)) == "unknown"
    assert answer(leaf, tumour("o:BRCA"), tumour("o:LUAD")) == "met!"
    assert answer(leaf, tumour("o:BRCA"), tumour("a tumour")) == "unknown"
    assert answer(leaf, tumour("o:LUAD", effective="2026-06-02")) == "unknown"
    assert answer(leaf, tumour("o:LUAD", excluded=True)) == "not_met!"
    assert answer(leaf, tumour("o:LUNG", excluded=True)) == "not_met!"
    assert answer(leaf, tumour("o:BRCA", excluded=True)) == "unknown"
    assert answer("diagnosis: {oncotree: [_SOLID_]}", tumour("o:LUAD", excluded=True)) == "unknown"


@pytest.mark.parametrize(
    ("leaf", "shapes", "expected"),
    [
        ("icdo3: [8140/3]", "m:8140/3", "met!"),
        ("snomed: ['35917007']", "s:35917007", "met!"),
        ("names: [ADENOCARCINOMA]", "Adenocarcinoma, NOS", "met!"),
        ("icdo3: [8140/3]", "m:8070/3, m:8140/3", "met!"),
        ("icdo3: [8140/3]", "m:8070/3", "not_met!"),
        ("icdo3: [8140/3], snomed: ['35917007']", "m:8070/3, s:28899001", "not_met!"),
        # Another code system, other words, or a code of one of the two systems cannot say that it is not so.
        ("icdo3: [8140/3]", "s:28899001", "unknown"),
        ("icdo3: [8140/3], snomed: ['35917007']", "m:8070/3", "unknown"),
        ("icdo3: [8140/3], names: [adenocarcinoma]", "m:8070/3", "unknown"),
        ("names: [adenocarcinoma]", "Squamous cell carcinoma", "unknown"),
        ("icdo3: [8140/3]", "Squamous cell carcinoma", "unknown"),
        ("icdo3: [8140/3]", "m:8070/3, Squamous cell carcinoma", "unknown"),
        ("icdo3: [8140/3]", "", "unknown"),
    ],
)
def test_histology(answer: Answer, leaf: str, shapes: str, expected: str) -> None:
    assert answer(f"histology: {{{leaf}}}", tumour("o:LUAD", shapes)) == expected


def test_histology_of_what_is_no_primary_tumour_or_was_refuted(answer: Answer) -> None:
    leaf = "histology: {icdo3: [8140/3]}"
    assert answer(leaf) == "unknown"
    assert answer(leaf, tumour("o:LUAD", "m:8140/3", primary=False)) == "unknown"
    assert answer(leaf, tumour("o:LUAD", "m:8140/3", excluded=True)) == "unknown"
    without_code = f.Diagnosis(
        evidence=HERE, codes=(coded("o:LUAD"),), morphology=(f.Coding(system=SYSTEMS["m"], text="unclear"),)
    )
    assert answer(leaf, without_code) == "unknown"


@pytest.mark.parametrize(
    ("leaf", "statuses", "expected"),
    [
        ("oncotree: [LUAD]", ["resolved"], "not_met!"),
        ("oncotree: [_SOLID_]", ["resolved"], "not_met!"),
        ("oncotree: [BRCA]", ["resolved"], "not_met!"),
        ("icd10: [C34]", ["resolved", "resolved"], "not_met!"),
        ("oncotree: [LUAD]", ["resolved", "active"], "met!"),
        ("oncotree: [LUAD]", ["resolved", None], "met!"),
        ("oncotree: [LUAD]", ["remission"], "met!"),
        ("oncotree: [LUAD]", ["inactive"], "met!"),
        ("oncotree: [LUAD]", ["relapse"], "met!"),
    ],
)
def test_a_resolved_diagnosis_is_of_the_past(
    answer: Answer, leaf: str, statuses: list[str | None], expected: str
) -> None:
    known = [tumour("o:LUAD", "m:8140/3", status=status) for status in statuses]
    assert answer(f"diagnosis: {{{leaf}}}", *known) == expected
    shaped = "unknown" if set(statuses) == {"resolved"} else "met!"
    assert answer("histology: {icdo3: [8140/3]}", *known) == shaped
    # Whoever excludes a disease takes those who had it.
    turned = {"not_met!": "met!", "met!": "not_met!"}[expected]
    assert answer(f"not: {{diagnosis: {{{leaf}}}}}", *known) == turned


def test_a_past_tumour_does_not_hide_the_present_one(answer: Answer) -> None:
    known = (tumour("o:LUAD", status="resolved"), tumour("o:BRCA"))
    assert answer("diagnosis: {oncotree: [BRCA]}", *known) == "met!"
    assert answer("diagnosis: {oncotree: [LUAD]}", *known) == "not_met!"
    assert answer("diagnosis: {oncotree: [LUAD]}", known[0], tumour("some growth")) == "unknown"
    assert answer("diagnosis: {oncotree: [LUAD]}", known[0], tumour("o:BRCA", excluded=True)) == "not_met!"
