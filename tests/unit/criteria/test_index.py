"""The index over trials: what it skips is provably not eligible, and its outcomes are those of the evaluation."""

from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from trialbridge.contracts.ids import PatientId, TrialId
from trialbridge.criteria import facts as f
from trialbridge.criteria.cohort import Cohort
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate, outcomes
from trialbridge.criteria.index import TrialIndex
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.plan import TrialPlan
from trialbridge.criteria.verdicts import Outcome

AS_OF = date(2026, 6, 1)
HERE = f.Evidence(resource="Observation/1")
ONCOTREE = "http://oncotree.mskcc.org"
LEAVES = (
    "age: {min: 18}",
    "age: {max: 75}",
    "sex: {any_of: [female]}",
    "diagnosis: {oncotree: [NSCLC]}",
    "diagnosis: {oncotree: [_SOLID_]}",
    "not: {diagnosis: {oncotree: [LUAD]}}",
    "variant: {gene: KRAS, protein_change: p.G12C}",
    "not: {variant: {gene: EGFR}}",
    "wild_type: {gene: EGFR}",
    "fusion: {gene: ALK, partner: EML4}",
    "copy_number: {gene: ERBB2, calls: [amplification]}",
    "any: [{variant: {gene: BRAF}}, {fusion: {gene: RET}}]",
    "any: [{variant: {gene: KRAS}}, {not: {wild_type: {gene: KRAS}}}]",
    "all: [{sex: {any_of: [female, male]}}, {tested: {gene: KRAS}}]",
    "performance: {scale: ecog, max: 1}",
    "lab: {test: hemoglobin, min: 9, unit: g/dL, within: {days: 28}}",
    "stage: {metastatic: true}",
    "not: {prior_therapy: {classes: [kras inhibitor]}}",
    "expression: {marker: PD-L1, score: tps, min: 50}",
    "prior_therapy: {max_lines: 1}",
    "prior_therapy: {categories: [systemic], within: {weeks: 4}}",
    "not: {prior_therapy: {drugs: [sotorasib]}}",
    "not: {condition: {names: [hypertension]}}",
    "any: [{condition: {names: [hypertension], active: true}}, {prior_therapy: {min_lines: 2}}]",
    "not: {condition: {names: [hypertension], within: {months: 6}}}",
)


def diagnosis(code: str, *, excluded: bool = False) -> f.Diagnosis:
    return f.Diagnosis(evidence=HERE, codes=(f.Coding(system=ONCOTREE, code=code),), excluded=excluded)


def variant(gene: str, change: str | None, *, present: bool = True) -> f.Variant:
    return f.Variant(evidence=HERE, gene=gene, protein_change=change, present=present)


FACTS: tuple[f.AnyFact, ...] = (
    f.Demographics(evidence=HERE, birth_date="1960-01-01", sex="female"),
    f.Demographics(evidence=HERE, birth_date="2015", sex="male"),
    f.Demographics(evidence=HERE, birth_date="1940-01-01"),
    diagnosis("LUAD"),
    diagnosis("AML"),
    diagnosis("NSCLC", excluded=True),
    diagnosis("LUNG"),
    variant("KRAS", "p.G12C"),
    variant("KRAS", "p.G12D"),
    variant("KRAS", None, present=False),
    variant("EGFR", "p.L858R"),
    variant("BRAF", "p.V600E"),
    f.Fusion(evidence=HERE, gene="EML4", partner="ALK"),
    f.Fusion(evidence=HERE, gene="RET"),
    f.CopyNumber(evidence=HERE, gene="HER2", call="high_amplification"),
    f.Coverage(evidence=HERE, genes=("KRAS", "EGFR", "BRAF"), alterations=("mutation",)),
    f.Coverage(evidence=HERE, genes=("ALK", "RET", "ERBB2"), alterations=("fusion", "copy_number")),
    f.Coverage(evidence=HERE, genes=("KRAS", "ALK"), alterations=("mutation", "fusion"), source_class="germline"),
    f.Performance(evidence=HERE, scale="ecog", value=1, effective="2026-05-01"),
    f.Lab(evidence=HERE, loinc="718-7", value=Decimal(8), unit="g/dL", effective="2026-05-20"),
    f.Stage(evidence=HERE, group="IV"),
    f.Therapy(evidence=HERE, drugs=("sotorasib",)),
    f.Therapy(evidence=HERE, drugs=("carboplatin",), start="2026-05-20"),
    f.Therapy(
        evidence=f.Evidence(resource="Observation/2"), drugs=("carboplatin",), start="2025-05-20", end="2025-07-01"
    ),
    f.Therapy(evidence=HERE, drugs=("sotorasib",), given=False),
    f.TherapyHistory(evidence=HERE, complete=True),
    f.Condition(evidence=HERE, codes=(f.Coding(text="hypertension"),), active=True),
    f.Condition(evidence=HERE, codes=(f.Coding(text="hypertension"),), present=False),
    f.Condition(evidence=HERE, codes=(f.Coding(text="hypertension"),), effective="2024-01-01"),
    f.Marker(evidence=HERE, marker="PD-L1", score=Decimal(60), score_kind="tps"),
)

one_trial = st.lists(st.sampled_from(LEAVES), min_size=1, max_size=5, unique=True)
one_patient = st.lists(st.sampled_from(FACTS), max_size=8, unique=True)


def plan(number: int, leaves: list[str], status: str = "open") -> TrialPlan:
    shared = ", ".join("{" + leaf + "}" for leaf in leaves[:3])
    own = ", ".join("{" + leaf + "}" for leaf in leaves[3:]) or "{vital_status: {status: alive}}"
    text = (
        f"id: T{number}\ncriteria: {{all: [{shared}]}}\narms:\n- {{code: A, criteria: {{all: [{own}]}}}}\n"
        f"- {{code: B, status: {status}}}\n"
    )
    compiled = compile_text(text)
    return (
        load(compiled.definition)
        if compiled.ok
        else load(compile_text(f"id: T{number}\ncriteria: {{age: {{min: 1}}}}").definition)
    )


