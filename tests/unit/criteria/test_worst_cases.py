"""Criteria nested 200 deep, trials of 5,000 leaves, a patient of 10,000 facts: no recursion error, and work in proportion."""

import sys
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import pytest

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.canonical import canonical_bytes
from trialbridge.criteria.compiler import canonical, compile_text, load
from trialbridge.criteria.ctml_export import export
from trialbridge.criteria.evaluate import evaluate, next_flip, outcomes
from trialbridge.criteria.following import followed
from trialbridge.criteria.index import TrialIndex
from trialbridge.criteria.known import FactIndex, Known
from trialbridge.criteria.telling import tell
from trialbridge.criteria.trial import Trial
from trialbridge.criteria.verdicts import Explanation
from trialbridge.criteria.why_now import why_now, why_now_told
from trialbridge.criteria.writing import surface_form
from trialbridge.testkit.oracle import judge_trial

T = TypeVar("T")
DAY = date(2026, 6, 1)
HERE = f.Evidence(resource="Observation/1")
DEEP = 200
GROUPS = ("all", "any", "not", "at_least")
GENEROUS = 1.25
"""How much more than in proportion a larger case may take: sorting takes a little more."""


def leaf(number: int) -> q.Vital:
    return q.Vital(loinc=f"{number % 9999}-0", min=Decimal(number % 7), unit="1")


def nested(kind: str, depth: int) -> Any:
    """Return a group in a group, that many deep, each with a leaf of its own beside."""
    node: Any = leaf(0)
    for number in range(1, depth + 1):
        pair = (node, leaf(number))
        if kind == "not":
            node = q.Not(of=node)
        elif kind == "at_least":
            node = q.AtLeast(count=1 + number % 2, of=pair)
        else:
            node = q.All(of=pair) if kind == "all" else q.Any(of=pair)
    return node


def wide(leaves: int) -> q.All:
    """Return an AND of ORs of ten."""
    rows = range(0, leaves, 10)
    return q.All(of=tuple(q.Any(of=tuple(leaf(first + more) for more in range(10))) for first in rows))


def patient(facts: int) -> list[f.AnyFact]:
    return [
        f.Vital(
            evidence=f.Evidence(resource=f"Observation/{number}"),
            loinc=f"{number % 40}-0",
            value=Decimal(number % 11),
            unit="1",
            effective=(DAY - timedelta(days=number % 900)).isoformat(),
        )
        for number in range(facts)
    ]


def from_deep_down(work: Callable[[], T], frames: int = 120) -> T:
    """Call as a service does: with other calls around it."""
    return work() if frames == 0 else from_deep_down(work, frames - 1)


def everything(trial: Trial, facts: list[f.AnyFact]) -> None:
    """Take a trial and a patient through all of the engine, and compare with the oracle."""
    plan = load(canonical(trial))
    known = FactIndex(facts)
    found = evaluate(plan, known, DAY, "p")
    judged = judge_trial(trial, facts, DAY)
    assert [one.outcome for one in found] == list(outcomes(plan, known, DAY)) == [one.outcome for one in judged]
    for one, mine in zip(found, judged, strict=True):
        assert [(line.verdict, line.recoverable) for line in one.criteria] == list(mine.criteria)
    told = tell(plan, plan.branches, known.at(DAY), "p")
    for one, said in zip(found, told, strict=True):
        assert said.raw() == canonical_bytes(one)
        assert msgspec.json.decode(said.raw(), type=Explanation) == one
        assert why_now_told(said.raw(), said) == why_now(one, one) == ()
    after = FactIndex(facts[1:])
    now = followed(known.at(DAY), after, after.differing(known))
    assert [one.outcome for one in tell(plan, plan.branches, now, "p")] == list(outcomes(plan, after, DAY))
    next_flip(plan, known, DAY)
    index = TrialIndex()
    index.put(plan)
    index.sweep(known.at(DAY))
    index.drop(plan.trial.id)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", GROUPS)
def test_a_criterion_nested_200_deep(kind: str) -> None:
    trial = Trial(id="T", criteria=nested(kind, DEEP))
    from_deep_down(lambda: everything(trial, patient(100)))
    from_deep_down(lambda: everything(trial, []))


def written(kind: str, depth: int) -> str:
    """Return a trial as people write it; as text, since encoders do not nest that deep."""
    text = '{"sex":{"any_of":["male"]}}'
    for number in range(depth):
        own = f'{{"vital":{{"loinc":"{number + 1}-0","min":1,"unit":"1"}}}}'
        text = {
            "not": f'{{"not":{text}}}',
            "at_least": f'{{"at_least":{{"count":1,"of":[{text},{own}]}}}}',
        }.get(kind, f'{{"{kind}":[{text},{own}]}}')
    return f'{{"id":"T","criteria":{text}}}'


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize("depth", [60, DEEP, 1_000, 5_000])
def test_no_depth_of_what_is_written_crashes_the_compiler(kind: str, depth: int) -> None:
    compiled = from_deep_down(lambda: compile_text(written(kind, depth)))
    if compiled.ok:
        assert compiled.trial is not None
        from_deep_down(lambda: everything(compiled.trial, patient(100)))  # type: ignore[arg-type]
    else:
        # at_least is written with an object more than the others, and may be nested less deep for it.
        assert depth > (60 if kind == "at_least" else DEEP)
        assert {one.code for one in compiled.diagnostics} <= {"trial.not-read", "trial.too-large"}


