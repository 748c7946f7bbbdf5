"""One match as its practice sees it: verdict by verdict, with evidence, gates, what is missing, and its life so far."""

from dataclasses import dataclass

from services.portal.views.criteria import Condition, Tally, conditions_of, explanation_of, tally_of
from services.portal.views.lines import change_line, why_now
from services.portal.views.people import Person
from services.portal.views.worklist import Row, read_rows
from services.portal.words import COST, GATE, kind_title
from trialbridge.contracts.documents import (
    MATCH_EVENTS,
    MATCHES,
    PATIENTS,
    MatchDoc,
    MatchEventDoc,
)
from trialbridge.contracts.events import Gate, SourceFreshness
from trialbridge.criteria.verdicts import Explanation
from trialbridge.runtime.ports import DocumentStore, Query

EVENTS_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Unknown:
    """What would settle an unknown criterion."""

    path: str
    title: str
    settle: str
    cost: str
    cost_word: str


@dataclass(frozen=True, slots=True)
class GateLine:
    """One gate."""

    name: str
    title: str
    open: bool
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class LifeStep:
    """One step in the match's life."""

    seq: int
    at: str
    status: str
    outcome: str
    as_of: str
    why: str
    digest: str


@dataclass(frozen=True, slots=True)
class Versions:
    """What exactly was evaluated."""

    trial_version: int
    trial_digest: str
    view_version: int
    view_digest: str
    explanation_digest: str
    tables: str


@dataclass(frozen=True, slots=True)
class MatchPage:
    """Everything that the practice may know of a match."""

    row: Row
    person: Person
    conditions: tuple[Condition, ...]
    tally: Tally
    missing: tuple[Unknown, ...]
    changes: tuple[str, ...]
    gates: tuple[GateLine, ...]
    life: tuple[LifeStep, ...]
    sources: tuple[SourceFreshness, ...]
    versions: Versions
    reasons: tuple[str, ...]

    @property
    def can_review(self) -> bool:
        """Return whether a named person is asked for."""
        return self.row.status == "awaiting_review"

    @property
    def can_reopen(self) -> bool:
        """Return whether a named person's decision is in force."""
        return any(gate.name == "review" and gate.by for gate in self.gates)


async def own_match(documents: DocumentStore, tenant: str, identity: str) -> MatchDoc | None:
    """Return the match if this practice holds its patient; otherwise None, as if it did not exist."""
    found = await documents.get(MATCHES, identity)
    return found if found is not None and tenant in found.tenants else None


async def read_match(documents: DocumentStore, tenant: str, identity: str) -> MatchPage | None:
    """Return the match's page, or None where this practice has no such match."""
    match = await own_match(documents, tenant, identity)
    if match is None:
        return None
    [row] = await read_rows(documents, tenant, [match])
    events, _ = await documents.find(MATCH_EVENTS, Query({"match": identity}, "seq", EVENTS_AT_MOST))
    patient = await documents.get(PATIENTS, match.patient)
    explanation = explanation_of(match.explanation)
    conditions = conditions_of(explanation)
    return MatchPage(
        row=row,
        person=row.person,
        conditions=conditions,
        tally=tally_of(conditions),
        missing=_missing(explanation),
        changes=tuple(change_line(change) for change in match.why_now),
        gates=gate_lines(match.gates),
        life=tuple(_step(event) for event in events),
        sources=tuple(patient.sources) if patient else (),
        versions=_versions(match, explanation),
        reasons=match.reasons,
    )


def gate_lines(gates: tuple[Gate, ...]) -> tuple[GateLine, ...]:
    """Return the gates with their names in words."""
    return tuple(GateLine(gate.name, GATE.get(gate.name, gate.name), gate.open, gate.reason, gate.by) for gate in gates)


def _step(event: MatchEventDoc) -> LifeStep:
    return LifeStep(
        event.seq,
        event.at,
        event.status,
        event.outcome,
        event.as_of,
        why_now(event.why_now, event.cause),
        event.explanation_digest,
    )


def _versions(match: MatchDoc, explanation: Explanation | None) -> Versions:
    return Versions(
        match.trial_version,
        match.trial_digest,
        match.view_version,
        match.view_digest,
        match.explanation_digest,
        explanation.tables if explanation else "",
    )


def _missing(explanation: Explanation | None) -> tuple[Unknown, ...]:
    found = explanation.missing if explanation else ()
    return tuple(
        Unknown(one.path, kind_title(one.kind), one.settle, one.cost, COST.get(one.cost, one.cost)) for one in found
    )
