"""One line for a match: why, why not or what is missing, and why now. Pure."""

import msgspec

from services.portal.words import GATE, VERDICT, cause
from trialbridge.contracts.documents import MatchDoc
from trialbridge.contracts.events import Change, Gate
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Verdict

GROUPS = frozenset({"all", "any", "not", "none", "at_least", "and", "or", "group"})
"""Kinds that join criteria; only the others are counted."""


def explanation_of(raw: msgspec.Raw) -> Explanation | None:
    """Return the explanation of a document, or None where there is none (the engine has said nothing yet)."""
    try:
        return msgspec.json.decode(raw, type=Explanation)
    except msgspec.MsgspecError:
        return None


def leaves(explanation: Explanation) -> list[CriterionResult]:
    """Return the criteria that are not groups."""
    return [one for one in explanation.criteria if one.kind not in GROUPS]


def summary(match: MatchDoc, explanation: Explanation | None) -> str:
    """Return the line that says where the match stands and what to do about it."""
    match match.status:
        case "potentially":
            return _missing(match, explanation)
        case "held":
            return closed_gates(match.gates) or "Eligible, but a gate is closed."
        case "awaiting_review":
            return "Eligible; waits for a named person to review it."
        case "approved":
            return _met(explanation)
        case _:
            return _against(match, explanation)


def why_now(changes: tuple[Change, ...], reason: str) -> str:
    """Return what changed since the last look, or why there was a look at all."""
    if not changes:
        return cause(reason)
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return change_line(changes[0]) + more


def change_line(change: Change) -> str:
    """Return a change of verdict as one sentence."""
    before, after = _verdict(change.before), _verdict(change.after)
    what = (change.reason or change.path).rstrip(".")
    return f"{what} (was {before}, now {after})" if before else f"{what} (now {after})"


def closed_gates(gates: tuple[Gate, ...]) -> str:
    """Return the closed gates with their reasons, or nothing where all are open."""
    closed = [gate for gate in gates if not gate.open]
    return " ".join(f"{GATE.get(gate.name, gate.name)}: {gate.reason.rstrip('.')}." for gate in closed)


def _missing(match: MatchDoc, explanation: Explanation | None) -> str:
    if explanation is None or not explanation.missing:
        return f"{match.missing} facts are not known yet." if match.missing else "Not met now, but may change."
    more = len(explanation.missing) - 1
    return f"Missing: {explanation.missing[0].settle.rstrip('.')}" + (f" and {more} more." if more else ".")


def _met(explanation: Explanation | None) -> str:
    if explanation is None:
        return "All criteria are met."
    return f"All {len(leaves(explanation))} criteria are met and every gate is open."


def _against(match: MatchDoc, explanation: Explanation | None) -> str:
    for one in leaves(explanation) if explanation else []:
        if one.verdict is Verdict.NOT_MET:
            return one.reason
    return match.reasons[0] if match.reasons else closed_gates(match.gates) or "It is no longer proposed."


def _verdict(value: str) -> str:
    word = VERDICT.get(value)
    return word.text.lower() if word else value.replace("_", " ")
