"""The laws of three values, over random criteria and random patients, and over every assignment of verdicts to leaves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.checks import resolve
from trialbridge.criteria.dates import span
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.evaluate import judge
from trialbridge.criteria.known import FactIndex, begins
from trialbridge.criteria.plan import step_of
from trialbridge.criteria.verdicts import Verdict
from trialbridge.testkit.criteria_gen import random_criterion
from trialbridge.testkit.criteria_gen_facts import random_facts
from trialbridge.testkit.criteria_gen_words import DAYS

Facts = tuple[f.AnyFact, ...]
Said = tuple[Verdict, bool]
SEEDS = st.integers(0, 2**32 - 1)
HERE = f.Evidence(resource="Observation/1")


def criterion(rng: Random, depth: int = 2) -> Any:
    """Return a random criterion with its terms in standard form."""
    while True:
        problems = Problems()
        node = resolve(random_criterion(rng, depth), "criteria", problems)
        if not problems.refused:
            return node


def said(node: Any, facts: Facts, day: date) -> Said:
    found = judge(step_of(node), FactIndex(facts).at(day))
    return found.verdict, found.recoverable


class World:
    """A patient on a day, and criteria to ask, all of one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.day = self.rng.choice(DAYS)
        self.facts = random_facts(self.rng, self.day)

    def some(self, count: int) -> list[Any]:
        return [criterion(self.rng) for _ in range(count)]

    def says(self, node: Any) -> Said:
        return said(node, self.facts, self.day)


def every(*of: Any) -> q.All:
    return q.All(of=of)


def either(*of: Any) -> q.Any:
    return q.Any(of=of)


def no(of: Any) -> q.Not:
    return q.Not(of=of)


def least(count: int, *of: Any) -> q.AtLeast:
    return q.AtLeast(count=count, of=of)


Pair = tuple[Any, Any]
LAWS: Final[Mapping[str, Callable[[Any, Any, Any], Pair]]] = {
    "not all is any not": lambda a, b, c: (no(every(a, b, c)), either(no(a), no(b), no(c))),
    "not any is all not": lambda a, b, c: (no(either(a, b, c)), every(no(a), no(b), no(c))),
    "all absorbs any": lambda a, b, _: (every(a, either(a, b)), a),
    "any absorbs all": lambda a, b, _: (either(a, every(a, b)), a),
    "all is idempotent": lambda a, *_: (every(a, a), a),
    "any is idempotent": lambda a, *_: (either(a, a), a),
    "a group of one is its member": lambda a, *_: (every(either(least(1, a))), a),
    "double negation": lambda a, *_: (no(no(a)), a),
    "all nested is all flat": lambda a, b, c: (every(a, every(b, c)), every(a, b, c)),
    "any nested is any flat": lambda a, b, c: (either(either(a, b), c), either(a, b, c)),
    "at least one is any": lambda a, b, c: (least(1, a, b, c), either(a, b, c)),
    "at least all is all": lambda a, b, c: (least(3, a, b, c), every(a, b, c)),
    "at least two is any pair": lambda a, b, c: (least(2, a, b, c), either(every(a, b), every(a, c), every(b, c))),
    "not at least two is at least two not": lambda a, b, c: (no(least(2, a, b, c)), least(2, no(a), no(b), no(c))),
}


@pytest.mark.parametrize("law", LAWS)
@given(seed=SEEDS)
def test_law(law: str, seed: int) -> None:
    world = World(seed)
    one, other = LAWS[law](*world.some(3))
    assert world.says(one) == world.says(other)


@given(SEEDS, st.integers(1, 5))
def test_the_order_of_members_says_nothing(seed: int, count: int) -> None:
    world = World(seed)
    members = world.some(count)
    needed = world.rng.randint(1, count)
    mixed = world.rng.sample(members, count)
    for group in (every, either, lambda *of: least(needed, *of)):
        assert world.says(group(*members)) == world.says(group(*mixed))


@given(SEEDS)
def test_the_order_of_facts_says_nothing(seed: int) -> None:
    world = World(seed)
    node = criterion(world.rng, 3)
    mixed = tuple(world.rng.sample(world.facts, len(world.facts)))
    assert said(node, mixed, world.day) == world.says(node)


# Every assignment: a leaf for each of three vital signs, recorded as high (met), low (not met) or not at all.
LEAVES = tuple(q.Vital(loinc=f"{n}-0", min=Decimal(1), unit="1") for n in range(3))
VALUES: Final = {Verdict.MET: Decimal(2), Verdict.NOT_MET: Decimal(0)}


def patient(verdicts: Sequence[Verdict]) -> Facts:
    """Return the patient in whom the leaves have these verdicts."""
    return tuple(
        f.Vital(evidence=HERE, loinc=f"{n}-0", value=VALUES[one], unit="1", effective="2026-01-01")
        for n, one in enumerate(verdicts)
        if one in VALUES
    )


def shapes(rng: Random, depth: int) -> Any:
    """Return a random group over the three leaves."""
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(LEAVES)
    members = [shapes(rng, depth - 1) for _ in range(rng.randint(1, 3))]
    return rng.choice(
        (every(*members), either(*members), no(members[0]), least(rng.randint(1, len(members)), *members))
    )


DAY = date(2026, 6, 1)


