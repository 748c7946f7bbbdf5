"""Hands inputs in as the outside world does: objects into the store, tickets and requests as commands or in the topic."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from trialbridge.contracts.documents import COMMANDS, CommandDoc
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import (
    LocalPatientId,
    SourcePatientKey,
    derive,
    digest,
    ticket_id,
)
from trialbridge.contracts.topics import EMR_TICKETS
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.partitioner import partition_of
from trialbridge.runtime.ports import DocumentStore, KeyService, ObjectStore
from trialbridge.testkit.badinputs.model import Asked, Bundle, Locked, Message
from trialbridge.testkit.places import NETWORK
from trialbridge.testkit.pseudonyms import SYNTHETIC

VALID_FOR: Final = timedelta(days=7)
CREATED: Final = "2026-06-01T06:00:00Z"


class Sender(Protocol):
    """Puts bytes into the event log."""

    async def send(
        self, topic: str, partition: int, key: bytes, value: bytes | None, headers: Mapping[str, bytes]
    ) -> Awaitable[object]:
        """Hand over one message."""
        ...


@dataclass(slots=True)
class Handed:
    """What was handed in, as far as it can be told again."""

    ticket: str = ""
    uri: str = ""
    own: str = ""
    """The id that the honest ticket of the stored object has; empty where nothing is stored."""
    commands: list[str] = field(default_factory=list)
    later: tuple[str, Locked] | None = None
    """Key and content of an object that is to be stored once its ticket waits."""


@dataclass(frozen=True, slots=True)
class Porter:
    """Stands between a sender and the house."""

    documents: DocumentStore
    objects: ObjectStore
    keys: KeyService
    emitter: Emitter
    sender: Sender
    now: Callable[[], datetime]
    base: str
    """The URI that all objects lie under; their versions are digests of their bytes."""
    partitions: int

    async def hand_in(self, given: Bundle | Asked | Message, name: str) -> Handed:
        """Hand in one input; ``name`` is no other one's."""
        if isinstance(given, Bundle):
            return await self._deliver(given, name)
        if isinstance(given, Asked):
            return Handed(commands=[await self._ask(given.to, given.kind, given.body, given.tenant, name, 0)])
        spot = partition_of(name, self.partitions)
        await (await self.sender.send(EMR_TICKETS.name, spot, name.encode(), given.value, given.headers))
        return Handed(ticket=given.key)

    async def bring(self, handed: Handed) -> None:
        """Store the object that came too late."""
        if handed.later is not None:
            key, made = handed.later
            await self.objects.put(key, made.body, made.metadata)

    @staticmethod
    def key_of(bundle: Bundle, local: str) -> SourcePatientKey:
        """Return the key of a patient in a bundle."""
        return SYNTHETIC.source_patient(NETWORK, bundle.source, LocalPatientId(local))

    async def _deliver(self, bundle: Bundle, name: str) -> Handed:
        made = await bundle.lock(bundle.plain, self.keys, bundle.tenant)
        key = f"{bundle.source}/{name}"
        if bundle.stored == "before":
            await self.objects.put(key, made.body, made.metadata)
        handed = Handed(uri=f"{self.base}/{key}", later=(key, made) if bundle.stored == "later" else None)
        ticket = self._ticket(bundle, handed.uri, made)
        handed.ticket = ticket.ticket
        handed.own = "" if bundle.stored == "never" else ticket.ticket
        for number, change in enumerate(bundle.tickets):
            issued = change(ticket)
            handed.ticket, handed.uri = issued.ticket, issued.object_uri
            if bundle.door == "topic":
                cause = f"{issued.ticket}/{issued.issue}"
                await self.emitter.publish(EMR_TICKETS, issued.ticket, issued, issued.network, cause)
            else:
                body = msgspec.json.encode(issued)
                handed.commands.append(await self._ask("coatcheck", "issue_ticket", body, bundle.tenant, name, number))
        return handed

    def _ticket(self, bundle: Bundle, uri: str, made: Locked) -> TicketIssued:
        version = digest(made.body)
        return TicketIssued(
            ticket=ticket_id(bundle.tenant, uri, version),
            network=NETWORK,
            tenant=bundle.tenant,
            source=bundle.source,
            object_uri=uri,
            object_version=version,
            size=len(made.body),
            sha256=version,
            media_type=bundle.media_type,
            created=CREATED,
            expires=(self.now() + VALID_FOR).isoformat(),
        )

    async def _ask(self, to: str, kind: str, body: bytes, tenant: str, name: str, number: int) -> str:
        identity = derive("cmd", (name, str(number)))
        command = CommandDoc(
            id=identity, version=1, to=to, kind=kind, tenant=tenant, actor="sender", body=msgspec.Raw(body),  # type: ignore[arg-type]
            requested=self.now().isoformat(),
        )  # fmt: skip
        await self.documents.upsert(COMMANDS, [command])
        return identity
