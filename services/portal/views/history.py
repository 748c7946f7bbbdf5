"""The auditor's way: a match's life from the bundle's hash to the message that was sent. Opaque ids only."""

from dataclasses import dataclass

from services.portal.views.match import LifeStep, life_step
from trialbridge.contracts.documents import (
    AUDITS,
    DELIVERIES,
    MATCH_EVENTS,
    MATCHES,
    NOTIFICATIONS,
    RECORDS,
    TICKETS,
    AuditDoc,
    MatchDoc,
    MatchEventDoc,
    RecordDoc,
    TicketDoc,
)
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query, Scalar

FOUND_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Origin:
    """One delivery that a match rests on."""

    record: str
    ticket: str
    source: str
    bundle_sha256: str
    object_uri: str
    object_version: str
    received: str
    status: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that went out."""

    id: str
    tenant: str
    kind: str
    created: str
    delivery: str


@dataclass(frozen=True, slots=True)
class History:
    """Everything that is known of how a match came about."""

    match: MatchDoc
    origins: tuple[Origin, ...]
    life: tuple[LifeStep, ...]
    events: tuple[MatchEventDoc, ...]
    sent: tuple[Sent, ...]


async def search(documents: DocumentStore, asked: str) -> list[MatchDoc]:
    """Return matches by their own id, or by the id of a patient, trial or ticket."""
    asked = asked.strip()
    if not asked:
        found, _ = await documents.find(MATCHES, Query({}, "-changed", FOUND_AT_MOST))
        return found
    own = await documents.get(MATCHES, asked)
    if own is not None:
        return [own]
    for field in ("patient", "trial"):
        found, _ = await documents.find(MATCHES, Query({field: asked}, "-changed", FOUND_AT_MOST))
        if found:
            return found
    return await _of_ticket(documents, asked)


async def _of_ticket(documents: DocumentStore, ticket: str) -> list[MatchDoc]:
    records = {doc.id for doc in await collect(documents, RECORDS, Query({"ticket": ticket}, limit=200))}
    if not records:
        return []
    where: dict[str, Scalar | tuple[Scalar, ...]] = {"records": tuple(sorted(records))}
    found, _ = await documents.find(MATCHES, Query(where, "-changed", FOUND_AT_MOST))
    return found


async def read_history(documents: DocumentStore, id: str) -> History | None:
    """Return a match's history, None where there is no such match."""
    match = await documents.get(MATCHES, id)
    if match is None:
        return None
    events = await collect(documents, MATCH_EVENTS, Query({"match": id}, "seq", 200))
    wanted = sorted({record for event in events for record in event.records} | set(match.records))
    records = await documents.get_many(RECORDS, wanted)
    tickets = await documents.get_many(TICKETS, sorted({doc.ticket for doc in records.values()}))
    return History(
        match,
        tuple(_origin(records[record], tickets.get(records[record].ticket)) for record in wanted if record in records),
        tuple(life_step(event) for event in events),
        tuple(events),
        await _sent(documents, id),
    )


def _origin(record: RecordDoc, ticket: TicketDoc | None) -> Origin:
    return Origin(
        record.id,
        record.ticket,
        record.source,
        record.bundle_sha256,
        record.object_uri,
        record.object_version,
        record.received,
        ticket.status if ticket else "",
    )


async def _sent(documents: DocumentStore, match: str) -> tuple[Sent, ...]:
    found = []
    for doc in await collect(documents, NOTIFICATIONS, Query({"match": match}, limit=200)):
        deliveries, _ = await documents.find(DELIVERIES, Query({"notification": doc.id}, limit=1))
        state = deliveries[0].status if deliveries else "inbox only"
        found.append(Sent(doc.id, doc.tenant, doc.kind, doc.created, state))
    return tuple(found)


async def read_audit(
    documents: DocumentStore, actor: str, subject: str, after: str | None, size: int
) -> tuple[list[AuditDoc], str | None]:
    """Return one page of the audit trail, newest first."""
    where: dict[str, Scalar | tuple[Scalar, ...]] = {}
    if actor:
        where["actor"] = actor
    if subject:
        where["subject"] = subject
    return await documents.find(AUDITS, Query(where, "-at", size, after))
