"""A real-time door over in-memory ports, whose log may be switched off."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import msgspec
import pytest

from services.gateway.clients import Client, Clients
from services.gateway.conversion import Converters
from services.gateway.desk import Desk
from services.gateway.handlers import Delivering
from services.gateway.intake import Intake
from services.gateway.limits import Rates
from services.gateway.routes import HttpDoor, front
from services.gateway.tokens import Tokens
from trialbridge.access.passwords import hash_password
from trialbridge.contracts.errors import Unavailable
from trialbridge.contracts.events import DeadLettered, RecordsReceived
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.contracts.topics import BY_NAME, DEAD_LETTERS, EMR_RECORDS, Topic
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.lane import Links, Outgoing, Spot
from trialbridge.testkit.fakes import ClearSeal, MemoryDocuments, MemoryEmitter, MemoryKeys, MemoryObjects

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
KEY, OTHER_KEY, SECRET = "k" * 32, "o" * 32, "s" * 32
NORTH = Client(
    "north-engine", TenantId("north"), NetworkId("lakeland"), SourceId("north/adt"),
    hash_password(SECRET, b"0" * 16), sha256(KEY.encode()).hexdigest(),
)  # fmt: skip
HILL = Client(
    "hill-engine", TenantId("hill"), NetworkId("lakeland"), SourceId("hill/adt"), "",
    sha256(OTHER_KEY.encode()).hexdigest(),
)  # fmt: skip
TYPE = "application/hl7-v2"
AUTH = {"authorization": f"Bearer {KEY}", "content-type": TYPE}


def adt(number: int = 1, *, event: str = "A04", birth: str = "19620320", control: str = "", extra: str = "") -> bytes:
    """Return an ADT message of a patient with a diagnosis."""
    return (
        f"MSH|^~\\&|ADT1|NORTH|TB|TB|20260601080000+0000||ADT^{event}^ADT_A01|{control or f'C{number}'}|P|2.5.1\r"
        f"EVN|{event}|20260601080000+0000\r"
        f"PID|1||M{number}^^^NORTH^MR||Doe^Jane^^^^^L||{birth}|F\r"
        "PV1|1|O|ONC^^^NORTH\r"
        f"DG1|1||C50.911^Malignant neoplasm^I10C||20260501|F\r{extra}"
    ).encode()


@dataclass
class MemoryLog:
    """A log that keeps what is sent, once it is durable; it can be switched off, or held up."""

    away: bool = False
    sent: list[tuple[str, int, bytes, dict[str, bytes]]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    flushes: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def send(
        self, topic: str, partition: int, key: bytes, value: bytes | None, headers: Mapping[str, bytes]
    ) -> Awaitable[object]:
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        done.set_result((topic, partition, value or b"", dict(headers)))
        return done

    async def durable(self, sent: Iterable[Awaitable[object]]) -> None:
        self.flushes += 1
        await self.gate.wait()
        if self.away:
            raise Unavailable("log.unavailable", "Switched off by a test.")
        for one in sent:
            self.sent.append(await one)  # type: ignore[arg-type]

    async def write(self, runs: Mapping[Spot, Sequence[Outgoing]]) -> None:
        waits = [
            await self.send(topic, partition, key, value, dict(headers))
            for (topic, partition), run in runs.items()
            for key, value, headers in run
        ]
        await self.durable(waits)


@dataclass
class Gateway:
    """The whole service in memory."""

    log: MemoryLog = field(default_factory=MemoryLog)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    keys: MemoryKeys = field(default_factory=lambda: MemoryKeys("north", "hill"))
    time: datetime = START
    ticks: float = 0.0
    rate: float = 1000.0
    most_bytes: int = 1_000_000
    intake: Intake = field(init=False)
    desk: Desk = field(init=False)
    delivering: Delivering = field(init=False)

    def __post_init__(self) -> None:
        links = Links("gateway", 4, self.log, self.documents, ClearSeal(), self.now)
        self.delivering = Delivering(links, self.objects, self.keys, Converters(0, None), self.now)
        self.intake = Intake(self.delivering.deliver, most_bytes=self.most_bytes, linger=0.0)
        clients = Clients([NORTH, HILL])
        tokens = Tokens(clients, b"signing", self.now)
        self.desk = Desk(clients, tokens, Rates(self.rate, lambda: self.ticks), self.intake, self.now)

    def now(self) -> datetime:
        return self.time

    def pass_time(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.ticks += seconds

    async def of(self, topic: Topic[Any]) -> list[Any]:
        """Return the payloads of a topic, as its readers decode them."""
        found = []
        for name, _, value, _ in self.log.sent:
            if name == topic.name:
                content = await wire.unseal(BY_NAME[name], value, ClearSeal())
                found += [msgspec.json.decode(one.data, type=topic.payload) for one in wire.decode(content)]
        return found

    async def records(self) -> list[RecordsReceived]:
        return await self.of(EMR_RECORDS)

    async def dead_letters(self) -> list[DeadLettered]:
        return await self.of(DEAD_LETTERS)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.intake.run(MemoryEmitter()))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.delivering.converters.close()

    def http(self, *, most: int = 100_000, seconds: float = 60.0) -> httpx.AsyncClient:
        app = front(HttpDoor(self.desk, most, seconds), self.documents.ping)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test")


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    found = Gateway()
    async with found.running():
        yield found


def segments(ack: bytes) -> list[list[str]]:
    """Return an acknowledgement's segments as fields."""
    return [line.split("|") for line in ack.decode().split("\r") if line]
