"""A patient after a change: what is taken over and what is judged again, and explanations put together as bytes."""

import gc
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialbridge.criteria import evaluate as engine
from trialbridge.criteria import facts as f
from trialbridge.criteria.canonical import canonical_bytes, explanation_digest
from trialbridge.criteria.compiler import canonical, compile_text, load
from trialbridge.criteria.evaluate import evaluate, next_flip
from trialbridge.criteria.following import follow, followed
from trialbridge.criteria.known import KEPT, FactIndex, Known, recent
from trialbridge.criteria.plan import Step, TrialPlan
from trialbridge.criteria.telling import tell
from trialbridge.criteria.timers import next_turn
from trialbridge.criteria.why_now import why_now, why_now_told
from trialbridge.testkit.criteria_gen import random_trial
from trialbridge.testkit.criteria_gen_facts import changed_facts, random_facts
from trialbridge.testkit.criteria_gen_words import DAYS

DAY = date(2026, 6, 1)
TRIAL = """
id: "100 % of \\"T\\""
criteria:
  all:
    - age: {min: 18}
    - lab: {test: hemoglobin, min: 9, unit: g/dL}
    - not: {variant: {gene: EGFR}}
    - any: [{variant: {gene: KRAS}}, {fusion: {gene: ALK}}]
arms:
  - {code: A, criteria: {performance: {scale: ecog, max: 1}}}
  - {code: "100 %", status: suspended}
"""


def plan_of(text: str) -> TrialPlan:
    compiled = compile_text(text)
    assert compiled.ok, compiled.diagnostics
    return load(compiled.definition)


def seen(name: str, record: str = "r1") -> f.Evidence:
    return f.Evidence(resource=f"Observation/{name}", record=record, version="1")


def hemoglobin(value: str, name: str = "hb", record: str = "r1") -> f.AnyFact:
    return f.Lab(evidence=seen(name, record), loinc="718-7", value=Decimal(value), unit="g/dL", effective="2026-05-01")


def born(day: str = "1960-01-01") -> f.AnyFact:
    return f.Demographics(evidence=seen("born"), birth_date=day, sex="male")


def variant(gene: str) -> f.AnyFact:
    return f.Variant(evidence=seen(f"var-{gene}"), gene=gene, protein_change='p.G12C "%b"')


def told_as(plans: list[TrialPlan], known: Known) -> list[tuple[bytes, str]]:
    return [(one.raw(), one.digest()) for plan in plans for one in tell(plan, plan.branches, known, "p")]


def afresh(plans: list[TrialPlan], facts: tuple[f.AnyFact, ...], as_of: date) -> list[tuple[bytes, str]]:
    """Return what the engine says of a patient of whom nothing was known before, as objects that are encoded."""
    known = FactIndex(facts)
    found = [one for plan in plans for one in evaluate(plan, known, as_of, "p")]
    return [(canonical_bytes(one), explanation_digest(one)) for one in found]


