"""The use case of the coat check: a ticket comes in, its patients' records go out, and its outcome is kept.

A repeat gives the same effects under the same ids. What has been redeemed once stays redeemed, however old the ticket is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.coatcheck.conversion import Delivery
from services.coatcheck.redeeming import Redeemer
from services.coatcheck.tickets import MOST_ISSUES, Status, check_ticket, document, expired
from trialbridge.contracts.documents import RECORDS, TICKETS, TicketDoc
from trialbridge.contracts.errors import Place, Poison, Refused
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.topics import EMR_RECORDS, EMR_TICKETS
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
            delivery = await self.redeemer.redeem(ticket)
            if delivery is None and before:
                raise Refused("object.gone", "The object of a redeemed ticket is not there any more.")
        except Poison as error:
            self._turn_away(ticket, known, "refused", _within(error, ticket), effects)
            return
        if delivery is None:
            effects.warn("ticket.early")
            effects.save(TICKETS, document(ticket, "waiting", self.now(), known))
            return
        self._hand_out(ticket, known, delivery, effects)

    def _turn_away(
        self, ticket: TicketIssued, known: TicketDoc | None, status: Status, error: Poison, effects: Effects
    ) -> None:
        """Keep a ticket that brings nothing where people see it, and among the dead letters, from where it may be replayed."""
        effects.set_aside(error, msgspec.json.encode(ticket), EMR_TICKETS.type)
        if error.code == "ticket.id-mismatch" or not 0 < ticket.issue <= MOST_ISSUES:
            return  # the id, or the versions, may be another ticket's: its document is not for this one to change
        if known is None or known.status != "redeemed":
            effects.save(TICKETS, document(ticket, status, self.now(), known, error))

    def _hand_out(self, ticket: TicketIssued, known: TicketDoc | None, delivery: Delivery, effects: Effects) -> None:
        """Send every patient's records; set bad ones aside; keep what came out."""
        for record in delivery.records:
            effects.emit(EMR_RECORDS, record.key, record, ticket.network)
        for row in delivery.documents:
            effects.save(RECORDS, row)
        for bad in delivery.set_aside:
            effects.set_aside(bad.error, bad.payload, bad.payload_type)
        for code, count in delivery.warnings.items():
            for _ in range(count):
                effects.warn(code)
        # Where nothing but bad records came out, the first of them says why the bundle is refused.
        error = delivery.set_aside[0].error if delivery.set_aside and not delivery.patients else None
        if error is not None and known is not None and known.status == "redeemed":
            return
        doc = document(ticket, "refused" if error else "redeemed", self.now(), known, error)
        counted = msgspec.structs.replace(
            doc,
            patients=delivery.patients,
            resources=delivery.resources,
            set_aside=len(delivery.set_aside),
            account=msgspec.Raw(msgspec.json.encode(delivery.account)),
            warnings=dict(delivery.warnings),
        )
        effects.save(TICKETS, counted)


def _place(ticket: TicketIssued) -> Place:
    return Place(bundle=ticket.object_uri)


def _within(error: Poison, ticket: TicketIssued) -> Poison:
    """Return the error with the bundle in its place."""
    return Refused(error.code, error.message, msgspec.structs.replace(error.place, bundle=ticket.object_uri))
