"""The auditor's way: a match's life from the bundle's hash to the message that was sent. Opaque ids and digests only."""

from dataclasses import dataclass

from services.portal.views.criteria import explanation_of
from services.portal.views.match import GateLine, gate_lines
from services.portal.words import VERDICT, cause
from trialbridge.contracts.documents import (
    DELIVERIES,
    MATCH_EVENTS,
    MATCHES,
    NOTIFICATIONS,
    RECORDS,
    TICKETS,
    DeliveryDoc,
    MatchDoc,
    MatchEventDoc,
    RecordDoc,
    TicketDoc,
)
from trialbridge.contracts.events import Change
from trialbridge.criteria.canonical import explanation_digest
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query


@dataclass(frozen=True, slots=True)
class Origin:
    """One delivery that a match rests on."""

    record: str
    ticket: str
    ticket_status: str
    source: str
    tenant: str
    bundle_sha256: str
    object_uri: str
    object_version: str
    entries: tuple[str, ...]
    resources: int
    received: str


@dataclass(frozen=True, slots=True)
class Step:
    """One decision in a match's life, without what it says of the patient."""

    seq: int
    at: str
    status: str
    outcome: str
    as_of: str
    cause: str
    changed: tuple[str, ...]
    """Criteria by path whose verdict differs from the step before."""
    gates: tuple[GateLine, ...]
    records: tuple[str, ...]
    view_version: int
    view_digest: str
    trial_version: int
    trial_digest: str
    explanation_digest: str
    intact: bool
    """True where the stored explanation still has the digest that was written beside it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that went out."""

    id: str
    tenant: str
    kind: str
    created: str
    delivery: str
    webhook: str
    attempts: int


@dataclass(frozen=True, slots=True)
class History:
    """Everything that is known of how a match came about."""

    id: str
    patient: str
    trial: str
    arm: str
    dose: str
    lab: str
    tenants: tuple[str, ...]
    status: str
    changed: str
    origins: tuple[Origin, ...]
    steps: tuple[Step, ...]
    sent: tuple[Sent, ...]

    @property
    def intact(self) -> bool:
        """Return whether every stored explanation still has its digest."""
        return all(step.intact for step in self.steps)


async def read_history(documents: DocumentStore, identity: str) -> History | None:
    """Return a match's history, None where there is no such match."""
    match = await documents.get(MATCHES, identity)
    if match is None:
        return None
    events = await collect(documents, MATCH_EVENTS, Query({"match": identity}, "seq", 200))
    return History(
        match.id,
        match.patient,
        match.trial,
        match.arm,
        match.dose,
        match.lab,
        match.tenants,
        match.status,
        match.changed,
        await _origins(documents, match, events),
        tuple(_step(event) for event in events),
        await _sent(documents, identity),
    )


def _step(event: MatchEventDoc) -> Step:
    explanation = explanation_of(event.explanation)
    return Step(
        event.seq,
        event.at,
        event.status,
        event.outcome,
        event.as_of,
        cause(event.cause),
        tuple(_change(change) for change in event.why_now),
        gate_lines(event.gates),
        event.records,
        event.view_version,
        event.view_digest,
        event.trial_version,
        event.trial_digest,
        event.explanation_digest,
        explanation is not None and explanation_digest(explanation) == event.explanation_digest,
    )


def _change(change: Change) -> str:
    """Return which criterion turned and how; the sentence about the patient stays out."""
    before, after = (VERDICT[one].text.lower() if one in VERDICT else one for one in (change.before, change.after))
    return f"{change.path}: {before} → {after}"


async def _origins(documents: DocumentStore, match: MatchDoc, events: list[MatchEventDoc]) -> tuple[Origin, ...]:
    wanted = sorted({record for event in events for record in event.records} | set(match.records))
    records = await documents.get_many(RECORDS, wanted)
    tickets = await documents.get_many(TICKETS, sorted({doc.ticket for doc in records.values()}))
    found = [_origin(records[record], tickets.get(records[record].ticket)) for record in wanted if record in records]
    return tuple(sorted(found, key=lambda one: (one.received, one.record)))


def _origin(record: RecordDoc, ticket: TicketDoc | None) -> Origin:
    return Origin(
        record.id,
        record.ticket,
        ticket.status if ticket else "",
        record.source,
        record.tenant,
        record.bundle_sha256,
        record.object_uri,
        record.object_version,
        record.entries,
        record.resources,
        record.received,
    )


async def _sent(documents: DocumentStore, match: str) -> tuple[Sent, ...]:
    found: list[Sent] = []
    for doc in await collect(documents, NOTIFICATIONS, Query({"match": match}, limit=200)):
        deliveries, _ = await documents.find(DELIVERIES, Query({"notification": doc.id}, limit=20))
        outbound: tuple[DeliveryDoc | None, ...] = tuple(deliveries) or (None,)
        found.extend(
            Sent(
                doc.id,
                doc.tenant,
                doc.kind,
                doc.created,
                one.status if one else "inbox only",
                one.id if one else "",
                one.attempts if one else 0,
            )
            for one in outbound
        )
    return tuple(sorted(found, key=lambda one: (one.created, one.id)))
