"""Each example of the language's pages has the verdict that its page says, and the pages leave nothing out."""

from datetime import date

import pytest

from tests.unit.criteria.language_examples import Example, examples
from trialbridge.criteria import facts as f
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.surface import GROUPS, NODES
from trialbridge.criteria.verdicts import Verdict
from trialbridge.criteria.writing import text_of

AS_OF = date(2026, 6, 1)
EVERY = examples()


@pytest.mark.parametrize(
    "example", [one for rows, _ in EVERY.values() for one in rows], ids=lambda one: f"{one.kind}: {one.when}"
)
def test_an_example_has_its_verdict(example: Example) -> None:
    compiled = compile_text(text_of(example.trial))
    assert compiled.trial is not None, compiled.diagnostics
    found = evaluate(load(compiled.definition), FactIndex(example.known()), AS_OF, "p")[0].criteria[0]
    assert found.verdict.value == example.verdict, found.reason


def test_there_is_a_page_for_each_kind_of_criterion() -> None:
    assert set(EVERY) == set(NODES)


@pytest.mark.parametrize("kind", sorted(EVERY))
def test_each_verdict_has_an_example_unless_there_is_none(kind: str) -> None:
    rows, never = EVERY[kind]
    assert {one.verdict for one in rows} == {verdict.value for verdict in Verdict} - never
    order = [verdict.value for verdict in Verdict]
    assert [one.verdict for one in rows] == sorted((one.verdict for one in rows), key=order.index)


@pytest.mark.parametrize("kind", sorted(set(EVERY) - set(GROUPS)))
def test_each_key_is_in_an_example(kind: str) -> None:
    rows, _ = EVERY[kind]
    used = {key for one in rows for key in one.ask}
    assert used == set(NODES[kind].__struct_fields__)


def test_each_kind_of_fact_is_in_an_example() -> None:
    used = {type(fact) for rows, _ in EVERY.values() for one in rows for fact in one.known()}
    assert used == set(f.AnyFact.__args__)
