"""The worst that a trial or a patient may be, in milliseconds: deep nesting, many leaves, many facts; and reading trials' text."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
import yaml

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.compiler import canonical, compile_text, load
from trialbridge.criteria.known import FactIndex, Known
from trialbridge.criteria.plan import TrialPlan
from trialbridge.criteria.telling import tell
from trialbridge.criteria.trial import Trial
from trialbridge.testkit.engine_load import TODAY, trials

DEPTHS: Final = (100, 200)
LEAVES: Final = (2_500, 5_000)
FACTS: Final = (5_000, 10_000)
TEXTS: Final = 40


def worst_cases() -> dict[str, Any]:
    """Return the processor time of each case at half its size and at its size: from trial and facts to explanations."""
    return {
        "nesting_depth": _case(DEPTHS, lambda depth: (_plan(_nested(depth)), _patient(100))),
        "leaves": _case(LEAVES, lambda leaves: (_plan(_wide(leaves)), _patient(200))),
        "facts": _case(FACTS, lambda facts: (_plan(_wide(50)), _patient(facts))),
    }


def _case(sizes: Sequence[int], make: Callable[[int], tuple[TrialPlan, list[f.AnyFact]]]) -> dict[str, float]:
    found = {}
    for size in sizes:
        plan, facts = make(size)
        best = min(_explained(plan, facts) for _ in range(3))
        found[f"milliseconds_at_{size}"] = round(best * 1e3, 2)
    return found


def _explained(plan: TrialPlan, facts: list[f.AnyFact]) -> float:
    began = time.process_time()
    for one in tell(plan, plan.branches, Known(FactIndex(facts), TODAY), "p"):
        one.raw()
    return time.process_time() - began


def _plan(criteria: Any) -> TrialPlan:
    return load(canonical(Trial(id="WORST", criteria=criteria)))


def _leaf(number: int) -> q.Vital:
    return q.Vital(loinc=f"{number % 9999}-0", min=Decimal(number % 7), unit="1")


def _nested(depth: int) -> Any:
    node: Any = _leaf(0)
    for number in range(1, depth + 1):
        node = (q.All if number % 2 else q.Any)(of=(node, _leaf(number)))
    return node


def _wide(leaves: int) -> Any:
    rows = range(0, leaves, 10)
    return q.All(of=tuple(q.Any(of=tuple(_leaf(first + more) for more in range(10))) for first in rows))


def _patient(facts: int) -> list[f.AnyFact]:
    return [
        f.Vital(
            evidence=f.Evidence(resource=f"Observation/{number}"), loinc=f"{number % 40}-0", value=Decimal(number % 11),
            unit="1", effective=(TODAY - timedelta(days=number % 900)).isoformat(),
        )
        for number in range(facts)
    ]  # fmt: skip


def reading(seed: int) -> dict[str, float]:
    """Return the processor time of compiling a trial of the load from its text, in milliseconds."""
    as_json = list(trials(TEXTS, seed))
    as_yaml = [yaml.safe_dump(msgspec.json.decode(text), sort_keys=False) for text in as_json]
    return {
        "milliseconds_per_json_trial": round(_compiled(as_json) * 1e3, 2),
        "milliseconds_per_yaml_trial": round(_compiled(as_yaml) * 1e3, 2),
    }


def _compiled(texts: Sequence[str]) -> float:
    compile_text(texts[0])
    began = time.process_time()
    for text in texts:
        compile_text(text)
    return (time.process_time() - began) / len(texts)
