"""Whatever a trial is spoilt into, the compiler answers: with places, codes and advice, or with a trial that holds together."""

import traceback
from collections import Counter
from datetime import date
from random import Random

import pytest

from tests.unit.criteria.mutations import SOUND, spoilt
from trialbridge.criteria.codes import CODES
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.ctml_export import export
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.writing import surface_form, text_of

NOBODY = FactIndex(())
AS_OF = date(2026, 6, 1)


def check(text: str) -> str:
    """Compile a text; return what became of it."""
    compiled = compile_text(text)
    for one in compiled.diagnostics:
        assert one.code.removeprefix("trial.") in CODES
        assert one.path
        assert one.message.endswith(".")
        assert one.hint
        assert "Traceback" not in one.message
    refused = any(one.severity == "error" for one in compiled.diagnostics)
    assert compiled.ok != refused
    if compiled.trial is None:
        return "refused"
    plan = load(compiled.definition)
    assert len(evaluate(plan, NOBODY, AS_OF, "p")) == len(plan.branches)
    assert compile_text(text_of(surface_form(compiled.trial))).definition == compiled.definition
    written = export(compiled.trial)
    assert (written.document is None) == bool(written.diagnostics)
    return "accepted"


def run(count: int, seed: int) -> Counter[str]:
    rng = Random(seed)
    found: Counter[str] = Counter()
    for _ in range(count):
        text = spoilt(rng)
        try:
            found[check(text)] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, the test fails of it
            # The traceback of a deep recursion is more than pytest can show.
            print(text[:20_000], *traceback.format_exception(error, limit=-12))  # noqa: T201 - shown where the test fails
            pytest.fail(
                f"{type(error).__name__}: see the seed, the trial and the end of the traceback above", pytrace=False
            )
    return found


@pytest.mark.parametrize("text", SOUND)
def test_what_is_spoilt_was_sound(text: str) -> None:
    assert check(text) == "accepted"


def test_five_hundred_spoilt_trials(seed: int) -> None:
    found = run(500, seed)
    assert found["refused"] > 250
    assert found["accepted"] > 10, "of about forty"


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_ten_thousand_spoilt_trials(seed: int) -> None:
    found = run(10_000, seed)
    assert found.total() == 10_000