@pytest.mark.parametrize("kind", ["all", "any"])
def test_a_criterion_nested_200_deep_is_written_as_ctml(kind: str) -> None:
    node: Any = q.Age(min=18)
    for number in range(DEEP):
        beside = q.Sex(any_of=("male",)) if number % 2 else q.Age(min=18 + number % 7)
        other = "any" if (kind == "all") == bool(number % 2) else "all"
        node = (q.All if other == "all" else q.Any)(of=(node, beside))
    trial = Trial(id="T", criteria=node)
    assert from_deep_down(lambda: surface_form(trial))["id"] == "T"
    # It is written, or said to be too deep; nothing is raised.
    from_deep_down(lambda: export(trial))


def test_a_trial_of_5000_leaves() -> None:
    text = canonical(Trial(id="T", criteria=wide(5_000)))
    assert len(load(text).leaves) == 5_000
    everything(Trial(id="T", criteria=wide(5_000)), patient(200))


def test_a_patient_of_10000_facts() -> None:
    everything(Trial(id="T", criteria=wide(50)), patient(10_000))


def calls(work: Callable[[], object]) -> int:
    """Return how many functions are called, built-in ones too, by a run after another one."""
    work()
    count = 0

    def noted(_frame: Any, event: str, _what: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(noted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def assert_in_proportion(make: Callable[[int], Callable[[], object]], small: int, large: int) -> None:
    few, many = calls(make(small)), calls(make(large))
    assert many <= GENEROUS * (large / small) * few, f"{few:,} calls for {small}, {many:,} for {large}"


def _load(leaves: int) -> Callable[[], object]:
    text = canonical(Trial(id="T", criteria=wide(leaves)))
    return lambda: load(text)


def _evaluate(leaves: int) -> Callable[[], object]:
    plan, facts = load(canonical(Trial(id="T", criteria=wide(leaves)))), patient(100)
    return lambda: evaluate(plan, FactIndex(facts), DAY, "p")


def _oracle(leaves: int) -> Callable[[], object]:
    trial, facts = Trial(id="T", criteria=wide(leaves)), patient(20)
    return lambda: judge_trial(trial, facts, DAY)


def _facts(count: int) -> Callable[[], object]:
    plan, facts = load(canonical(Trial(id="T", criteria=wide(50)))), patient(count)
    return lambda: evaluate(plan, FactIndex(facts), DAY, "p")


def _facts_by_the_oracle(count: int) -> Callable[[], object]:
    trial, facts = Trial(id="T", criteria=wide(20)), patient(count)
    return lambda: judge_trial(trial, facts, DAY)


def _told(leaves: int) -> Callable[[], object]:
    plan, facts = load(canonical(Trial(id="T", criteria=wide(leaves)))), patient(100)
    return lambda: [one.raw() for one in tell(plan, plan.branches, Known(FactIndex(facts), DAY), "p")]


def _followed(leaves: int) -> Callable[[], object]:
    plan, before, after = (
        load(canonical(Trial(id="T", criteria=wide(leaves)))),
        FactIndex(patient(100)),
        FactIndex(patient(101)),
    )
    then = Known(before, DAY)
    tell(plan, plan.branches, then, "p")
    return lambda: tell(plan, plan.branches, followed(then, after, after.differing(before)), "p")


def test_a_leaf_looks_at_its_own_facts_alone() -> None:
    def make(others: int) -> Callable[[], object]:
        plan = load(canonical(Trial(id="T", criteria=wide(400))))
        facts = [msgspec.structs.replace(one, loinc=f"{5000 + number}-0") for number, one in enumerate(patient(others))]
        return lambda: evaluate(plan, FactIndex(facts), DAY, "p")

    # A few calls to take in each fact, however many leaves there are.
    assert calls(make(2_000)) - calls(make(1_000)) < 30 * 1_000


@pytest.mark.parametrize("make", [_load, _evaluate, _oracle, _told, _followed])
def test_work_grows_with_the_leaves(make: Callable[[int], Callable[[], object]]) -> None:
    assert_in_proportion(make, 500, 1_000)


@pytest.mark.parametrize("make", [_facts, _facts_by_the_oracle])
def test_work_grows_with_the_facts(make: Callable[[int], Callable[[], object]]) -> None:
    assert_in_proportion(make, 1_000, 2_000)


def test_work_to_compile_grows_with_the_leaves() -> None:
    def make(leaves: int) -> Callable[[], object]:
        rows = ",".join(
            f'{{"any":[{{"vital":{{"loinc":"{n}-0","min":1,"unit":"1"}}}},{{"vital":{{"loinc":"{n}-1","min":1,"unit":"1"}}}}]}}'
            for n in range(leaves // 2)
        )
        text = f'{{"id":"T","criteria":{{"all":[{rows}]}}}}'
        return lambda: compile_text(text)

    assert_in_proportion(make, 200, 400)


@pytest.mark.parametrize("kind", GROUPS)
def test_work_grows_with_the_depth(kind: str) -> None:
    def make(depth: int) -> Callable[[], object]:
        text, facts = canonical(Trial(id="T", criteria=nested(kind, depth))), patient(100)
        return lambda: evaluate(load(text), FactIndex(facts), DAY, "p")

    assert_in_proportion(make, DEEP // 2, DEEP)


def test_an_and_of_ors_is_linear_in_its_branches() -> None:
    def make(rows: int) -> Callable[[], object]:
        node = q.All(of=tuple(q.Any(of=tuple(leaf(8 * n + m) for m in range(8))) for n in range(rows)))
        plan, facts = load(canonical(Trial(id="T", criteria=node))), FactIndex(patient(100))
        return lambda: outcomes(plan, FactIndex(facts.facts), DAY)

    assert_in_proportion(make, 32, 64)
