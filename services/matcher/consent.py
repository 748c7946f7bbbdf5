"""The patient's consent to research, judged by the criteria engine itself; the matchbook's gate is made of it."""

from datetime import date
from typing import Literal

import msgspec

from trialbridge.criteria.compiler import load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.timers import next_flip
from trialbridge.criteria.verdicts import Verdict

Decision = Literal["permit", "deny", "unknown"]
_PLAN = load(msgspec.json.encode({"id": "consent", "criteria": {"kind": "consent"}}))
_WORDS: dict[Verdict, Decision] = {Verdict.MET: "permit", Verdict.NOT_MET: "deny", Verdict.UNKNOWN: "unknown"}
KINDS = _PLAN.kinds


def consent_of(facts: FactIndex, as_of: date) -> Decision:
    """Return the newest decision in force; unknown where none is, or where two of the same time disagree."""
    (explanation,) = evaluate(_PLAN, facts, as_of, "")
    return _WORDS[explanation.criteria[0].verdict]


def consent_turns(facts: FactIndex, as_of: date) -> date | None:
    """Return the next day on which the decision in force may be another without a new record."""
    return next_flip(_PLAN, facts, as_of)