@pytest.mark.parametrize("law", LAWS)
def test_law_for_every_assignment(law: str) -> None:
    one, other = LAWS[law](*LEAVES)
    for verdicts in product(Verdict, repeat=3):
        assert said(one, patient(verdicts), DAY) == said(other, patient(verdicts), DAY)


def settled(verdicts: Sequence[Verdict]) -> Iterator[tuple[Verdict, ...]]:
    """Yield all that the unknown leaves may turn out to be."""
    known = (Verdict.MET, Verdict.NOT_MET)
    yield from product(*(known if one is Verdict.UNKNOWN else (one,) for one in verdicts))


@given(SEEDS)
def test_settling_an_unknown_leaf_never_turns_a_group(seed: int) -> None:
    node = shapes(Random(seed), 3)
    for verdicts in product(Verdict, repeat=3):
        before = said(node, patient(verdicts), DAY)[0]
        after = {said(node, patient(full), DAY)[0] for full in settled(verdicts)}
        assert before is Verdict.UNKNOWN or after == {before}


# What a record may leave out: fields that narrow a finding, and the exactness of dates.
FORGETTABLE: Final[Mapping[type[Any], tuple[str, ...]]] = {
    f.Demographics: ("birth_date",),
    f.Variant: ("coding_change", "exon", "allele_fraction", "oncogenic", "tier", "molecular_function"),
    f.CopyNumber: ("call", "copies"),
    f.Signature: ("status", "unit", "assay"),
    f.Marker: ("status", "score_kind", "method"),
    f.Lab: ("unit", "upper_limit"),
    f.Vital: ("unit",),
    # Not the line: a third one tells of two more, which a list that is stated to be complete may lack.
    f.Therapy: ("intent", "end", "ongoing", "outcome", "stop_reason"),
    f.Condition: ("active",),
    f.Medication: ("active",),
    f.Location: ("country", "region"),
}
DATES: Final = ("effective", "birth_date", "start", "end")


def _begins_later(fact: f.AnyFact, day: date) -> bool:
    when = span(begins(fact))
    return when is not None and when.end.date() > day


def _contradicts_itself(fact: f.AnyFact) -> bool:
    """Return whether a treatment ends before it begins, goes on after its end, or begins at two times."""
    if not isinstance(fact, f.Therapy):
        return False
    start, end = span(begins(fact)), span(fact.end)
    turned = start is not None and end is not None and end.start < start.end
    return turned or bool(fact.ongoing and fact.end) or bool(fact.start and fact.effective)


def _coarser(text: str) -> list[str | None]:
    """Return the dates that say less than this one; a moment in another zone may lie on another day."""
    when = span(text)
    day = when.start.date().isoformat()[: len(text)] if when else ""
    return [None, *(day[:length] for length in (4, 7, 10) if length < len(text))]


def less_said(rng: Random, fact: Any) -> Any:
    """Return a fact that says the same, less exactly: a date without its day, month or year, or a detail left out.

    What was not found or not given is left as it is: less detail there would claim more.
    """
    if not getattr(fact, "present", True) or not getattr(fact, "given", True):
        return fact
    dates = [name for name in DATES if span(getattr(fact, name, None))]
    if dates and rng.random() < 0.5:
        name = rng.choice(dates)
        return msgspec.structs.replace(fact, **{name: rng.choice(_coarser(getattr(fact, name)))})
    names = [name for name in FORGETTABLE.get(type(fact), ()) if getattr(fact, name) is not None]
    if isinstance(fact, f.Marker) and fact.score is not None and "status" in names:
        # A score has a status of its own, which the one that is recorded may contradict.
        names.remove("status")
    if isinstance(fact, f.Marker) and fact.score is None and "score_kind" in names:
        # The kind of no score is not a detail of anything.
        names.remove("score_kind")
    return msgspec.structs.replace(fact, **{rng.choice(names): None}) if names else fact


@given(SEEDS)
def test_learning_what_a_record_left_out_never_turns_an_answer(seed: int) -> None:
    world = World(seed)
    past = [x for x in world.facts if not (_begins_later(x, world.day) or _contradicts_itself(x))]
    before = tuple(less_said(world.rng, fact) if world.rng.random() < 0.4 else fact for fact in past)
    for _ in range(20):
        node = criterion(world.rng, 0)
        was, now = said(node, before, world.day)[0], said(node, tuple(past), world.day)[0]
        # Two exact dates of birth may disagree where a coarse one did not.
        assert was in (Verdict.UNKNOWN, now) or (isinstance(node, q.Age) and now is Verdict.UNKNOWN), node


@pytest.mark.parametrize("partner", [None, "EML4", "KIF5B"])
def test_learning_the_partner_of_a_fusion_never_turns_an_answer(partner: str | None) -> None:
    known = said(q.Fusion(gene="ALK", partner="EML4"), (f.Fusion(evidence=HERE, gene="ALK", partner=partner),), DAY)
    assert known[0] is {None: Verdict.UNKNOWN, "EML4": Verdict.MET, "KIF5B": Verdict.NOT_MET}[partner]


@given(SEEDS)
def test_facts_of_other_kinds_say_nothing(seed: int) -> None:
    world = World(seed)
    node = criterion(world.rng, 2)
    dated = f.Vital(evidence=HERE, loinc="0-0", value=Decimal(1), effective="2020-01-01")
    assert said(node, (*world.facts, dated), world.day) == world.says(node)