def brute(plans: list[TrialPlan], facts: FactIndex) -> dict[tuple[str, str | None, str | None], Outcome]:
    return {
        (one.trial.id, branch.arm, branch.dose): outcome
        for one in plans
        for branch, outcome in zip(one.branches, outcomes(one, facts, AS_OF), strict=True)
        if outcome is not Outcome.NOT_ELIGIBLE
    }


def swept(index: TrialIndex, facts: FactIndex) -> dict[tuple[str, str | None, str | None], Outcome]:
    found = index.sweep(facts.at(AS_OF))
    assert not found.eligible & found.potentially
    return {
        (one.trial.id, branch.arm, branch.dose): outcome
        for mask, outcome in ((found.eligible, Outcome.ELIGIBLE), (found.potentially, Outcome.POTENTIALLY))
        for one, branch in index.branches(mask)
    }


@settings(max_examples=150)
@given(
    st.lists(st.tuples(one_trial, st.sampled_from(["open", "suspended"])), max_size=8),
    st.lists(one_patient, max_size=6),
)
def test_the_sweep_is_the_evaluation_of_every_trial(
    trials: list[tuple[list[str], str]], patients: list[list[f.AnyFact]]
) -> None:
    index, plans = TrialIndex(), [plan(number, *trial) for number, trial in enumerate(trials)]
    for one in plans:
        index.put(one)
    for facts in map(FactIndex, patients):
        assert swept(index, facts) == brute(plans, facts)
        assert {trial for trial, _, _ in brute(plans, facts)} <= index.candidates(facts.at(AS_OF))


@settings(max_examples=80)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), one_trial)), max_size=12),
    st.lists(one_patient, min_size=1, max_size=3),
)
def test_trials_that_change_and_go_leave_nothing_behind(
    steps: list[tuple[int, list[str] | None]], patients: list[list[f.AnyFact]]
) -> None:
    index, now, people = TrialIndex(), dict[int, TrialPlan](), [FactIndex(facts) for facts in patients]
    for number, leaves in steps:
        if leaves is None:
            index.drop(TrialId(f"T{number}"))
            now.pop(number, None)
        else:
            now[number] = plan(number, leaves)
            index.put(now[number])
        for facts in people:
            assert swept(index, facts) == brute(list(now.values()), facts)


@settings(max_examples=150)
@given(st.lists(one_trial, min_size=1, max_size=6), one_patient, one_patient)
def test_a_trial_that_reads_no_changed_fact_says_the_same(
    trials: list[list[str]], before: list[f.AnyFact], after: list[f.AnyFact]
) -> None:
    index, plans = TrialIndex(), [plan(number, leaves) for number, leaves in enumerate(trials)]
    for one in plans:
        index.put(one)
    old, new = FactIndex(before), FactIndex(after)
    touched = {one.trial.id for one, _ in index.branches(index.readers({*before} ^ {*after}))}
    for one in plans:
        if one.trial.id not in touched:
            assert evaluate(one, old, AS_OF, "p") == evaluate(one, new, AS_OF, "p")
    mask = index.of_trials([TrialId("T0")])
    whole, part = index.sweep(new.at(AS_OF)), index.sweep(new.at(AS_OF), mask)
    assert (part.eligible, part.potentially) == (whole.eligible & mask, whole.potentially & mask)


@settings(max_examples=80)
@given(st.lists(one_trial, min_size=1, max_size=4), st.lists(st.tuples(st.integers(0, 5), one_patient), max_size=10))
def test_a_changed_trial_reaches_every_patient_it_may_take(
    trials: list[list[str]], arrivals: list[tuple[int, list[f.AnyFact]]]
) -> None:
    cohort, people = Cohort(AS_OF), dict[PatientId, FactIndex]()
    for number, facts in arrivals:
        name = PatientId(f"P{number}")
        if facts:
            people[name] = FactIndex(facts)
            cohort.put(name, people[name])
        else:
            people.pop(name, None)
            cohort.drop(name)
    assert len(cohort) == len(people)
    for number, leaves in enumerate(trials):
        one = plan(number, leaves)
        asked = set(cohort.candidates(one, people.__getitem__))
        may = {name for name, facts in people.items() if brute([one], facts)}
        swept = dict(cohort.sweep(one, people.__getitem__))
        assert swept == {name: outcomes(one, people[name], AS_OF) for name in may}
        assert may <= asked
        assert asked <= people.keys()


def test_a_changed_trial_skips_those_of_another_diagnosis() -> None:
    cohort, people = (
        Cohort(AS_OF),
        {PatientId("A"): FactIndex([diagnosis("AML")]), PatientId("L"): FactIndex([diagnosis("LUAD")])},
    )
    for name, facts in people.items():
        cohort.put(name, facts)
    assert list(cohort.candidates(plan(0, ["diagnosis: {oncotree: [NSCLC]}"]), people.__getitem__)) == ["L"]


def test_a_patient_out_for_good_is_not_a_candidate() -> None:
    index = TrialIndex()
    index.put(
        plan(0, ["diagnosis: {oncotree: [NSCLC]}", "lab: {test: hemoglobin, min: 9, unit: g/dL, within: {days: 28}}"])
    )
    assert index.candidates(FactIndex([diagnosis("AML")]).at(AS_OF)) == set()
    assert index.candidates(FactIndex([diagnosis("LUNG")]).at(AS_OF)) == {"T0"}
    assert index.candidates(FactIndex([]).at(AS_OF)) == {"T0"}
