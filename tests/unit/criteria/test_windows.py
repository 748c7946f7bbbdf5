"""Windows of time, which results count, sites of spread, assays, tiers and reasons to stop."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from trialbridge.criteria import facts as f
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import next_flip
from trialbridge.criteria.known import FactIndex

Judge = Callable[..., str]
EVIDENCE = f.Evidence(resource="Observation/1")
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
HISTORY = f.TherapyHistory(evidence=EVIDENCE, complete=True)


def therapy(**fields: Any) -> f.Therapy:
    return f.Therapy(evidence=EVIDENCE, **{"drugs": ("cisplatin",), **fields})


@pytest.mark.parametrize(
    ("window", "fields", "verdict"),
    [
        ("before: 28 days", {"start": "2026-01-01", "end": "2026-05-03"}, "met"),
        ("before: 28 days", {"start": "2026-01-01", "end": "2026-05-04"}, "not_met"),
        ("before: {days: 28}", {"start": "2026-01-01", "end": "2026-05"}, "unknown"),
        ("before: 28 days", {"start": "2026-01-01", "ongoing": True}, "not_met"),
        ("before: 28 days", {"start": "2026-01-01"}, "unknown"),
        ("before: 28 days", {"start": "2026-05-20"}, "not_met"),
        ("before: 2026-05-04", {"start": "2026-01-01", "end": "2026-05-03"}, "met"),
        ("after: 2026-05-04", {"start": "2026-01-01", "end": "2026-05-03"}, "not_met"),
        ("after: 2026-05-03", {"start": "2026-01-01", "end": "2026-05-03"}, "met"),
        ("after: 2026-05-03", {"start": "2026-01-01"}, "unknown"),
        ("after: 28 days", {"start": "2026-01-01", "end": "2026-05-04"}, "met"),
        ("after: 2026-01-01, before: 2026-03-01", {"start": "2026-01-15", "end": "2026-02-15"}, "met"),
        ("after: 2026-01-01, before: 2026-03-01", {"start": "2025-01-15", "end": "2025-02-15"}, "not_met"),
        ("stop_reasons: [toxicity]", {"stop_reason": "Toxicity"}, "met"),
        ("stop_reasons: [toxicity]", {"stop_reason": "progression"}, "not_met"),
        ("stop_reasons: [patient choice]", {"stop_reason": "patient_choice"}, "met"),
        ("stop_reasons: [toxicity]", {"stop_reason": "moved abroad"}, "unknown"),
        ("stop_reasons: [toxicity]", {}, "unknown"),
    ],
)
def test_earlier_treatment_in_its_windows(judge: Judge, window: str, fields: dict[str, Any], verdict: str) -> None:
    leaf = f"{{prior_therapy: {{drugs: [cisplatin], {window}}}}}"
    assert judge(leaf, therapy(**fields), HISTORY) == verdict
    assert judge(leaf) == "unknown"
    assert judge(leaf, HISTORY) == "not_met"


@pytest.mark.parametrize(
    ("window", "day", "verdict"),
    [
        ("after: 2026-01-01", "2026-01-01", "met"),
        ("after: 2026-01-01", "2025-12-31", "unknown"),
        ("before: 6 months", "2025-11-30", "met"),
        ("before: 6 months", "2025-12-01", "unknown"),
        ("before: 6 months", None, "unknown"),
    ],
)
def test_a_procedure_outside_of_its_windows_may_have_been_done_again(
    judge: Judge, window: str, day: str | None, verdict: str
) -> None:
    done = f.Procedure(evidence=EVIDENCE, effective=day, codes=(f.Coding(text="Splenectomy"),))
    assert judge(f"{{procedure: {{names: [splenectomy], {window}}}}}", done) == verdict


def test_a_condition_before_a_day(judge: Judge) -> None:
    def infarction(day: str) -> f.Condition:
        return f.Condition(evidence=EVIDENCE, effective=day, codes=(f.Coding(system=ICD10, code="I21.9"),))

    leaf = "{condition: {names: [myocardial infarction], before: 6 months}}"
    assert judge(leaf, infarction("2025-06-01")) == "met"
    assert judge(leaf, infarction("2026-05-01")) == "unknown"
    assert judge(leaf, infarction("2025")) == "unknown"


def test_a_washout_ends_by_date_alone() -> None:
    plan = load(compile_text("id: T\ncriteria: {prior_therapy: {drugs: [cisplatin], before: 28 days}}").definition)
    facts = FactIndex([therapy(start="2026-01-01", end="2026-05-20")])
    assert next_flip(plan, facts, date(2026, 6, 1)) == date(2026, 6, 18)


def lab(value: str, day: str | None) -> f.Lab:
    return f.Lab(evidence=EVIDENCE, effective=day, loinc="718-7", value=Decimal(value), unit="g/dL")


@pytest.mark.parametrize(
    ("results", "newest", "ever"),
    [
        ([("8", "2026-05-01"), ("11", "2026-05-20")], "not_met", "met"),
        ([("11", "2026-05-20")], "not_met", "not_met"),
        ([("8", None), ("11", "2026-05-20")], "unknown", "unknown"),
        ([("11", None)], "unknown", "unknown"),
        ([("8", "2020-01-01"), ("11", "2026-05-20")], "not_met", "not_met"),
        ([("8", "2020-01-01")], "unknown", "unknown"),
        ([], "unknown", "unknown"),
    ],
)
def test_the_newest_result_or_any_one(
    judge: Judge, results: list[tuple[str, str | None]], newest: str, ever: str
) -> None:
    facts = [lab(value, day) for value, day in results]
    leaf = "{lab: {test: hemoglobin, below: 9, unit: g/dL, within: 60 days%s}}"
    assert judge(leaf % "", *facts) == newest
    assert judge(leaf % ", pick: ever", *facts) == ever


def test_ever_positive_ever_high_ever_frail(judge: Judge) -> None:
    def her2(status: Any, day: str) -> f.Marker:
        return f.Marker(evidence=EVIDENCE, marker="HER2", status=status, effective=day)

    assert (
        judge(
            "{expression: {marker: HER2, any_of: [positive]}}", her2("positive", "2024"), her2("negative", "2026-01-01")
        )
        == "not_met"
    )
    assert (
        judge(
            "{expression: {marker: HER2, any_of: [positive], pick: ever}}",
            her2("positive", "2024"),
            her2("negative", "2026-01-01"),
        )
        == "met"
    )
    frail = [
        f.Performance(evidence=EVIDENCE, scale="ecog", value=v, effective=d) for v, d in ((3, "2025"), (1, "2026"))
    ]
    assert judge("{performance: {min: 3}}", *frail) == "not_met"
    assert judge("{performance: {min: 3, pick: ever}}", *frail) == "met"
    pulse = f.Vital(evidence=EVIDENCE, loinc="8867-4", value=Decimal(50), unit="/min", effective="2026-01-01")
    assert judge("{vital: {loinc: 8867-4, max: 55, unit: /min, pick: ever}}", pulse) == "met"


@pytest.mark.parametrize(
    ("assay", "verdict"), [("FoundationOne CDx", "met"), ("Guardant360", "unknown"), (None, "unknown")]
)
def test_a_signature_by_an_assay(judge: Judge, assay: str | None, verdict: str) -> None:
    fact = f.Signature(evidence=EVIDENCE, name="tmb", value=Decimal(12), unit="1/1000000{Base}", assay=assay)
    assert judge("{signature: {name: tmb, min: 10, assays: [foundationone]}}", fact) == verdict


@pytest.mark.parametrize(
    ("method", "verdict"), [("IHC, clone 22C3", "not_met"), ("SP263", "unknown"), (None, "unknown")]
)
def test_a_marker_by_a_method(judge: Judge, method: str | None, verdict: str) -> None:
    fact = f.Marker(evidence=EVIDENCE, marker="PD-L1", score=Decimal(20), score_kind="tps", method=method)
    assert judge("{expression: {marker: PD-L1, score: tps, min: 50, methods: [22c3]}}", fact) == verdict


def spread(*codings: f.Coding, **fields: Any) -> f.Stage:
    return f.Stage(evidence=EVIDENCE, effective="2026-01-01", metastatic_sites=codings, **fields)


def secondary(code: str) -> f.Diagnosis:
    return f.Diagnosis(evidence=EVIDENCE, codes=(f.Coding(system=ICD10, code=code),), primary=False)


@pytest.mark.parametrize(
    ("fact", "verdict"),
    [
        (spread(f.Coding(system=SNOMED, code="10200004"), metastatic=True), "met"),
        (spread(f.Coding(text="Liver structure")), "met"),
        (spread(f.Coding(system=SNOMED, code="272673000"), metastatic=True), "unknown"),
        (spread(metastatic=True), "unknown"),
        (spread(metastatic=False), "not_met"),
        (spread(m="M0"), "not_met"),
        (spread(f.Coding(text="liver"), metastatic=False), "not_met"),
        (secondary("C78.7"), "met"),
        (secondary("C787"), "met"),
        (secondary("C79.51"), "unknown"),
    ],
)
def test_sites_of_spread(judge: Judge, fact: f.AnyFact, verdict: str) -> None:
    assert judge("{stage: {metastatic_sites: [hepatic]}}", fact) == verdict
    assert judge('{stage: {metastatic_sites: ["10200004"]}}', spread(f.Coding(system=SNOMED, code="10200004"))) == "met"


def test_bone_marrow_is_not_bone(judge: Judge) -> None:
    marrow = spread(f.Coding(text="Bone marrow structure"))
    assert judge("{stage: {metastatic_sites: [bone]}}", marrow) == "unknown"
    assert judge("{stage: {metastatic_sites: [bone marrow]}}", marrow) == "met"
    assert judge("{stage: {metastatic_sites: [bone]}}", secondary("C79.52")) == "unknown"


@pytest.mark.parametrize(("tier", "verdict"), [("I", "met"), ("III", "not_met"), (None, "unknown")])
def test_the_tier_of_a_variant(judge: Judge, tier: Any, verdict: str) -> None:
    fact = f.Variant(evidence=EVIDENCE, gene="KRAS", protein_change="p.G12C", tier=tier)
    assert judge("{variant: {gene: KRAS, tiers: [I, II]}}", fact) == verdict


@pytest.mark.parametrize(
    ("fraction", "verdict"), [("0.1", "met"), ("0.4", "not_met"), ("0.01", "not_met"), (None, "unknown")]
)
def test_the_allele_fraction_between_bounds(judge: Judge, fraction: str | None, verdict: str) -> None:
    value = None if fraction is None else Decimal(fraction)
    fact = f.Variant(evidence=EVIDENCE, gene="KRAS", protein_change="p.G12C", allele_fraction=value)
    leaf = "{variant: {gene: KRAS, min_allele_fraction: 0.05, max_allele_fraction: 0.3}}"
    assert judge(leaf, fact) == verdict


@pytest.mark.parametrize(("partner", "verdict"), [("Intergenic", "met"), ("EML4", "not_met"), (None, "unknown")])
def test_a_partner_that_is_no_gene(judge: Judge, partner: str | None, verdict: str) -> None:
    fact = f.Fusion(evidence=EVIDENCE, gene="ALK", partner=partner)
    assert judge("{fusion: {gene: ALK, partner: intergenic}}", fact) == verdict


@pytest.mark.parametrize("moment", ["soon", "2026-13-01", "2026-05", "[1]", "5", "{days: 0}", "{days: 1, weeks: 1}"])
def test_a_moment_is_a_day_or_a_length_of_time(moment: str) -> None:
    compiled = compile_text(f"id: T\ncriteria: {{procedure: {{names: [x], before: {moment}}}}}")
    assert not compiled.ok
    assert {one.path.split(".before")[0] for one in compiled.diagnostics} == {"criteria.procedure"}
