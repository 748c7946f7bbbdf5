"""Outcomes, what is missing, why now, canonical digests and timers."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.criteria import facts as f
from trialbridge.criteria.canonical import explanation_digest
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.timers import next_flip
from trialbridge.criteria.verdicts import Explanation, Outcome
from trialbridge.criteria.why_now import why_now

AS_OF = date(2026, 6, 1)
EVIDENCE = f.Evidence(resource="Observation/1")
TRIAL = """
id: T
criteria:
  all:
    - age: {min: 18}
    - performance: {scale: ecog, max: 1}
    - lab: {test: hemoglobin, min: "9", unit: g/dL, within: {days: 28}}
    - variant: {gene: KRAS, protein_change: p.G12C}
    - not: {prior_therapy: {classes: [kras inhibitor]}}
"""


def lab(value: str, day: str, unit: str = "g/dL") -> f.Lab:
    return f.Lab(evidence=EVIDENCE, loinc="718-7", value=Decimal(value), unit=unit, effective=day)


def ecog(value: int, day: str = "2026-05-01") -> f.Performance:
    return f.Performance(evidence=EVIDENCE, scale="ecog", value=value, effective=day)


FULL: tuple[f.AnyFact, ...] = (
    f.Demographics(evidence=EVIDENCE, birth_date="1960-01-01"),
    ecog(1),
    lab("10.5", "2026-05-20"),
    f.Variant(evidence=EVIDENCE, gene="KRAS", protein_change="p.Gly12Cys"),
    f.TherapyHistory(evidence=EVIDENCE, complete=True),
)


def explained(*facts: f.AnyFact, text: str = TRIAL, as_of: date = AS_OF) -> Explanation:
    compiled = compile_text(text)
    assert compiled.ok, compiled.diagnostics
    return evaluate(load(compiled.definition), FactIndex(facts), as_of, "p")[0]


def test_eligible_when_all_is_met() -> None:
    found = explained(*FULL)
    assert found.outcome is Outcome.ELIGIBLE
    assert found.missing == ()


def test_what_is_missing_comes_cheapest_first() -> None:
    found = explained(*FULL[:1])
    assert found.outcome is Outcome.POTENTIALLY
    assert [one.cost for one in found.missing] == ["ask", "record", "lab", "sequencing"]


def test_a_failure_that_may_pass_leaves_it_open_and_one_for_good_does_not() -> None:
    assert explained(*FULL[:1], ecog(2), *FULL[2:]).outcome is Outcome.POTENTIALLY
    other = f.Variant(evidence=EVIDENCE, gene="KRAS", protein_change="p.G12D")
    assert explained(*FULL[:3], other, *FULL[4:]).outcome is Outcome.NOT_ELIGIBLE


def test_the_newest_result_decides_and_an_old_one_is_no_result() -> None:
    assert explained(*FULL, lab("7", "2026-05-25")).outcome is Outcome.POTENTIALLY
    assert explained(*FULL, lab("7", "2026-05-10")).outcome is Outcome.ELIGIBLE
    assert explained(*FULL[:2], lab("10", "2026-04-01"), *FULL[3:]).criteria[3].verdict.value == "unknown"
    assert explained(*FULL[:2], lab("105", "2026-05-20", "g/L"), *FULL[3:]).outcome is Outcome.ELIGIBLE
    assert explained(*FULL[:2], lab("105", "2026-05-20", "parsec"), *FULL[3:]).criteria[3].verdict.value == "unknown"


def test_why_now_names_what_turned() -> None:
    before, after = explained(*FULL[:3]), explained(*FULL[:4])
    assert [(one.path.rsplit(".", 1)[1], one.before, one.after) for one in why_now(before, after)] == [
        ("variant", "unknown", "met")
    ]
    assert why_now(None, after) == ()
    assert why_now(after, after) == ()


@given(st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(rng: Random) -> None:
    facts = [*FULL, ecog(2, "2026-04-01"), lab("8", "2026-05-20"), *FULL[:2]]
    digest = explanation_digest(explained(*facts))
    rng.shuffle(facts)
    assert explanation_digest(explained(*facts)) == digest


def test_another_day_with_the_same_answers_is_the_same_explanation() -> None:
    one, other = explained(*FULL), explained(*FULL, as_of=AS_OF + timedelta(days=1))
    assert one.as_of != other.as_of
    assert explanation_digest(one) == explanation_digest(other)


def test_the_next_flip_is_never_missed() -> None:
    plan = load(compile_text(TRIAL).definition)
    facts = FactIndex([f.Demographics(evidence=EVIDENCE, birth_date="2008-06-15"), *FULL[1:]])
    day, turned = AS_OF, []
    before = evaluate(plan, facts, day, "p")[0]
    flip = next_flip(plan, facts, day)
    for _ in range(60):
        day += timedelta(days=1)
        after = evaluate(plan, facts, day, "p")[0]
        if explanation_digest(after) != explanation_digest(before):
            assert flip is not None
            assert flip <= day
            turned.append(day)
        if flip is not None and day >= flip:
            flip = next_flip(plan, facts, day)
        before = after
    assert turned == [date(2026, 6, 15), date(2026, 6, 18)]


LEAVES = st.sampled_from(
    [
        "age: {min: 18}",
        "performance: {scale: ecog, max: 1}",
        "variant: {gene: KRAS}",
        "wild_type: {gene: EGFR}",
        "sex: {any_of: [female]}",
    ]
)


@given(st.lists(LEAVES, min_size=2, max_size=4, unique=True), st.sets(st.sampled_from(range(len(FULL)))))
def test_de_morgan(leaves: list[str], chosen: set[int]) -> None:
    facts = [FULL[n] for n in chosen]
    inner = ", ".join("{" + leaf + "}" for leaf in leaves)
    negated = ", ".join("{not: {" + leaf + "}}" for leaf in leaves)
    for one, other in (("all", "any"), ("any", "all")):
        left = explained(*facts, text=f"id: T\ncriteria: {{not: {{{one}: [{inner}]}}}}").criteria[0]
        right = explained(*facts, text=f"id: T\ncriteria: {{{other}: [{negated}]}}").criteria[0]
        assert (left.verdict, left.recoverable) == (right.verdict, right.recoverable)


@given(st.sets(st.sampled_from(range(len(FULL)))), st.integers(0, len(FULL) - 1))
def test_learning_more_never_turns_met_without_a_changed_fact(chosen: set[int], more: int) -> None:
    before = explained(*(FULL[n] for n in sorted(chosen)))
    after = explained(*(FULL[n] for n in sorted(chosen | {more})))
    for old, new in zip(before.criteria, after.criteria, strict=True):
        assert old.verdict.value == "unknown" or old.verdict is new.verdict


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "trial.empty"),
        ("{", "trial.not-read"),
        ("[1]", "trial.not-a-trial"),
        ("title: x\ncriteria: {age: {min: 1}}", "trial.no-id"),
        ("id: T", "trial.no-criteria"),
        ("id: T\ncriteria: []", "trial.bare-list"),
        ("id: T\ncriteria: {age: {min: 1}, sex: {any_of: [male]}}", "trial.not-one-key"),
        ("id: T\ncriteria: {all: []}", "trial.empty-group"),
        ("id: T\ncriteria: {all: {age: {min: 1}}}", "trial.wrong-type"),
        ("id: T\ncriteria: {age: 18}", "trial.wrong-type"),
        ("id: T\ncriteria: {age: {}}", "trial.nothing-asked"),
        ("id: T\ncriteria: {age: {min: -1}}", "trial.bad-number"),
        ("id: T\ncriteria: {age: {min: 18, max: 12}}", "trial.contradiction"),
        ("id: T\ncriteria: {all: [{age: {min: 18}}, {age: {max: 12}}]}", "trial.contradiction"),
        ("id: T\ncriteria: {all: [{sex: {any_of: [male]}}, {sex: {any_of: [female]}}]}", "trial.contradiction"),
        ("id: T\ncriteria: {all: [{age: {min: 18}}, {not: {age: {min: 18}}}]}", "trial.contradiction"),
        ("id: T\ncriteria: {at_least: {count: 3, of: [{age: {min: 1}}]}}", "trial.count-out-of-range"),
        ("id: T\ncriteria: {age: {min: old}}", "trial.wrong-type"),
        ("id: T\ncriteria: {sex: {any_of: [woman]}}", "trial.unknown-word"),
        ("id: T\ncriteria: {diagnosis: {oncotree: [LUNG ADENOCARCINOM]}}", "trial.unknown-term"),
        ("id: T\ncriteria: {variant: {gene: KRASS}}", "trial.unknown-gene"),
        ("id: T\ncriteria: {variant: {gene: BRAF, position: p.600}}", "trial.bad-hgvs"),
        ("id: T\ncriteria: {variant: {gene: BRAF, significance: [bad]}}", "trial.unknown-term"),
        ("id: T\ncriteria: {variant: {gene: BRAF, codons: [9, 3]}}", "trial.contradiction"),
        ("id: T\ncriteria: {signature: {name: msi, any_of: [hihg]}}", "trial.unknown-term"),
        ("id: T\ncriteria: {signature: {name: tmb, min: 10, unit: per exome}}", "trial.bad-unit"),
        ("id: T\ncriteria: {lab: {test: haemoglobinn, min: 9, unit: g/dL}}", "trial.unknown-test"),
        ("id: T\ncriteria: {lab: {test: hemoglobin, min: 9, unit: g/dl/x}}", "trial.bad-unit"),
        ("id: T\ncriteria: {lab: {test: hemoglobin, min: 9, unit: g/dL, within: {days: 0}}}", "trial.bad-period"),
        (
            "id: T\ncriteria: {lab: {test: hemoglobin, min: 9, unit: g/dL, within: {days: 1, weeks: 1}}}",
            "trial.bad-period",
        ),
        ("id: T\ncriteria: {prior_therapy: {classes: [kras inhibitr]}}", "trial.unknown-class"),
        ("id: T\nphse: II\ncriteria: {age: {min: 1}}", "trial.unknown-key"),
        ("id: T\narms: [{code: A}, {code: A}]\ncriteria: {age: {min: 1}}", "trial.duplicate-code"),
        ("protocol_no: X\ntreatment_list: {step: [{match: [{clinical: {ecog: 1}}]}]}", "trial.unknown-key"),
        ("protocol_no: X\nmatch: [{genomic: {hugo_symbol: KRAS}}]", "trial.no-value"),
        ("protocol_no: X\nmatch: [{clinical: {age_numerical: old}}]", "trial.bad-comparison"),
    ],
)
def test_faults_are_located_with_a_stable_code(text: str, code: str) -> None:
    compiled = compile_text(text)
    assert not compiled.ok
    assert compiled.definition == b""
    assert code in {one.code for one in compiled.diagnostics if one.severity == "error"}
    assert all(one.path and one.message for one in compiled.diagnostics)


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_nothing_that_is_written_crashes_the_compiler(text: str | bytes) -> None:
    compile_text(text)


@given(
    st.integers(0, len(TRIAL) - 1),
    st.sampled_from(["", "{", "}", ":", "[", "x", "-", "&a", "*a", "!!python/object:os.system"]),
)
def test_a_mutated_trial_never_crashes_the_compiler(place: int, inserted: str) -> None:
    compile_text(TRIAL[:place] + inserted + TRIAL[place + 1 :])
