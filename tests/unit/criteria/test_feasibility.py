"""The funnel of a trial, and the closed world beside the open one."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from trialbridge.criteria import facts as f
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate, outcomes
from trialbridge.criteria.feasibility import attrition
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.plan import TrialPlan
from trialbridge.criteria.verdicts import Outcome, Verdict

AS_OF = date(2026, 6, 1)
HERE = f.Evidence(resource="Observation/1")
TEXT = """
id: T
criteria:
  all:
    - age: {min: 18}
    - sex: {any_of: [female]}
    - performance: {scale: ecog, max: 1}
arms:
- {code: A}
- {code: B, status: closed, criteria: {variant: {gene: KRAS}}}
"""


def plan(text: str = TEXT) -> TrialPlan:
    compiled = compile_text(text)
    assert compiled.ok, compiled.diagnostics
    return load(compiled.definition)


def person(birth: str = "1970-01-01", sex: str = "female", ecog: int | None = 1) -> FactIndex:
    facts: list[f.AnyFact] = [f.Demographics(evidence=HERE, birth_date=birth, sex=sex)]  # type: ignore[arg-type]
    if ecog is not None:
        facts.append(f.Performance(evidence=HERE, scale="ecog", value=ecog, effective="2026-05-01"))
    return FactIndex(facts)


PEOPLE = [
    person(),
    person(ecog=None),
    person(sex="male"),
    person(sex="male"),
    person(sex="male", ecog=3),
    person("2015-01-01", ecog=4),
]


def test_each_criterion_says_how_many_it_leaves_and_keeps_out_alone() -> None:
    arm, _ = attrition(plan(), PEOPLE, AS_OF)
    assert (arm.patients, arm.eligible, arm.open, arm.closed) == (6, 1, 1, "")
    assert [(one.kind, one.met, one.unknown, one.not_met, one.left, one.only) for one in arm.steps] == [
        ("age", 5, 0, 1, 5, 0),
        ("sex", 3, 0, 3, 2, 2),
        ("performance", 3, 1, 2, 2, 0),
    ]
    assert arm.dearest is not None
    assert arm.dearest.kind == "sex"


def test_a_closed_arm_says_so_and_nobody_is_no_fault() -> None:
    _, closed = attrition(plan(), [], AS_OF)
    assert (closed.arm, closed.patients, closed.dearest) == ("B", 0, None)
    assert closed.closed
    assert [one.kind for one in closed.steps] == ["age", "sex", "performance", "variant"]


people = st.lists(
    st.builds(
        person,
        st.sampled_from(["1970-01-01", "2015-01-01"]),
        st.sampled_from(["female", "male"]),
        st.sampled_from([None, 1, 3]),
    ),
    max_size=12,
)


@given(people)
def test_the_funnel_ends_with_those_whom_the_evaluation_leaves(crowd: list[FactIndex]) -> None:
    trial = plan()
    arm, _ = attrition(trial, crowd, AS_OF)
    assert arm.eligible == sum(outcomes(trial, facts, AS_OF)[0] is Outcome.ELIGIBLE for facts in crowd)
    assert arm.steps[-1].left == arm.eligible + arm.open
    assert all(before.left >= after.left for before, after in zip(arm.steps, arm.steps[1:], strict=False))


@given(people)
def test_a_closed_world_knows_two_values_and_never_finds_more(crowd: list[FactIndex]) -> None:
    trial = plan()
    for facts in crowd:
        open_, closed = (evaluate(trial, facts, AS_OF, "p", closed_world=world)[0] for world in (False, True))
        assert {one.verdict for one in closed.criteria} <= {Verdict.MET, Verdict.NOT_MET}
        assert closed.outcome in (Outcome.ELIGIBLE, Outcome.NOT_ELIGIBLE)
        assert (closed.outcome is Outcome.ELIGIBLE) == (open_.outcome is Outcome.ELIGIBLE)


def test_in_a_closed_world_no_test_is_a_negative_one() -> None:
    trial = plan("id: N\ncriteria: {not: {variant: {gene: KRAS}}}")
    facts = FactIndex([])
    assert evaluate(trial, facts, AS_OF, "p")[0].outcome is Outcome.POTENTIALLY
    assert evaluate(trial, facts, AS_OF, "p", closed_world=True)[0].outcome is Outcome.ELIGIBLE
