"""The engine, its index and its sweeps against the oracle, on random pairs of every leaf kind."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from random import Random
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.criteria import evaluate, index, known
from trialbridge.criteria import facts as f
from trialbridge.criteria.compiler import canonical, load
from trialbridge.criteria.dates import completed
from trialbridge.criteria.finding import MET
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.leaves import JUDGES, person, rearrangements, variants
from trialbridge.testkit import criteria_gen
from trialbridge.testkit.criteria_gen import random_trial
from trialbridge.testkit.criteria_gen_facts import random_facts
from trialbridge.testkit.criteria_gen_words import DAYS
from trialbridge.testkit.oracle import LEAVES, judge_trial
from trialbridge.testkit.oracle.__main__ import main
from trialbridge.testkit.oracle.compare import compare_pair, shrunk
from trialbridge.testkit.oracle.running import run, told

PAIRS = 10_000
NEVER_FAIL = {"tested", "procedure"}
"""Other tests may have been done, and other procedures elsewhere."""
GROUPS = {"all", "any", "not", "at_least"}


def reported(pairs: int, seed: int, workers: int = 1) -> dict[str, int]:
    """Return how often each kind had each verdict; fail with the first disagreement where there is one."""
    tally = run(pairs, seed, workers)
    if tally.disagreements:
        first = told(tally.disagreements[0])
        pytest.fail(f"{len(tally.disagreements)} disagreements, the first in {first}")
    assert tally.pairs >= pairs
    assert min(tally.outcomes[word] for word in ("eligible", "potentially", "not_eligible")) > pairs / 50
    return dict(tally.verdicts)


def test_engine_and_oracle_agree_and_every_kind_has_every_verdict(seed: int) -> None:
    verdicts = reported(PAIRS, seed)
    kinds = {str(kind.__struct_config__.tag) for kind in LEAVES} | GROUPS
    wanted = {f"{kind} {word}" for kind in kinds for word in ("met", "unknown", "not_met")}
    wanted -= {f"{kind} not_met" for kind in NEVER_FAIL}
    assert set(verdicts) == wanted
    rare = {name: count for name, count in verdicts.items() if count < PAIRS / 1000}
    assert not rare, "too seldom to be compared"


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_engine_and_oracle_agree_on_a_million_pairs(seed: int) -> None:
    reported(1_000_000, seed, workers=2)


def test_the_oracle_and_the_generator_know_every_leaf_kind() -> None:
    assert set(LEAVES) == set(JUDGES) == set(criteria_gen.LEAVES)


def _used(things: Iterable[Any], kind: type[msgspec.Struct]) -> set[str]:
    """Return the fields that are not left at their defaults in some of the things."""
    fields = msgspec.structs.fields(kind)
    return {one.name for thing in things for one in fields if getattr(thing, one.name) != one.default}


@pytest.mark.parametrize("kind", criteria_gen.LEAVES, ids=lambda kind: kind.__name__)
def test_the_generator_asks_for_every_field_of_a_leaf(kind: type[msgspec.Struct]) -> None:
    rng = Random(1)
    leaves = [criteria_gen.random_leaf(rng, kind) for _ in range(1_000)]
    assert _used(leaves, kind) == {field.name for field in msgspec.structs.fields(kind)}


UNREAD: Mapping[type[Any], set[str]] = {
    f.Demographics: {"effective"},
    f.Diagnosis: {"status"},
    f.Stage: {"system", "basis"},
    f.Variant: {"genomic_change"},
    f.Coverage: {"assay"},
    f.Lab: {"lower_limit", "name"},
    f.Therapy: {"codes"},
}
"""Fields that no criterion reads."""


@pytest.mark.parametrize("kind", get_args(f.AnyFact), ids=lambda kind: kind.__name__)
def test_the_generator_fills_every_field_of_a_fact(kind: type[msgspec.Struct]) -> None:
    rng = Random(1)
    facts = [fact for _ in range(300) for fact in random_facts(rng, DAYS[0]) if type(fact) is kind]
    assert _used(facts, kind) >= {field.name for field in msgspec.structs.fields(kind)} - UNREAD.get(kind, set())


def test_the_same_seed_makes_the_same_pairs() -> None:
    assert run(300, 7) == run(300, 7)
    assert run(300, 7) != run(300, 8)


def _everything_counts(facts: Any, *_: Any) -> tuple[list[Any], list[Any]]:
    return list(facts), []


FAULTS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "a germline test says what is in the tumour": (variants, "looked_at", lambda *_: True),
    "a negation says the same": (evaluate, "flip", lambda verdict: verdict),
    "everything may still turn": (evaluate, "_may_turn", lambda *_: True),
    "a birthday comes a day early": (person, "completed", lambda b, d, u: completed(b, d + timedelta(days=1), u)),
    "a word that may be meant is meant": (rearrangements, "overlap", lambda have, want: MET),
    "no result is too old": (known.Known, "in_period", lambda _, facts, period: _everything_counts(facts)),
    "a closed world is an open one": (evaluate, "_two_valued", lambda found: found),
    "patients of all panels are alike": (index, "tests_of", lambda *_: frozenset()),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_engine_is_found_out(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    owner, name, broken = FAULTS[fault]
    assert callable(getattr(owner, name))
    monkeypatch.setattr(owner, name, broken)
    # A fault at the edge of a day is met by few pairs: more of them are looked at until one shows it.
    assert any(run(1_000, seed).disagreements for seed in range(1, 9))


@given(st.integers(0, 2**32 - 1))
def test_nothing_turns_before_its_timer(seed: int) -> None:
    rng = Random(seed)
    written, standard = random_trial(rng)
    day = rng.choice(DAYS)
    facts = random_facts(rng, day)
    flip = evaluate.next_flip(load(canonical(standard)), FactIndex(facts), day)
    last = day + timedelta(days=1_500) if flip is None else flip - timedelta(days=1)
    between = {last, *(day + timedelta(days=rng.randint(0, (last - day).days)) for _ in range(4))}
    expected = judge_trial(written, facts, day)
    assert all(judge_trial(written, facts, one) == expected for one in between)


def test_a_disagreement_is_shown_with_no_more_facts_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "flip", lambda verdict: verdict)
    found = run(200, 1).disagreements[0]
    small = shrunk(found)
    assert len(small.facts) < len(found.facts)
    assert (small.what, small.path) in [one[:2] for one in compare_pair(small.trial, small.facts, small.as_of)]
    assert f"batch {found.batch}" in told(found)


def test_the_command_prints_progress_and_a_summary(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trialbridge.testkit.oracle.__main__.EVERY", 0.0)
    assert main(["--pairs", "200", "--seed", "5", "--workers", "1"]) == 0
    said = capsys.readouterr()
    found = msgspec.json.decode(said.out)
    assert (found["seed"], found["pairs"], found["disagreements"]) == (5, 200, 0)
    assert "200 of 200 pairs" in said.err
    monkeypatch.setattr(evaluate, "flip", lambda verdict: verdict)
    assert main(["--pairs", "200", "--workers", "1"]) == 1
    assert msgspec.json.decode(capsys.readouterr().out)["shown"]
