"""The use case of the real-time door: a group of messages becomes a bundle that is kept, and its patients' records go out.

The bundle and its ticket are those of the coat check, redeemed already: a replay issues the ticket again (ADR 0015).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
import zstandard

from services.gateway.clients import Client
from services.gateway.conversion import Bad, Converted, Converters, Row, archive, counted
from services.gateway.messages import Arrival, by_message
from trialbridge.contracts.documents import RECORDS, TICKETS, RecordDoc, TicketDoc
from trialbridge.contracts.errors import Poison, Refused, Unavailable
from trialbridge.contracts.events import RecordsReceived, TicketIssued
from trialbridge.contracts.ids import Pseudonyms, derive, digest, feed_id, record_id, ticket_id
from trialbridge.contracts.topics import EMR_RECORDS, FEED_COVERAGE
from trialbridge.emr.convert import TABLES
from trialbridge.emr.coverage import covered
from trialbridge.emr.hl7v2.converter import MEDIA_TYPE
from trialbridge.runtime.effects import Effects
from trialbridge.runtime.ports import KeyService, ObjectStore
from trialbridge.runtime.stage.lane import Links
from trialbridge.runtime.stage.together import together
from trialbridge.vault.envelope import encrypt_object

REDEEMED: Final = 19_999
"""Version of the document of a ticket that was redeemed in its first issue, as the coat check counts."""
VALID: Final = timedelta(days=7)
FOLDER: Final = "gateway"
Faults = dict[int, list[Poison]]


@dataclass(slots=True)
class Delivering:
    """Makes groups of messages durable."""

    links: Links
    objects: ObjectStore
    keys: KeyService
    converters: Converters
    now: Callable[[], datetime]

    async def deliver(self, client: Client, arrivals: Sequence[Arrival]) -> list[Faults]:
        """Keep the messages and send what they say; return the faults of each arrival once all of it is durable.

        Raises `Unavailable` where a store, the log or a converter is away: nothing is acknowledged then.
        """
        created = self.now().isoformat()
        bodies = [(one.name, one.body) for one in arrivals]
        # What is stored does not depend on what it says, so that neither waits for the other.
        converted, ticket = await asyncio.gather(
            self.converters.run(client, created, bodies), self._keep(client, created, archive(bodies))
        )
        async with together(self.links, ticket) as effects:
            _cause(effects, ticket, converted, self.keys.pseudonyms(), self.now())
        found: dict[str, list[Poison]] = {}
        for bad in converted.bad:
            found.setdefault(bad.place.entry or "", []).append(bad.error())
        return [by_message(found.get(str(number), ())) for number in range(1, len(arrivals) + 1)]

    async def _keep(self, client: Client, created: str, plain: bytes) -> TicketIssued:
        """Store the bundle, encrypted for its tenant; return its ticket."""
        body, metadata = await encrypt_object(zstandard.compress(plain, 3), self.keys, tenant=client.tenant)
        sha256 = digest(body)
        # The cipher's nonce is random: no other body has this digest, so the name is new.
        key = f"{FOLDER}/{client.tenant}/{created[:10]}/{derive('msg', (client.source, sha256))}"
        try:
            info = await self.objects.put(key, body, metadata)
        except Refused:
            raise Unavailable("gateway.object-refused", "The object store did not take a group of messages.") from None
        return TicketIssued(
            ticket=ticket_id(client.tenant, info.uri, info.version),
            network=client.network,
            tenant=client.tenant,
            source=client.source,
            object_uri=info.uri,
            object_version=info.version,
            size=len(body),
            sha256=sha256,
            media_type=MEDIA_TYPE,
            created=created,
            expires=(datetime.fromisoformat(created) + VALID).isoformat(),
        )


def _cause(effects: Effects, ticket: TicketIssued, converted: Converted, pseudonyms: Pseudonyms, now: datetime) -> None:
    """Note all that a group of messages causes: records, their documents, what was set aside, and the ticket's outcome."""
    for row in converted.rows:
        record, document = rows_of(ticket, row, pseudonyms)
        effects.emit(EMR_RECORDS, record.key, record, ticket.network)
        effects.save(RECORDS, document)
    for bad in converted.bad:
        effects.set_aside(_located(bad, ticket), bad.payload, bad.payload_type)
    for code, count in converted.warnings.items():
        for _ in range(count):
            effects.warn(code)
    effects.save(TICKETS, document_of(ticket, converted, now))
    told = covered(ticket, msgspec.json.decode(converted.account))
    effects.emit(FEED_COVERAGE, feed_id(ticket.network, ticket.source), told, ticket.network)


def _located(bad: Bad, ticket: TicketIssued) -> Poison:
    return Poison(bad.code, bad.message, msgspec.structs.replace(bad.place, bundle=ticket.object_uri))


def rows_of(ticket: TicketIssued, row: Row, pseudonyms: Pseudonyms) -> tuple[RecordsReceived, RecordDoc]:
    """Return a part of a patient's records with its document, as the coat check makes them of the same bundle."""
    key = pseudonyms.source_patient(ticket.network, ticket.source, row.local_patient)
    identity = record_id(ticket.ticket, key, row.part)
    record = RecordsReceived(
        record=identity,
        network=ticket.network,
        tenant=ticket.tenant,
        source=ticket.source,
        local_patient=row.local_patient,
        key=key,
        ticket=ticket.ticket,
        bundle_sha256=ticket.sha256,
        received=ticket.created,
        resources=msgspec.Raw(row.resources),
        identifiers=row.identifiers,
        merges=row.merges,
        tables=TABLES,
    )
    document = RecordDoc(
        id=identity,
        version=ticket.issue,
        network=ticket.network,
        ticket=ticket.ticket,
        tenant=ticket.tenant,
        source=ticket.source,
        bundle_sha256=ticket.sha256,
        object_uri=ticket.object_uri,
        object_version=ticket.object_version,
        entries=row.entries,
        resources=row.count,
        received=ticket.created,
    )
    return record, document


def document_of(ticket: TicketIssued, converted: Converted, now: datetime) -> TicketDoc:
    """Return the document of a ticket that was redeemed as soon as it was issued."""
    first = _located(converted.bad[0], ticket) if converted.bad and not converted.rows else None
    doc = TicketDoc(
        id=ticket.ticket,
        version=REDEEMED,
        network=ticket.network,
        tenant=ticket.tenant,
        source=ticket.source,
        object_uri=ticket.object_uri,
        object_version=ticket.object_version,
        sha256=ticket.sha256,
        size=ticket.size,
        status="redeemed",
        issued=ticket.created,
        updated=now.isoformat(),
        patients=converted.patients,
        resources=sum(row.count for row in converted.rows),
        set_aside=len(converted.bad),
        media_type=ticket.media_type,
        created=ticket.created,
        expires=ticket.expires,
        issue=ticket.issue,
        account=msgspec.Raw(msgspec.json.encode(counted(converted.account) | {"patients": converted.patients})),
        warnings=converted.warnings,
    )
    if first is None:
        return doc
    # As the coat check says of a bundle in which nothing is good.
    return msgspec.structs.replace(
        doc, version=REDEEMED - 1, status="refused", code=first.code, message=first.message, place=first.place
    )
