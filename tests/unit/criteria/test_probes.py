"""The probes that every build must pass: what the older engines get wrong."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import product

import pytest

from tests.unit.services.matcher import world
from trialbridge.criteria import facts as f
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.verdicts import Explanation

Judge = Callable[..., str]
EVIDENCE = f.Evidence(resource="Observation/1")
ONCOTREE, ICD10, SNOMED = "http://oncotree.mskcc.org", "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
ICDO3 = "http://terminology.hl7.org/CodeSystem/icd-o-3"
AS_OF = date(2026, 6, 1)


def explained(criteria: str, *facts: f.AnyFact) -> Explanation:
    plan = load(compile_text(f"id: T\ncriteria: {criteria}\n").definition)
    return evaluate(plan, FactIndex(facts), AS_OF, "p")[0]


def diagnosis(code: str | None = None, system: str = ONCOTREE, text: str | None = None, **more: object) -> f.Diagnosis:
    coding = f.Coding(system=system if code else None, code=code, text=text)
    return f.Diagnosis(evidence=EVIDENCE, codes=(coding,), **more)  # type: ignore[arg-type]


def variant(gene: str = "BRAF", change: str | None = None, **more: object) -> f.Variant:
    return f.Variant(evidence=EVIDENCE, gene=gene, protein_change=change, **more)  # type: ignore[arg-type]


def coverage(*genes: str, **more: object) -> f.Coverage:
    return f.Coverage(evidence=EVIDENCE, genes=genes, **more)  # type: ignore[arg-type]


def born(text: str, sex: str | None = None) -> f.Demographics:
    return f.Demographics(evidence=EVIDENCE, birth_date=text, sex=sex)  # type: ignore[arg-type]


def test_no_kras_mutation_for_a_patient_never_sequenced_is_unknown(judge: Judge) -> None:
    assert judge("{not: {variant: {gene: KRAS}}}") == "unknown"
    assert judge("{wild_type: {gene: KRAS}}") == "unknown"
    assert judge("{not: {variant: {gene: KRAS}}}", coverage("KRAS")) == "met"
    assert judge("{wild_type: {gene: KRAS}}", coverage("KRAS")) == "met"
    assert judge("{wild_type: {gene: KRAS}}", coverage("EGFR")) == "unknown"
    assert judge("{wild_type: {gene: KRAS}}", coverage("KRAS", alterations=("fusion",))) == "unknown"
    assert judge("{wild_type: {gene: KRAS}}", coverage("KRAS"), variant("KRAS", "p.G12C")) == "not_met"


def test_her2_negative_wanted(judge: Judge) -> None:
    marker = f.Marker(evidence=EVIDENCE, marker="HER2", status="positive")
    low = f.Marker(evidence=EVIDENCE, marker="HER2", status="low")
    negative = f.Marker(evidence=EVIDENCE, marker="HER2", status="negative")
    assert judge("{expression: {marker: HER2, any_of: [negative]}}", marker) == "not_met"
    assert judge("{expression: {marker: HER2, any_of: [negative]}}", low) == "met"
    assert judge("{expression: {marker: HER2, any_of: [low]}}", negative) == "unknown"
    assert judge("{expression: {marker: HER2, any_of: [negative]}}") == "unknown"


@pytest.mark.parametrize("term", ["All Solid Tumors", "_SOLID_", "all solid tumors"])
def test_all_solid_tumors(judge: Judge, term: str) -> None:
    assert judge(f"{{diagnosis: {{oncotree: ['{term}']}}}}", diagnosis("LUAD")) == "met"
    assert judge(f"{{diagnosis: {{oncotree: ['{term}']}}}}", diagnosis("AML")) == "not_met"


@pytest.mark.parametrize(
    "recorded",
    [
        diagnosis("LUAD"),
        diagnosis("luad"),
        diagnosis(text="Lung Adenocarcinoma"),
        diagnosis(text="LUNG ADENOCARCINOMA"),
        diagnosis("254626006", SNOMED),
        diagnosis("C34.1", ICD10, morphology=(f.Coding(system=ICDO3, code="8140/3"),)),
    ],
)
@pytest.mark.parametrize("asked", ["LUAD", "lung adenocarcinoma", "NSCLC", "non-small cell lung cancer"])
def test_a_diagnosis_is_the_same_by_code_name_and_letter_case(judge: Judge, recorded: f.Diagnosis, asked: str) -> None:
    assert judge(f"{{diagnosis: {{oncotree: ['{asked}']}}}}", recorded) == "met"


def test_a_coarser_record_leaves_a_finer_term_open(judge: Judge) -> None:
    assert judge("{diagnosis: {oncotree: [LUAD]}}", diagnosis("C34.1", ICD10)) == "unknown"
    assert judge("{diagnosis: {oncotree: [BRCA]}}", diagnosis("C34.1", ICD10)) == "not_met"
    assert judge("{diagnosis: {oncotree: [LUNG]}}", diagnosis("C34.1", ICD10)) == "met"


def test_not_lung_adenocarcinoma_with_the_diagnosis_missing_is_unknown(judge: Judge) -> None:
    assert judge("{not: {diagnosis: {oncotree: [LUAD]}}}") == "unknown"
    assert judge("{not: {diagnosis: {oncotree: [LUAD]}}}", diagnosis("BRCA")) == "met"


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    compiled = compile_text("id: T\ncriteria:\n  all:\n    - age: {min: 18}\n    - ecog_statu: {max: 1}\n")
    assert not compiled.ok
    [fault] = compiled.diagnostics
    assert (fault.code, fault.path, fault.line) == ("trial.unknown-key", "criteria.all[1].ecog_statu", 5)
    leaf = compile_text("id: T\ncriteria:\n  performance: {scal: ecog, max: 1}\n").diagnostics
    assert "scale" in leaf[0].hint


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ("p.V600E", "met"),
        ("p.Val600Glu", "met"),
        ("p.(Val600Glu)", "met"),
        ("V600K", "met"),
        ("NP_004324.2:p.Val600Glu", "met"),
        ("p.XV600E", "not_met"),
        ("p.V600_K601delinsE", "not_met"),
        ("p.V600*", "not_met"),
        ("p.V601E", "not_met"),
        (None, "unknown"),
    ],
)
def test_position_v600(judge: Judge, change: str | None, verdict: str) -> None:
    assert judge("{variant: {gene: BRAF, position: p.V600}}", variant("BRAF", change)) == verdict


@pytest.mark.parametrize(
    ("recorded", "asked"), [("ERBB1", "EGFR"), ("EGFR", "ERBB1"), ("HER2", "ERBB2"), ("MLL", "KMT2A"), ("kras", "KRAS")]
)
def test_a_gene_by_alias_or_old_symbol(judge: Judge, recorded: str, asked: str) -> None:
    assert judge(f"{{variant: {{gene: {asked}}}}}", variant(recorded, "p.A1T")) == "met"


@pytest.mark.parametrize(
    ("recorded", "approved"), [("ERBB1", "EGFR"), ("HER2", "ERBB2"), ("MLL", "KMT2A"), ("c-met", "MET")]
)
def test_the_evidence_shows_the_approved_symbol_and_the_alias(recorded: str, approved: str) -> None:
    line = explained(f"{{variant: {{gene: {approved}}}}}", variant(recorded, "p.A1T")).criteria[0]
    assert f"{approved} (recorded as {recorded})" in line.reason
    assert [one.resource for one in line.evidence] == ["Observation/1"]


def test_a_fusion_either_way_round_and_with_an_unknown_partner(judge: Judge) -> None:
    known = f.Fusion(evidence=EVIDENCE, gene="EML4", partner="ALK")
    alone = f.Fusion(evidence=EVIDENCE, gene="ALK")
    assert judge("{fusion: {gene: ALK}}", known) == "met"
    assert judge("{fusion: {gene: ALK, partner: EML4}}", known) == "met"
    assert judge("{fusion: {gene: ALK}}", alone) == "met"
    assert judge("{fusion: {gene: ALK, partner: EML4}}", alone) == "unknown"
    assert judge("{fusion: {gene: RET}}", known) == "unknown"
    assert judge("{fusion: {gene: RET}}", coverage("RET", alterations=("fusion",))) == "not_met"


@pytest.mark.parametrize(
    ("birth", "leaf", "verdict"),
    [
        ("2008-06-01", "{min: 18}", "met"),
        ("2008-06-02", "{min: 18}", "not_met"),
        ("2008", "{min: 18}", "unknown"),
        ("2007", "{min: 18}", "met"),
        ("2025-12-01", "{min: 6, unit: months}", "met"),
        ("2025-12-02", "{min: 6, unit: months}", "not_met"),
        ("1951-06-01", "{max: 75}", "met"),
        ("1950-06-01", "{max: 75}", "not_met"),
    ],
)
def test_age_at_the_boundary(judge: Judge, birth: str, leaf: str, verdict: str) -> None:
    assert judge(f"{{age: {leaf}}}", born(birth)) == verdict


@pytest.mark.parametrize(
    ("day", "verdict"),
    [
        (date(2026, 2, 28), "not_met"),
        (date(2026, 3, 1), "met"),
        (date(2028, 2, 28), "met"),
        (date(2028, 2, 29), "met"),
    ],
)
def test_who_is_born_on_leap_day_comes_of_age_on_the_first_of_march(judge: Judge, day: date, verdict: str) -> None:
    assert judge("{age: {min: 18}}", born("2008-02-29"), as_of=day) == verdict


@pytest.mark.parametrize(("birth", "verdict"), [("2025-12-01", "met"), ("2025-12", "unknown"), ("2025", "unknown")])
def test_age_of_an_infant_in_months(judge: Judge, birth: str, verdict: str) -> None:
    assert judge("{age: {min: 6, unit: months}}", born(birth)) == verdict


def test_burden_is_compared_in_mutations_per_megabase_only(judge: Judge) -> None:
    def burden(unit: str | None) -> f.Signature:
        return f.Signature(evidence=EVIDENCE, name="tmb", value=Decimal(12), unit=unit)

    assert judge("{signature: {name: tmb, min: 10}}", burden("1/1000000{Base}")) == "met"
    assert judge("{signature: {name: tmb, min: 15}}", burden("1/1000000{Base}")) == "not_met"
    assert judge("{signature: {name: tmb, min: 10}}", burden("1")) == "unknown"
    assert judge("{signature: {name: tmb, min: 10}}", burden(None)) == "unknown"


@pytest.mark.parametrize(("unit", "verdict"), [("1/1000000{Base}", "met"), ("{mutations}/{exome}", "unknown")])
def test_burden_by_another_assay_is_shown_with_the_assay(unit: str, verdict: str) -> None:
    fact = f.Signature(evidence=EVIDENCE, name="tmb", value=Decimal(12), unit=unit, assay="Panel of 50 genes")
    line = explained("{signature: {name: tmb, min: 10}}", fact).criteria[0]
    assert line.verdict.value == verdict
    assert "by Panel of 50 genes" in line.reason


def test_nested_groups_are_what_logic_says(judge: Judge) -> None:
    shape = (
        "{all: [{any: [{sex: {any_of: [female]}}, {all: [{age: {min: 18}}, {any: [{variant: {gene: KRAS}}, {variant: {gene: EGFR}}]}]}]},"
        " {any: [{variant: {gene: BRAF}}, {variant: {gene: ALK}}]}]}"
    )
    assert (
        judge(shape, born("1990-01-01", "male"), variant("BRAF", "p.V600E"), coverage("KRAS", "EGFR", "ALK"))
        == "not_met"
    )
    assert judge(shape, born("1990-01-01", "male"), variant("BRAF", "p.V600E"), variant("EGFR", "p.L858R")) == "met"
    assert judge(shape, born("1990-01-01", "female"), coverage("ALK", "BRAF")) == "not_met"


TRUTH = {"met": 2, "unknown": 1, "not_met": 0}
LEAVES = tuple(f"{{vital: {{loinc: {name}-0, min: 1, unit: '1'}}}}" for name in range(6))


@pytest.mark.parametrize(
    ("shape", "logic"),
    [
        (
            "{all: [{any: [A, {all: [B, {any: [C, D]}]}]}, {any: [E, F]}]}",
            lambda a, b, c, d, e, f_: min(max(a, min(b, max(c, d))), max(e, f_)),
        ),
        ("{any: [{all: [A, B]}, {all: [C, D]}, {all: [E, F]}]}",
            lambda a, b, c, d, e, f_: max(min(a, b), min(c, d), min(e, f_))),
        ("{all: [{any: [A, B]}, {any: [C, D]}, {any: [E, F]}]}",
            lambda a, b, c, d, e, f_: min(max(a, b), max(c, d), max(e, f_))),
        ("{all: [A, {not: {any: [B, {all: [C, {not: D}]}]}}, {any: [E, {not: F}]}]}",
            lambda a, b, c, d, e, f_: min(a, 2 - max(b, min(c, 2 - d)), max(e, 2 - f_))),
        ("{at_least: {count: 2, of: [A, {all: [B, C]}, {any: [D, {not: E}]}, F]}}",
            lambda a, b, c, d, e, f_: sorted((a, min(b, c), max(d, 2 - e), f_))[-2]),
    ],
)  # fmt: skip
def test_nested_groups_of_every_shape_are_what_logic_says_for_every_patient(
    shape: str, logic: Callable[..., int]
) -> None:
    for name, leaf in zip("ABCDEF", LEAVES, strict=True):
        shape = re.sub(rf"\b{name}\b", leaf, shape)
    plan = load(compile_text(f"id: T\ncriteria: {shape}\n").definition)
    for truth in product((0, 1, 2), repeat=6):
        facts = [
            f.Vital(evidence=EVIDENCE, loinc=f"{n}-0", value=Decimal(one), unit="1", effective="2026-01-01")
            for n, one in enumerate(truth)
            if one != 1
        ]
        line = evaluate(plan, FactIndex(facts), AS_OF, "p")[0].criteria[0]
        assert TRUTH[line.verdict.value] == logic(*truth)


def test_a_purely_clinical_criterion_is_matched_like_any_other(judge: Judge) -> None:
    criteria = "{all: [{age: {min: 18}}, {performance: {max: 1}}, {diagnosis: {oncotree: [NSCLC]}}]}"
    fit = f.Performance(evidence=EVIDENCE, scale="ecog", value=1, effective="2026-05-01")
    assert judge(criteria, born("1990-01-01"), fit, diagnosis("LUAD")) == "met"
    assert explained(criteria, born("1990-01-01"), fit, diagnosis("LUAD")).outcome.value == "eligible"
    assert judge(criteria, born("1990-01-01"), fit, diagnosis("BRCA")) == "not_met"


async def test_a_new_genomic_report_alone_is_evaluated_at_once() -> None:
    clinical = world.WELL[:3]
    first, second = world.versions("pat_1", clinical, (*clinical, world.kras(), world.covered()))
    matcher = await world.Matcher().say(world.day(), world.trial(), first)
    assert [one.outcome for one in matcher.heard()] == ["potentially"]
    await matcher.say(second)
    assert second.changed == ("coverage", "variant")
    (said,) = matcher.heard()
    assert (said.outcome, [one.after for one in said.why_now]) == ("eligible", ["met"])


def test_a_dose_level_under_a_suspended_arm_is_closed_and_says_so() -> None:
    text = """
id: T
criteria: {age: {min: 18}}
arms:
- {code: A, status: suspended, dose_levels: [{code: D1}]}
- {code: B, dose_levels: [{code: D1}, {code: D2, status: closed}]}
"""
    found = evaluate(load(compile_text(text).definition), FactIndex([born("1990-01-01")]), date(2026, 6, 1), "p")
    assert [(one.arm, one.dose, one.outcome.value) for one in found] == [
        ("A", "D1", "not_eligible"),
        ("B", "D1", "eligible"),
        ("B", "D2", "not_eligible"),
    ]
    assert found[0].criteria[0].reason == "The arm is suspended."
