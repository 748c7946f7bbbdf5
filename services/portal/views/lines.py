"""One line for a match: why, why not or what is missing, and why now. Pure."""

from services.portal.views.criteria import conditions_of, is_negated, telling
from services.portal.words import GATE, VERDICT, cause
from trialbridge.contracts.documents import MatchDoc
from trialbridge.contracts.events import Change, Gate
from trialbridge.criteria.verdicts import Explanation, Verdict


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
    negated = is_negated(change.path)
    before, after = _verdict(change.before, negated=negated), _verdict(change.after, negated=negated)
    what = (change.reason or change.path).rstrip(".")
    return f"{what} (was {before}, now {after})" if before else f"{what} (now {after})"


def closed_gates(gates: tuple[Gate, ...]) -> str:
    """Return why gates are closed, or nothing where all are open."""
    closed = [gate for gate in gates if not gate.open and gate.name != "clinical"]
    return " ".join(f"{gate.reason.rstrip('.') or GATE.get(gate.name, gate.name)}." for gate in closed)


def _missing(match: MatchDoc, explanation: Explanation | None) -> str:
    if explanation is None or not explanation.missing:
        return f"{match.missing} facts are not known yet." if match.missing else _against(match, explanation)
    more = len(explanation.missing) - 1
    return f"Missing: {explanation.missing[0].settle.rstrip('.')}" + (f", and {more} more." if more else ".")


def _met(explanation: Explanation | None) -> str:
    conditions = conditions_of(explanation)
    return f"All {len(conditions)} conditions are met and every gate is open." if conditions else "Every gate is open."


def _against(match: MatchDoc, explanation: Explanation | None) -> str:
    for one in conditions_of(explanation):
        if one.verdict == Verdict.NOT_MET.value:
            return telling(one).reason
    return match.reasons[0] if match.reasons else closed_gates(match.gates) or "It is no longer proposed."


def _verdict(value: str, *, negated: bool) -> str:
    word = VERDICT.get(f"negated_{value}" if negated else value)
    return word.text.lower() if word else value.replace("_", " ")
