"""Early tickets: looks again for objects that were not there yet, ever more rarely, until the ticket expires."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.coatcheck.tickets import cause_of, document, expired, ticket_of
from trialbridge.contracts.documents import TICKETS, TicketDoc
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.topics import EMR_TICKETS
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, ObjectStore, Query


@dataclass(frozen=True, slots=True)
class WaitingRoom:
    """A background loop over waiting tickets. It only publishes them again: what becomes of them the handler decides."""

    documents: DocumentStore
    objects: ObjectStore
    now: Callable[[], datetime]
    interval: float
    """Seconds between two looks at the waiting room."""
    first: float
    """Seconds until a ticket's first second chance; doubled each time."""
    longest: float

    async def __call__(self, emitter: Emitter) -> None:
        """Look until cancelled; raises `Unavailable` when a store or the log is away."""
        while True:
            await self.call_up(emitter)
            await asyncio.sleep(self.interval)

    async def call_up(self, emitter: Emitter) -> int:
        """Publish again each waiting ticket whose object has come or whose time is over; return how many."""
        called = 0
        for doc in await collect(self.documents, TICKETS, Query(where={"status": "waiting"}, limit=100)):
            if self.due(doc) <= self.now():
                called += await self._try(doc, emitter)
        return called

    def due(self, doc: TicketDoc) -> datetime:
        """Return when to look for the ticket's object again."""
        wait = min(self.longest, self.first * 2 ** min(doc.attempts, 30))
        return datetime.fromisoformat(doc.updated) + timedelta(seconds=wait)

    async def _try(self, doc: TicketDoc, emitter: Emitter) -> bool:
        ticket, now = ticket_of(doc), self.now()
        ready = expired(ticket, now) or await self._there(ticket)
        if ready:
            await emitter.publish(EMR_TICKETS, ticket.ticket, ticket, ticket.network, cause_of(ticket))
        # Counted also where it was called up, so that it is not called again before the handler has had its turn.
        later = document(ticket, "waiting", now, doc, attempts=doc.attempts + 1)
        await self.documents.replace(TICKETS, later, doc.version)
        return ready

    async def _there(self, ticket: TicketIssued) -> bool:
        """Return whether the handler has something to decide: the object has come, or the store will never take its name."""
        try:
            return await self.objects.head(ticket.object_uri, ticket.object_version) is not None
        except Refused:
            return True
