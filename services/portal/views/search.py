"""The auditor's searches: matches by any opaque id, tickets by id or hash, and the audit trail."""

from dataclasses import dataclass

from trialbridge.contracts.documents import AUDITS, MATCHES, RECORDS, TICKETS, AuditDoc, RecordDoc, TicketDoc
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query, Scalar

FOUND_AT_MOST = 50
MATCHED_RECORDS = 500
Where = dict[str, Scalar | tuple[Scalar, ...]]


@dataclass(frozen=True, slots=True)
class Hit:
    """One match, by opaque ids."""

    id: str
    patient: str
    trial: str
    arm: str
    status: str
    as_of: str
    changed: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found."""

    matches: tuple[Hit, ...] = ()
    tickets: tuple[TicketDoc, ...] = ()

    @property
    def nothing(self) -> bool:
        """Return whether there is neither match nor ticket."""
        return not self.matches and not self.tickets


async def search(documents: DocumentStore, asked: str) -> Found:
    """Return matches by their own id or by patient, trial, record, ticket or bundle hash, and the tickets meant.

    An empty search returns the matches that changed last.
    """
    if not asked:
        return Found(await _matches(documents, {}))
    own = await documents.get(MATCHES, asked)
    if own is not None:
        return Found(await _matches(documents, {"id": asked}))
    for field in ("patient", "trial"):
        found = await _matches(documents, {field: asked})
        if found:
            return Found(found)
    return await _by_origin(documents, asked)


async def _by_origin(documents: DocumentStore, asked: str) -> Found:
    """Return what rests on a record, on a ticket, or on the bundle with a hash."""
    records = [one for one in [await documents.get(RECORDS, asked)] if one is not None]
    for field in ("ticket", "bundle_sha256"):
        if not records:
            records = await _records(documents, {field: asked})
    tickets = await documents.get_many(TICKETS, sorted({asked, *(one.ticket for one in records)}))
    where: Where = {"records": tuple(sorted(one.id for one in records))}
    matches = await _matches(documents, where) if records else ()
    return Found(matches, tuple(tickets.values()))


async def _records(documents: DocumentStore, where: Where) -> list[RecordDoc]:
    return (await collect(documents, RECORDS, Query(where, limit=200)))[:MATCHED_RECORDS]


async def _matches(documents: DocumentStore, where: Where) -> tuple[Hit, ...]:
    docs, _ = await documents.find(MATCHES, Query(where, "-changed", FOUND_AT_MOST))
    return tuple(Hit(doc.id, doc.patient, doc.trial, doc.arm, doc.status, doc.as_of, doc.changed) for doc in docs)


async def read_audit(
    documents: DocumentStore, filters: dict[str, str], after: str | None, size: int
) -> tuple[list[AuditDoc], str | None]:
    """Return one page of the audit trail, newest first; ``filters`` by actor, subject, action or tenant."""
    where: Where = {name: value for name, value in filters.items() if value}
    return await documents.find(AUDITS, Query(where, "-at", size, after))
