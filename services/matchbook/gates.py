"""The gates between an eligible match and its approval. Pure; nothing in a gate depends on the order in which things came."""

from collections.abc import Sequence

import msgspec

from trialbridge.contracts.errors import Undecodable
from trialbridge.contracts.events import Gate, MatchChanged, MatchReviewed, RegulatoryStatusSet, TrialPublished
from trialbridge.contracts.ids import ArmCode, DoseCode


class _Level(msgspec.Struct, frozen=True):
    code: str
    status: str = "open"


class _Arm(msgspec.Struct, frozen=True):
    code: str
    status: str = "open"
    dose_levels: tuple[_Level, ...] = ()


class _Definition(msgspec.Struct, frozen=True):
    arms: tuple[_Arm, ...] = ()


_DEFINITION = msgspec.json.Decoder(_Definition)


def check_trial(trial: TrialPublished) -> None:
    """Raise `Undecodable` ``trial.definition-invalid`` where arms and dose levels cannot be read."""
    try:
        _DEFINITION.decode(trial.definition)
    except msgspec.DecodeError:
        raise Undecodable("trial.definition-invalid", "The trial's arms cannot be read; publish it again.") from None


def gates_of(
    match: MatchChanged,
    trial: TrialPublished | None,
    regulatory: RegulatoryStatusSet | None,
    reviews: Sequence[MatchReviewed],
) -> tuple[Gate, ...]:
    """Return the gates in the order in which people read them; ``review`` is there only where the trial asks for it."""
    gates = [
        _clinical(match),
        _trial(trial, match.arm, match.dose),
        _regulatory(regulatory),
        _site(trial, regulatory),
        _consent(match),
    ]
    if trial is not None and trial.review:
        gates.append(_review(match, reviews))
    return tuple(gates)


def review_of(match: MatchChanged, reviews: Sequence[MatchReviewed]) -> MatchReviewed | None:
    """Return the decision that counts: one on the very explanation that the match has now, and not reopened."""
    for review in reviews:
        if review.explanation_digest == match.explanation_digest and review.decision != "reopen":
            return review
    return None


def _clinical(match: MatchChanged) -> Gate:
    reasons = {
        "eligible": "Every criterion is met.",
        "potentially": "Nothing fails for good; something is not known yet, or is not met now.",
        "not_eligible": "A criterion is not met.",
    }
    return Gate("clinical", match.outcome == "eligible", reasons[match.outcome])


def _trial(trial: TrialPublished | None, arm: ArmCode | None, dose: DoseCode | None) -> Gate:
    if trial is None:
        return Gate("trial", open=False, reason="The trial is not registered.")
    if trial.status != "open":
        return Gate("trial", open=False, reason=f"The trial is {trial.status}.", by=trial.lab)
    for words, status in _parts(trial, arm, dose):
        if status != "open":
            return Gate("trial", open=False, reason=f"{words} is {status}.", by=trial.lab)
    return Gate("trial", open=True, reason="The trial is open.", by=trial.lab)


def _parts(trial: TrialPublished, arm: ArmCode | None, dose: DoseCode | None) -> list[tuple[str, str]]:
    """Return the arm and the dose level with their statuses; one that the trial no longer has counts as closed."""
    if arm is None:
        return []
    found = {one.code: one for one in _DEFINITION.decode(trial.definition).arms}.get(arm)
    parts = [(f"Arm {arm}", found.status if found else "closed")]
    if dose is not None:
        levels = {one.code: one.status for one in found.dose_levels} if found else {}
        parts.append((f"Dose level {dose} of arm {arm}", levels.get(dose, "closed")))
    return parts


def _regulatory(status: RegulatoryStatusSet | None) -> Gate:
    if status is None:
        return Gate("regulatory", open=False, reason="No approval by an authority is recorded.")
    if status.hold:
        because = f": {status.hold_reason.rstrip('. ')}" if status.hold_reason else ""
        return Gate("regulatory", open=False, reason=f"The trial is on hold{because}.", by=status.authority)
    if not status.approved:
        return Gate("regulatory", open=False, reason="The trial is not approved by an authority.", by=status.authority)
    return Gate("regulatory", open=True, reason="An authority's approval is in force.", by=status.authority)


def _site(trial: TrialPublished | None, regulatory: RegulatoryStatusSet | None) -> Gate:
    active = regulatory.sites if regulatory else {}
    sites = sorted(
        site.id
        for site in (trial.sites if trial else ())
        if site.status == "recruiting" and active.get(site.id) != "inactive"
    )
    if not sites:
        return Gate("site", open=False, reason="No site recruits.")
    return Gate("site", open=True, reason="A site recruits.", by=", ".join(sites))


def _consent(match: MatchChanged) -> Gate:
    reasons = {
        "permit": "The patient permits research.",
        "deny": "The patient denies research.",
        "unknown": "No consent to research is recorded.",
    }
    return Gate("consent", match.consent == "permit", reasons[match.consent])


def _review(match: MatchChanged, reviews: Sequence[MatchReviewed]) -> Gate:
    review = review_of(match, reviews)
    if review is None:
        return Gate("review", open=False, reason=_why_no_review(match, reviews))
    words = "approved" if review.decision == "approve" else "declined"
    return Gate("review", review.decision == "approve", f"A named person {words} the match.", review.actor)


def _why_no_review(match: MatchChanged, reviews: Sequence[MatchReviewed]) -> str:
    if any(review.explanation_digest == match.explanation_digest for review in reviews):
        return "The review was opened again."
    if reviews:
        return "The match has changed since it was reviewed."
    return "A named person has to review the match."
