"""What people ask of the coat check: issue a ticket, replay a ticket or a dead letter, discard a dead letter."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from services.coatcheck.replay import republish
from services.coatcheck.tickets import cause_of, check_ticket, document, reissued, ticket_of
from trialbridge.contracts.documents import DEAD_LETTERS, TICKETS, CommandDoc, DeadLetterDoc
from trialbridge.contracts.errors import NOT_AS_DESCRIBED, Place, Refused, Unavailable
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import NetworkId, TicketId
from trialbridge.contracts.topics import EMR_TICKETS
from trialbridge.runtime.commands import Answer, Carrier, CommandDesk, read_body
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query
from trialbridge.runtime.stage import wire


class DiscardAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a ``discard`` command."""

    dead_letter: str
    reason: str
    """Why nobody needs it any more; for people, without anything of a patient."""


PAGE: Final = 500


class ReplayAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a ``replay`` command: one of the two."""

    dead_letter: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class TicketDesk:
    """Carries out the commands to the coat check. Everything published has a cause of its own: a repeat is no new event."""

    documents: DocumentStore
    seal: wire.Seal
    now: Callable[[], datetime]
    valid_for: timedelta
    """How long a ticket is good where its sender does not say, and after a replay."""

    def kinds(self) -> dict[str, Carrier]:
        """Return what the desk does, by kind of command."""
        return {"issue_ticket": self.issue_ticket, "replay": self.replay, "discard": self.discard}

    async def issue_ticket(self, command: CommandDoc, emitter: Emitter) -> Answer:
        """Publish a new ticket; raise `Refused` ``ticket.*`` where it does not hold together or its network has no key."""
        ticket = read_body(command, TicketIssued)
        now = self.now()
        if not ticket.expires:
            ticket = reissued(ticket, ticket.issue, now, self.valid_for)
        check_ticket(ticket)
        await self._check_network(ticket.network)
        known = await self.documents.get(TICKETS, ticket.ticket)
        await self.documents.upsert(TICKETS, [document(ticket, "issued", now, known)])
        await self._publish(ticket, emitter)
        return Answer({"ticket": ticket.ticket, "issue": ticket.issue})

    async def replay(self, command: CommandDoc, emitter: Emitter) -> Answer:
        """Send a ticket or what a dead letter holds through again; raise `Refused` ``replay.*`` where that cannot be."""
        asked = read_body(command, ReplayAsked)
        if bool(asked.dead_letter) == bool(asked.ticket):
            raise Refused("replay.malformed", "Name a dead_letter or a ticket.")
        if asked.ticket:
            return await self._replay_ticket(TicketId(asked.ticket), emitter)
        letter = await self.documents.get(DEAD_LETTERS, asked.dead_letter)
        if letter is None:
            raise Refused("replay.unknown", "There is no such dead letter.", Place(field="dead_letter"))
        if letter.status == "replayed":
            return Answer({"already": True}, message="It was sent through before; nothing was sent again.")
        # Looked up before anything is sent: what fails again meanwhile is newer, and stays open.
        others = await self._letters_of(letter.ticket) if letter.topic == EMR_TICKETS.name else []
        result = await self._send_through(letter, emitter)
        await self._close(letter, *others)
        return Answer(result)

    async def discard(self, command: CommandDoc, emitter: Emitter) -> Answer:
        """Close a dead letter that nobody needs; raise `Refused` ``discard.*``. It may still be replayed, and fails as before."""
        del emitter
        asked = read_body(command, DiscardAsked)
        if not asked.reason.strip():
            raise Refused("discard.no-reason", "Say why nobody needs it.", Place(field="reason"))
        letter = await self.documents.get(DEAD_LETTERS, asked.dead_letter)
        if letter is None:
            raise Refused("discard.unknown", "There is no such dead letter.", Place(field="dead_letter"))
        if letter.status == "discarded":
            return Answer({"already": True}, message="It was discarded before.")
        if letter.status != "open":
            raise Refused("discard.not-open", "It was sent through again; it is open only should it fail again.")
        closed = msgspec.structs.replace(letter, version=letter.version + 1, status="discarded", reason=asked.reason)
        if not await self.documents.replace(DEAD_LETTERS, closed, letter.version):
            raise Unavailable("coatcheck.contended", "The dead letter changes at this moment; it is tried again.")
        return Answer({"dead_letter": letter.id})

    async def _replay_ticket(self, identity: TicketId, emitter: Emitter) -> Answer:
        letters = await self._letters_of(identity)
        result = await self._reissue(await self._known(identity), emitter)
        await self._close(*letters)
        return Answer(result)

    async def _letters_of(self, ticket: str) -> list[DeadLetterDoc]:
        """Return the open letters of all that came with a ticket: when it is issued again, all of it is sent through."""
        if not ticket:
            return []
        return await collect(self.documents, DEAD_LETTERS, Query({"ticket": ticket, "status": "open"}, limit=PAGE))

    async def _close(self, *letters: DeadLetterDoc) -> None:
        for letter in letters:
            closed = msgspec.structs.replace(letter, version=letter.version + 1, status="replayed")
            await self.documents.replace(DEAD_LETTERS, closed, letter.version)

    async def _check_network(self, network: NetworkId) -> None:
        """Refuse a network whose records could not be sealed: no stage could even set them aside."""
        try:
            await self.seal.seal(network, "ticket", b"")
        except Refused:
            raise Refused(
                "ticket.unknown-network",
                "The key ring has no key for this network; check its name, or add one.",
                Place(field="network"),
            ) from None

    async def _send_through(self, letter: DeadLetterDoc, emitter: Emitter) -> dict[str, object]:
        """Publish what the letter holds. Of a bundle's bad records none is sent alone: its ticket is issued again."""
        if letter.topic != EMR_TICKETS.name or letter.payload_type == "message":
            return {"records": await republish(letter, self.seal, emitter)}
        if letter.payload_type != EMR_TICKETS.type:
            return await self._reissue(await self._known(TicketId(letter.key)), emitter)
        try:
            ticket = msgspec.json.decode(letter.payload, type=TicketIssued)
        except NOT_AS_DESCRIBED:
            raise Refused("replay.not-a-ticket", "What was set aside is not a ticket; have it issued anew.") from None
        return await self._reissue(ticket, emitter)

    async def _known(self, identity: TicketId) -> TicketIssued:
        doc = await self.documents.get(TICKETS, identity)
        if doc is None:
            raise Refused("replay.unknown", "There is no such ticket.", Place(field="ticket"))
        return ticket_of(doc)

    async def _reissue(self, ticket: TicketIssued, emitter: Emitter) -> dict[str, object]:
        known = await self.documents.get(TICKETS, ticket.ticket)
        again = reissued(ticket, max(ticket.issue, known.issue if known else 0) + 1, self.now(), self.valid_for)
        await self._publish(again, emitter)
        return {"ticket": again.ticket, "issue": again.issue}

    async def _publish(self, ticket: TicketIssued, emitter: Emitter) -> None:
        await emitter.publish(EMR_TICKETS, ticket.ticket, ticket, ticket.network, cause_of(ticket))


def desk(work: TicketDesk, interval: float) -> CommandDesk:
    """Return the background loop that takes commands to the coat check."""
    return CommandDesk(work.documents, "coatcheck", interval, work.kinds(), work.now)
