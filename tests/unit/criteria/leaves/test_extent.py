"""Stage and disease status: met, not met, and each way to be unknown."""

from collections.abc import Callable
from typing import Any

import pytest

from trialbridge.criteria import facts as f

Answer = Callable[..., str]
HERE = f.Evidence(resource="Observation/1")
ONCOTREE, SNOMED = "http://oncotree.mskcc.org", "http://snomed.info/sct"


def staged(day: str | None = "2026-01-01", **parts: Any) -> f.Stage:
    return f.Stage(evidence=HERE, effective=day, **parts)


def tumour(code: str, **more: Any) -> f.Diagnosis:
    return f.Diagnosis(evidence=HERE, codes=(f.Coding(system=ONCOTREE, code=code),), **more)


LUNG, HEAD, KIDNEY = tumour("LUAD"), tumour("HEAD_NECK"), tumour("KIDNEY")
LIVER = f.Coding(system=SNOMED, code="10200004")
SECONDARY = tumour("LUAD", primary=False)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("group: [III]", [staged(group="IIIA")], "met"),
        ("group: [IIIA]", [staged(group="Stage 3a")], "met"),
        ("group: [III]", [staged(group="II")], "not_met"),
        ("t: [T2]", [staged(t="cT2a")], "met"),
        ("t: [T2]", [staged(t="T3")], "not_met"),
        ("n: [N0]", [staged(n="pN0")], "met"),
        ("m: [M1]", [staged(m="M1b")], "met"),
        ("m: [M1]", [staged(m="M0")], "not_met"),
        ("group: [III], t: [T2]", [staged(group="IIIA", t="T2")], "met"),
        ("group: [III], t: [T2]", [staged(group="IIIA", t="T1")], "not_met"),
        ("group: [III]", [staged("2025-01-01", group="III"), staged(group="IV")], "not_met"),
        ("group: [IIIA]", [staged(group="III")], "unknown"),
        ("t: [T2a]", [staged(t="T2")], "unknown"),
        ("t: [T2]", [staged(t="TX")], "unknown"),
        ("group: [III]", [staged(group="extensive")], "unknown"),
        ("group: [III]", [], "unknown"),
        ("group: [III]", [staged(t="T2")], "unknown"),
        ("group: [III], t: [T2]", [staged(group="IIIA")], "unknown"),
        ("group: [III]", [staged(group="III"), staged(group="IV")], "unknown"),
        ("group: [III]", [staged(group="III"), staged(None, group="IV")], "unknown"),
    ],
)
def test_stage_by_its_words(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"stage: {{{leaf}}}", *facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([staged(metastatic=True)], "met!"),
        ([staged(m="M1a")], "met!"),
        ([staged(metastatic_sites=(LIVER,))], "met!"),
        ([SECONDARY], "met!"),
        ([f.DiseaseStatus(evidence=HERE, status="metastatic")], "met!"),
        ([staged("2024-01-01", m="M1"), staged(m="M0")], "met!"),
        ([LUNG, staged(group="IV")], "met!"),
        ([LUNG, staged(group="IVA")], "met!"),
        ([HEAD, staged(group="IVC")], "met!"),
        ([staged(metastatic=False)], "not_met"),
        ([staged(m="cM0")], "not_met"),
        ([staged(group="II")], "not_met"),
        ([LUNG, staged(group="IIIB")], "not_met"),
        # Stage IV without more is often local spread, where the tissue is not known or its IVA is local.
        ([staged(group="IV")], "unknown"),
        ([HEAD, staged(group="IV")], "unknown"),
        ([HEAD, staged(group="IVA")], "unknown"),
        ([KIDNEY, staged(group="IV")], "unknown"),
        ([LUNG, HEAD, staged(group="IV")], "unknown"),
        ([staged(group="III")], "unknown"),
        ([tumour("TESTIS"), staged(group="III")], "unknown"),
        ([staged(m="MX")], "unknown"),
        ([staged(t="T4")], "unknown"),
        ([], "unknown"),
        ([tumour("LUAD", primary=False, excluded=True)], "unknown"),
    ],
)
def test_metastatic_disease(answer: Answer, facts: list[Any], expected: str) -> None:
    opposite = {"met!": "not_met!", "not_met": "met", "unknown": "unknown"}[expected]
    assert answer("stage: {metastatic: true}", *facts) == expected
    assert answer("stage: {metastatic: false}", *facts) == opposite


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([staged(metastatic_sites=(LIVER,))], "met!"),
        ([staged(metastatic_sites=(f.Coding(text="Liver structure"),))], "met!"),
        ([f.Diagnosis(evidence=HERE, codes=(f.Coding(system=SNOMED, code="94381002"),), primary=False)], "met!"),
        ([staged(m="M0")], "not_met"),
        ([staged(metastatic_sites=(f.Coding(text="bone"),))], "unknown"),
        ([SECONDARY], "unknown"),
        ([staged(metastatic=True)], "unknown"),
        ([], "unknown"),
    ],
)
def test_sites_of_spread(answer: Answer, facts: list[Any], expected: str) -> None:
    assert answer("stage: {metastatic_sites: [liver]}", *facts) == expected


@pytest.mark.parametrize(
    ("asked", "recorded", "expected"),
    [
        ("none", ["none"], "met"),
        ("none", ["active"], "not_met"),
        ("active, treated", ["present"], "met"),
        ("present", ["treated"], "met"),
        ("none, treated", ["active"], "not_met"),
        ("none, treated", ["present"], "unknown"),
        ("none", [], "unknown"),
        ("none", [None], "unknown"),
        ("none", ["none", "treated"], "unknown"),
    ],
)
def test_brain_metastases(answer: Answer, asked: str, recorded: list[Any], expected: str) -> None:
    facts = [staged(cns_metastases=word) for word in recorded]
    assert answer(f"stage: {{cns_metastases: [{asked}]}}", *facts) == expected


