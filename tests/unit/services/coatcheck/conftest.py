"""A coat check over in-memory ports, with a clock that tests turn."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.coatcheck.agents import handlers
from services.coatcheck.desk import TicketDesk, desk
from services.coatcheck.handlers import Handlers
from services.coatcheck.redeeming import Redeemer
from services.coatcheck.sweep import Sweep
from services.coatcheck.tickets import cause_of, make_ticket
from services.coatcheck.waiting import WaitingRoom
from trialbridge.contracts.documents import COMMANDS, RECORDS, TICKETS, CommandDoc, TicketDoc
from trialbridge.contracts.events import RecordsReceived, TicketIssued
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId, digest
from trialbridge.contracts.topics import AUDIT, EMR_RECORDS, EMR_TICKETS
from trialbridge.runtime.ports import ObjectInfo
from trialbridge.testkit.fakes import ClearSeal, MemoryDocuments, MemoryEmitter, MemoryKeys, MemoryObjects
from trialbridge.testkit.packing import ndjson
from trialbridge.testkit.stage import Emitted, FakeStage
from trialbridge.vault.envelope import encrypt_object

NORTH, HILL = TenantId("north"), TenantId("hill")
LAKELAND = NetworkId("lakeland")
START = datetime(2026, 6, 1, 8, tzinfo=UTC)
NDJSON = "application/fhir+ndjson"


def patient(local: str) -> list[dict[str, Any]]:
    """Return a patient with one condition."""
    return [
        {"resourceType": "Patient", "id": local, "gender": "female", "birthDate": "1960-02-03"},
        {
            "resourceType": "Condition", "id": f"c-{local}", "subject": {"reference": f"Patient/{local}"},
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "254637007"}]},
        },
    ]  # fmt: skip


def bundle(*locals_: str) -> bytes:
    """Return NDJSON of some patients."""
    return ndjson(resource for local in locals_ for resource in patient(local))


@dataclass(slots=True)
class Check:
    """The whole service in memory."""

    objects: MemoryObjects = field(default_factory=MemoryObjects)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    keys: MemoryKeys = field(default_factory=lambda: MemoryKeys("north", "hill"))
    emitter: MemoryEmitter = field(default_factory=MemoryEmitter)
    time: datetime = START
    stage: FakeStage = field(init=False)

    def __post_init__(self) -> None:
        self.stage = FakeStage(handlers(Handlers(Redeemer(self.objects, self.keys), self.documents, self.now)))

    def now(self) -> datetime:
        return self.time

    @property
    def published(self) -> list[str]:
        """Return the topics of what was sent, leaving out what the audit trail says of commands."""
        return [topic for topic, _ in self.emitter.sent if topic != AUDIT.name]

    def pass_time(self, **amount: float) -> None:
        self.time += timedelta(**amount)

    async def store(self, plain: bytes, key: str = "b1", tenant: TenantId = NORTH) -> tuple[ObjectInfo, TicketIssued]:
        """Encrypt and put a bundle; return it with its ticket."""
        body, metadata = await encrypt_object(plain, self.keys, tenant=tenant)
        info = await self.objects.put(key, body, metadata)
        return info, self.ticket(info, body, tenant)

    def ticket(self, info: ObjectInfo, body: bytes, tenant: TenantId = NORTH) -> TicketIssued:
        return make_ticket(
            info, digest(body), network=LAKELAND, tenant=tenant, source=SourceId(f"{tenant}/ehr"), media_type=NDJSON,
            created="2026-05-31T20:00:00Z", expires=(START + timedelta(days=7)).isoformat(),
        )  # fmt: skip

    async def deliver(self, *tickets: TicketIssued) -> None:
        for ticket in tickets:
            await self.stage.deliver(EMR_TICKETS, ticket.ticket, ticket, ticket.network, cause=cause_of(ticket))
            await self.documents.upsert(TICKETS, list(self.stage.docs(TICKETS).values()))
            await self.documents.upsert(RECORDS, list(self.stage.docs(RECORDS).values()))

    async def deliver_published(self) -> int:
        """Deliver every ticket that a loop has published since; return how many."""
        sent = [one.payload for one in self.emitter.of(EMR_TICKETS)]
        self.emitter.sent.clear()
        await self.deliver(*sent)
        return len(sent)

    async def doc(self, ticket: TicketIssued) -> TicketDoc:
        found = await self.documents.get(TICKETS, ticket.ticket)
        assert found is not None
        return found

    def records(self) -> list[Emitted[RecordsReceived]]:
        return self.stage.emitted(EMR_RECORDS)

    def codes(self) -> list[str]:
        return [one.error.code for one in self.stage.set_aside]

    def waiting(self) -> WaitingRoom:
        return WaitingRoom(self.documents, self.objects, self.now, 1.0, 1.0, 900.0)

    def sweep(self, grace: timedelta = timedelta(0)) -> Sweep:
        return Sweep(self.documents, self.objects, self.now, 1.0, "", grace)

    async def ask(self, kind: str, body: object, identity: str = "cmd_1") -> CommandDoc:
        """Have a command carried out and return it with its answer."""
        raw = msgspec.Raw(msgspec.json.encode(body))
        asked = CommandDoc(id=identity, version=1, to="coatcheck", kind=kind, tenant="north", actor="a", body=raw)
        await self.documents.upsert(COMMANDS, [asked])
        work = TicketDesk(self.documents, ClearSeal(), self.now, timedelta(days=7))
        await desk(work, 1.0).carry_out(self.emitter)
        return (await self.documents.all(COMMANDS))[identity]


def ids(records: Iterable[Emitted[RecordsReceived]]) -> list[str]:
    """Return event ids."""
    return [one.id for one in records]


@pytest.fixture
def check() -> Check:
    """Return an empty coat check."""
    return Check()
