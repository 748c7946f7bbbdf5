"""A patient and a criterion in one line each."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest

from trialbridge.criteria import facts as f
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.verdicts import Explanation

AS_OF = date(2026, 6, 1)
EVIDENCE = f.Evidence(resource="Observation/1")
Judge = Callable[..., str]


def explain(criteria: str, facts: Sequence[f.AnyFact], as_of: date = AS_OF) -> Explanation:
    compiled = compile_text(f"id: T\ncriteria:\n  {criteria}\n")
    assert compiled.ok, compiled.diagnostics
    return evaluate(load(compiled.definition), FactIndex(facts), as_of, "p")[0]


@pytest.fixture
def judge() -> Judge:
    """Return the verdict of a criterion (YAML flow style) for some facts."""

    def verdict(criteria: str, *facts: Any, as_of: date = AS_OF) -> str:
        return explain(criteria, facts, as_of).criteria[0].verdict.value

    return verdict