def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the kinds of criteria that are judged from now on."""
    kinds: list[str] = []

    def noting(name: str) -> Callable[..., Any]:
        whole = getattr(engine, name)

        def noted(step: Any, *others: Any) -> Any:
            kinds.append(step.kind if isinstance(step, Step) else "leaf")
            return whole(step, *others)

        return noted

    for name in ("_judge_leaf", "_of_members"):
        monkeypatch.setattr(engine, name, noting(name))
    return kinds


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_a_patient_who_is_followed_is_as_good_as_a_new_one(seed: int) -> None:
    rng = Random(seed)
    plans = [load(canonical(random_trial(rng)[1])) for _ in range(4)]
    day = rng.choice(DAYS)
    facts = tuple(random_facts(rng, day))
    known = Known(FactIndex(facts), day)
    for _ in range(5):
        if rng.random() < 0.7:
            assert told_as(plans, known) == afresh(plans, facts, day)
        if rng.random() < 0.7:
            turns = [next_turn(plan, known) for plan in plans]
            assert turns == [next_turn(plan, Known(FactIndex(facts), day)) for plan in plans]
        facts = tuple(changed_facts(rng, facts, day))
        after = FactIndex(facts)
        changed = after.differing(known.index)
        assert changed == {*after.facts} ^ {*known.index.facts}
        known = followed(known, after, changed)
    assert told_as(plans, known) == afresh(plans, facts, day)


def test_only_what_reads_a_changed_fact_is_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(TRIAL)
    then = Known(FactIndex([born(), hemoglobin("8"), variant("KRAS")]), DAY)
    told_as([plan], then)
    kinds = judged(monkeypatch)
    after = FactIndex([*then.index.facts, hemoglobin("10", "new")])
    told_as([plan], followed(then, after, after.differing(then.index)))
    assert kinds == ["leaf", "all"]
    kinds.clear()
    same = FactIndex([born(), hemoglobin("8", record="r2"), variant("KRAS")])
    told_as([plan], followed(then, same, same.differing(then.index)))
    # Another value with the same verdict: the group that counts verdicts says what it said.
    assert kinds == ["leaf"]


def test_a_negation_repeats_what_its_leaf_says_now() -> None:
    plan = plan_of(TRIAL)
    then = Known(FactIndex([born(), variant("EGFR")]), DAY)
    told_as([plan], then)
    facts = (born(), f.Variant(evidence=seen("var-EGFR"), gene="EGFR", protein_change="p.L858R"))
    after = FactIndex(facts)
    assert told_as([plan], followed(then, after, after.differing(then.index))) == afresh([plan], facts, DAY)


def test_who_was_not_looked_at_lately_is_judged_in_full() -> None:
    before, after = FactIndex([born(), hemoglobin("8")]), FactIndex([born(), hemoglobin("9")])
    assert follow(before, after, DAY) == {hemoglobin("8"), hemoglobin("9")}
    assert recent(after, DAY) is None
    before.at(DAY)
    follow(before, after, DAY)
    assert recent(after, DAY) is after.at(DAY)
    crowd = [FactIndex([born(f"1960-01-{day:02d}")]) for day in range(1, KEPT + 1)]
    for one in crowd:
        one.at(DAY)
    assert recent(after, DAY) is None
    assert recent(crowd[0], DAY) is not None


def test_nothing_is_left_to_the_collector_of_patients_no_longer_kept() -> None:
    plan = plan_of(TRIAL)
    gc.collect()
    gc.disable()
    try:
        for day in range(1, 3 * KEPT):
            known = FactIndex([born(f"1960-01-{day % 28 + 1:02d}"), hemoglobin(str(day))]).at(DAY)
            told_as([plan], known)
            next_turn(plan, known)
        alive = sum(isinstance(one, Known) for one in gc.get_objects())
    finally:
        gc.enable()
    assert alive <= KEPT + 1


def test_why_now_of_bytes_is_why_now_of_explanations() -> None:
    plan = plan_of(TRIAL)
    before, after = FactIndex([born(), hemoglobin("8")]), FactIndex([born(), hemoglobin("10"), variant("KRAS")])
    pairs = zip(evaluate(plan, before, DAY, "p"), tell(plan, plan.branches, after.at(DAY), "p"), strict=True)
    for was, told in pairs:
        found = why_now_told(canonical_bytes(was), told)
        assert found == why_now(was, told.explanation())
        assert [(one.before, one.after) for one in found] == [("not_met", "met"), ("unknown", "met")]


def test_the_deliveries_that_are_cited_are_named() -> None:
    plan = plan_of(TRIAL)
    known = Known(FactIndex([born(), hemoglobin("8", record="r7")]), DAY)
    assert [one.records() for one in tell(plan, plan.branches, known, "p")] == [("r1", "r7")] * 2


def test_a_timer_of_a_leaf_looks_at_the_facts_of_its_own_test() -> None:
    plan = plan_of("id: T\ncriteria: {lab: {test: hemoglobin, min: 9, unit: g/dL, within: {days: 28}}}")
    other = f.Lab(evidence=seen("plt"), loinc="777-3", value=Decimal(1), unit="10*3/uL", effective="2026-05-31")
    assert next_flip(plan, FactIndex([other]), DAY) is None
    mine = f.Lab(evidence=seen("hb"), loinc="718-7", value=Decimal(1), unit="g/dL", effective="2026-05-31")
    assert next_flip(plan, FactIndex([other, mine]), DAY) == date(2026, 6, 29)