def test_parts_of_a_stage_are_joined(answer: Answer) -> None:
    leaf = "stage: {metastatic: true, cns_metastases: [none]}"
    assert answer(leaf, staged(metastatic=True, cns_metastases="none")) == "met"
    assert answer(leaf, staged(metastatic=True, cns_metastases="active")) == "not_met"
    assert answer(leaf, staged(metastatic=False, cns_metastases="none")) == "not_met"
    assert answer("stage: {metastatic: false, cns_metastases: [none]}", SECONDARY) == "not_met!"


def status(word: str, day: str | None = "2026-05-20") -> f.DiseaseStatus:
    return f.DiseaseStatus(evidence=HERE, effective=day, status=word)


def given(**more: Any) -> f.Therapy:
    return f.Therapy(evidence=HERE, **more)


HISTORY = f.TherapyHistory(evidence=HERE, complete=True)


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("localized", [status("localized")], "met"),
        ("early_stage", [status("localized")], "met"),
        ("advanced", [status("locally_advanced")], "met"),
        ("locally_advanced", [status("localized")], "not_met"),
        ("advanced", [staged(m="M1")], "met!"),
        ("locally_advanced", [status("locally_advanced"), staged(m="M1")], "not_met!"),
        ("locally_advanced, metastatic", [status("advanced")], "met"),
        ("locally_advanced", [status("advanced")], "unknown"),
        ("localized", [status("localized"), status("advanced")], "unknown"),
        ("localized", [status("localized", None), status("advanced")], "unknown"),
        ("localized", [status("progressing")], "unknown"),
        ("localized", [], "unknown"),
        ("stable", [status("stable")], "met"),
        ("stable", [status("progressing")], "not_met"),
        ("stable", [status("stable", "2026-05-01"), status("progressing")], "not_met"),
        ("stable, progressing", [status("stable"), status("progressing")], "met"),
        ("stable", [status("stable"), status("progressing")], "unknown"),
        ("stable", [status("localized")], "unknown"),
        # An improvement may or may not be called a remission.
        ("remission", [status("remission")], "met"),
        ("remission", [status("responding")], "unknown"),
        ("progressing", [status("responding")], "not_met"),
        ("stable", [status("responding")], "not_met"),
        ("stable", [status("responding", "2026-05-01"), status("stable")], "met"),
        # A word that is an axis by itself can only be met.
        ("refractory", [status("refractory")], "met"),
        ("refractory", [status("remission")], "unknown"),
        ("unresectable", [], "unknown"),
        ("not_evaluable", [status("stable")], "unknown"),
        ("recurrent", [status("recurrent")], "met"),
        ("untreated", [HISTORY], "met"),
        ("untreated", [status("untreated")], "met"),
        ("untreated", [given(category="surgery"), HISTORY], "met"),
        ("untreated", [given(), HISTORY], "not_met!"),
        ("untreated", [given(given=False)], "unknown"),
        ("untreated", [], "unknown"),
        # What fails for good on one axis may still come true on another.
        ("early_stage, remission", [staged(m="M1"), status("stable")], "not_met"),
        ("early_stage, untreated", [staged(m="M1"), given()], "not_met!"),
        ("metastatic, remission", [staged(m="M1"), status("remission")], "met!"),
    ],
)
def test_disease_status(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"disease_status: {{any_of: [{leaf}]}}", *facts) == expected


@pytest.mark.parametrize(("day", "expected"), [("2026-05-20", "met"), ("2026-01-01", "unknown"), (None, "unknown")])
def test_disease_status_in_a_period(answer: Answer, day: str | None, expected: str) -> None:
    assert answer("disease_status: {any_of: [stable], within: 28 days}", status("stable", day)) == expected


BRAIN = f.Coding(system="http://hl7.org/fhir/sid/icd-10-cm", code="C79.31")


def in_brain(**more: Any) -> f.Diagnosis:
    return f.Diagnosis(evidence=HERE, codes=(BRAIN,), **{"primary": False, **more})


@pytest.mark.parametrize(
    ("asked", "facts", "expected"),
    [
        ("none", [in_brain()], "not_met"),
        ("none", [staged(metastatic_sites=(f.Coding(text="brain"),))], "not_met"),
        ("present", [in_brain()], "met"),
        ("none, present", [in_brain()], "met"),
        ("treated", [in_brain()], "unknown"),
        # The newest record decides; where it is not certain which one that is, they must agree.
        ("none", [staged("2025-01-01", cns_metastases="none"), in_brain(effective="2026-01-01")], "not_met"),
        ("none", [staged("2026-01-01", cns_metastases="none"), in_brain(effective="2025-01-01")], "met"),
        ("none", [staged("2026-01-01", cns_metastases="none"), in_brain()], "unknown"),
        (
            "treated",
            [staged("2026-01-01", cns_metastases="treated"), in_brain(effective="2025-01-01")],
            "met",
        ),
        # What a staging says of the state itself comes before its sites; a refuted or primary tumour is no metastasis.
        ("treated", [staged(cns_metastases="treated", metastatic_sites=(BRAIN,))], "met"),
        ("none", [in_brain(excluded=True)], "unknown"),
        ("none", [in_brain(primary=True)], "unknown"),
    ],
)
def test_a_metastasis_in_the_brain_is_one_of_the_nervous_system(
    answer: Answer, asked: str, facts: list[Any], expected: str
) -> None:
    assert answer(f"stage: {{cns_metastases: [{asked}]}}", *facts) == expected
