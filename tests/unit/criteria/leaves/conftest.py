"""A leaf and a patient in one line each, answered by the engine and by the oracle, who must agree."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.testkit.oracle import Patient, judge

AS_OF = date(2026, 6, 1)
Answer = Callable[..., str]


@pytest.fixture
def answer() -> Answer:
    """Return what a leaf (YAML flow style) says of some facts: the verdict, with ``!`` where it does not turn any more."""

    def ask(leaf: str, *facts: Any, as_of: date = AS_OF) -> str:
        compiled = compile_text(f"id: T\ncriteria: {{{leaf}}}\n")
        assert compiled.ok, compiled.diagnostics
        assert compiled.trial is not None
        assert compiled.trial.criteria is not None
        found = evaluate(load(compiled.definition), FactIndex(facts), as_of, "p")[0].criteria[0]
        assert (found.verdict, found.recoverable) == judge(compiled.trial.criteria, Patient(facts, as_of))
        return found.verdict.value + ("" if found.recoverable else "!")

    return ask
