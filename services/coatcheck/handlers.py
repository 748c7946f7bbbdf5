"""The use case of the coat check: a ticket comes in, its patients' records go out, and its outcome is kept.

A repeat gives the same effects under the same ids. What has been redeemed once stays redeemed, however old the ticket is.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from services.coatcheck.conversion import Delivery, joined
from services.coatcheck.redeeming import Redeemer
from services.coatcheck.tickets import MOST_ISSUES, Status, check_ticket, document, expired
from trialbridge.contracts.documents import RECORDS, TICKETS, TicketDoc
from trialbridge.contracts.errors import Place, Poison, Refused
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import feed_id
from trialbridge.contracts.topics import EMR_RECORDS, EMR_TICKETS, FEED_COVERAGE
from trialbridge.emr.coverage import covered
from trialbridge.runtime.effects import Effects, Origin, Received
from trialbridge.runtime.ports import DocumentStore


@dataclass(frozen=True, slots=True)
class Handlers:
    """The stage's handler over its ports."""

    redeemer: Redeemer
    documents: DocumentStore
    now: Callable[[], datetime]

    async def redeem_ticket(self, record: Received[TicketIssued], effects: Effects) -> None:
        """Redeem the ticket, or keep why not: waiting, expired or refused."""
        ticket = record.payload
        effects.name_origin(Origin(ticket.ticket, ticket.tenant, ticket.ticket))
        known = await self.documents.get(TICKETS, ticket.ticket)
        before = known is not None and known.status == "redeemed"
        try:
            check_ticket(ticket)
            if not before and expired(ticket, self.now()):
                error = Refused(
                    "ticket.expired", "The ticket was not redeemed in time; issue it again.", _place(ticket)
                )
                self._turn_away(ticket, known, "expired", error, effects)
                return
            deliveries = await self.redeemer.redeem(ticket)
            if deliveries is None and before:
                raise Refused("object.gone", "The object of a redeemed ticket is not there any more.")
            if deliveries is not None:
                await self._hand_out(ticket, known, deliveries, effects)
                return
        except Poison as error:
            self._turn_away(ticket, known, "refused", _within(error, ticket), effects)
            return
        effects.warn("ticket.early")
        effects.save(TICKETS, document(ticket, "waiting", self.now(), known))

    def _turn_away(
        self, ticket: TicketIssued, known: TicketDoc | None, status: Status, error: Poison, effects: Effects
    ) -> None:
        """Keep a ticket that brings nothing where people see it, and among the dead letters, from where it may be replayed."""
        effects.set_aside(error, msgspec.json.encode(ticket), EMR_TICKETS.type)
        if error.code == "ticket.id-mismatch" or not 0 < ticket.issue <= MOST_ISSUES:
            return  # the id, or the versions, may be another ticket's: its document is not for this one to change
        if known is None or known.status != "redeemed":
            effects.save(TICKETS, document(ticket, status, self.now(), known, error))

    async def _hand_out(
        self,
        ticket: TicketIssued,
        known: TicketDoc | None,
        deliveries: AsyncGenerator[Delivery, None],
        effects: Effects,
    ) -> None:
        """Send every patient's records; set bad ones aside; keep what came out. What comes in batches is sent in batches."""
        told = Told()
        async with aclosing(deliveries) as batches:
            async for delivery in batches:
                if told.batches:
                    await effects.release()
                told.add(delivery)
                self._send(ticket, delivery, effects)
        # Where nothing but bad records came out, the first of them says why the bundle is refused.
        error = told.first if not told.patients else None
        if error is not None and known is not None and known.status == "redeemed":
            return
        doc = document(ticket, "refused" if error else "redeemed", self.now(), known, error)
        counted = msgspec.structs.replace(
            doc,
            patients=told.patients,
            resources=told.resources,
            set_aside=told.set_aside,
            account=msgspec.Raw(msgspec.json.encode(told.account)),
            warnings=dict(told.warnings),
        )
        effects.save(TICKETS, counted)
        effects.emit(
            FEED_COVERAGE, feed_id(ticket.network, ticket.source), covered(ticket, told.account), ticket.network
        )

    def _send(self, ticket: TicketIssued, delivery: Delivery, effects: Effects) -> None:
        for record in delivery.records:
            effects.emit(EMR_RECORDS, record.key, record, ticket.network)
        for row in delivery.documents:
            effects.save(RECORDS, row)
        for bad in delivery.set_aside:
            effects.set_aside(bad.error, bad.payload, bad.payload_type)
        for code, count in delivery.warnings.items():
            for _ in range(count):
                effects.warn(code)


@dataclass(slots=True)
class Told:
    """What a bundle's batches have come to so far."""

    batches: int = 0
    patients: int = 0
    resources: int = 0
    set_aside: int = 0
    first: Poison | None = None
    """Why the first bad record is bad."""
    warnings: Counter[str] = field(default_factory=Counter)
    account: dict[str, Any] = field(default_factory=dict)

    def add(self, delivery: Delivery) -> None:
        """Count one batch."""
        self.batches += 1
        self.patients += delivery.patients
        self.resources += delivery.resources
        self.set_aside += len(delivery.set_aside)
        if self.first is None and delivery.set_aside:
            self.first = delivery.set_aside[0].error
        self.warnings.update(delivery.warnings)
        self.account = joined((self.account, delivery.account)) | {"patients": self.patients}


def _place(ticket: TicketIssued) -> Place:
    return Place(bundle=ticket.object_uri)


def _within(error: Poison, ticket: TicketIssued) -> Poison:
    """Return the error with the bundle in its place."""
    return Refused(error.code, error.message, msgspec.structs.replace(error.place, bundle=ticket.object_uri))
