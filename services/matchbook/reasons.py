"""Why a match stands as it does, in plain sentences that name criteria and gates but no value of the patient's."""

import msgspec

from services.matchbook.tables import Standing
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Verdict

IDENTITY = "identity"
"""The cause of a withdrawal where the records belong to another person now."""
_GROUPS = frozenset({"all", "any", "not", "at_least"})
_EXPLANATION = msgspec.json.Decoder(Explanation)


def explanation_of(standing: Standing) -> Explanation | None:
    """Return the decoded explanation, or None where it is none of ours."""
    try:
        return _EXPLANATION.decode(standing.match.explanation)
    except msgspec.DecodeError:
        return None


def reasons_of(standing: Standing) -> tuple[str, ...]:
    """Return the reasons, the clinical one first."""
    closed = tuple(gate.reason for gate in standing.gates if not gate.open and gate.name != "clinical")
    if standing.match.cause == IDENTITY and standing.match.event == "withdrawn":
        return ("The patient's records belong to another person now.",)
    clinical = _clinical(standing)
    if standing.status == "approved":
        return (clinical, *(gate.reason for gate in standing.gates if gate.name != "clinical"))
    return (clinical, *closed)


def _clinical(standing: Standing) -> str:
    explanation = explanation_of(standing)
    criteria = explanation.criteria if explanation else ()
    outcome = standing.match.outcome
    if outcome == "eligible":
        return _sentence("Every criterion is met", criteria, Verdict.MET)
    if outcome == "potentially":
        if any(one.verdict is Verdict.UNKNOWN for one in criteria):
            return _sentence("Not settled yet", criteria, Verdict.UNKNOWN)
        return _sentence("Not met now, which may change", criteria, Verdict.NOT_MET)
    return _sentence("No longer met", criteria, Verdict.NOT_MET)


def _sentence(words: str, criteria: tuple[CriterionResult, ...], verdict: Verdict) -> str:
    kinds = sorted(
        {one.kind.replace("_", " ") for one in criteria if one.verdict is verdict and one.kind not in _GROUPS}
    )
    return f"{words}: {', '.join(kinds)}." if kinds else f"{words}."
