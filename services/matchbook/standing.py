"""One step in a match's life: from what the engine said and the gates to a status and the decisions that follow. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from services.matchbook.gates import review_of
from services.matchbook.reasons import reasons_of
from services.matchbook.tables import Standing
from trialbridge.contracts.documents import MatchStatus
from trialbridge.contracts.events import (
    ApprovalDecided,
    Change,
    Gate,
    MatchChanged,
    MatchReviewed,
    TrialPublished,
)
from trialbridge.contracts.ids import EventId, TenantId


@dataclass(frozen=True, slots=True)
class Cause:
    """What makes a step."""

    event: EventId
    word: str
    """``engine`` where the match itself says why; else trial, regulatory or review."""
    at: str
    """Processing time."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a standing rests on."""

    match: MatchChanged
    trial: TrialPublished | None
    gates: tuple[Gate, ...]
    reviews: Sequence[MatchReviewed] = ()


def status_of(ground: Ground, *, ever_approved: bool) -> MatchStatus:
    """Return the status. Once approved, a match that may not go on is withdrawn; else it is held or closed."""
    match, gates = ground.match, ground.gates
    if match.event == "withdrawn" or match.outcome == "not_eligible":
        return "withdrawn" if ever_approved else "closed"
    over = ground.trial is not None and ground.trial.status == "closed"
    if over:
        return "withdrawn" if ever_approved else "closed"
    if match.outcome == "potentially":
        return "potentially"
    shut = {gate.name for gate in gates if not gate.open}
    if not shut:
        return "approved"
    if shut == {"review"} and review_of(match, ground.reviews) is None:
        return "awaiting_review"
    return "withdrawn" if ever_approved else "held"


def step(before: Standing | None, ground: Ground, cause: Cause) -> Standing:
    """Return the standing on new ground: ``before`` itself where nothing that it says has changed."""
    status = status_of(ground, ever_approved=before is not None and before.ever_approved)
    title = ground.trial.title if ground.trial else ""
    lab = ground.trial.lab if ground.trial else ""
    said = (ground.match, status, ground.gates, title, lab)
    if before is not None and said == (before.match, before.status, before.gates, before.title, before.lab):
        return before
    version = before.version + 1 if before else 1
    engine = before is None or ground.match != before.match
    after = Standing(
        match=ground.match,
        status=status,
        gates=ground.gates,
        title=title,
        lab=lab,
        version=version,
        cause=ground.match.cause if engine else cause.word,
        why_now=ground.match.why_now if engine else _gate_changes(before, ground.gates),
        at=cause.at,
        changed=before.changed if before and before.status == status else cause.at,
        by=cause.event,
        ever_approved=status == "approved" or (before is not None and before.ever_approved),
        told=before.told if before else (),
        decisions=before.decisions if before else (),
        decided=before.decided if before else 0,
    )
    return _decided(before, after)


def _gate_changes(before: Standing | None, gates: Sequence[Gate]) -> tuple[Change, ...]:
    was = {gate.name: gate for gate in before.gates} if before else {}
    return tuple(
        Change(f"gates.{gate.name}", _word(was.get(gate.name)), _word(gate), gate.reason)
        for gate in gates
        if _word(was.get(gate.name)) != _word(gate)
    )


def _word(gate: Gate | None) -> str:
    if gate is None:
        return ""
    return "open" if gate.open else "closed"


def _decided(before: Standing | None, after: Standing) -> Standing:
    """Return ``after`` with the decisions that it brings: each practice is told once of an approval and once of its end."""
    holding = after.match.tenants if after.status == "approved" else ()
    seq = before.decisions[-1].seq if before and before.decisions else 0
    decisions = []
    for tenants, decision in _news(after.told, holding):
        seq += 1
        decisions.append(_decision(after, seq, tenants, approved=decision))
    if not decisions:
        return after
    return msgspec.structs.replace(
        after, told=tuple(sorted(holding)), decisions=tuple(decisions), decided=after.version
    )


def _news(told: Sequence[TenantId], holding: Sequence[TenantId]) -> Iterator[tuple[tuple[TenantId, ...], bool]]:
    """Yield who has to be told what: False that the match is withdrawn for them, True that it is approved."""
    gone, come = sorted({*told} - {*holding}), sorted({*holding} - {*told})
    if gone:
        yield tuple(gone), False
    if come:
        yield tuple(come), True


def _decision(after: Standing, seq: int, tenants: tuple[TenantId, ...], *, approved: bool) -> ApprovalDecided:
    match = after.match
    return ApprovalDecided(
        match=match.match,
        network=match.network,
        patient=match.patient,
        tenants=tenants,
        trial=match.trial,
        arm=match.arm,
        dose=match.dose,
        seq=seq,
        decision="approved" if approved else "withdrawn",
        gates=after.gates,
        explanation_digest=match.explanation_digest,
        trial_title=after.title,
        trial_version=match.trial_version,
        view_digest=match.view_digest,
        as_of=match.as_of,
        reasons=reasons_of(after) if approved or after.status != "approved" else _MOVED,
        why_now=after.why_now,
    )


_MOVED = ("The practice no longer holds this patient.",)
