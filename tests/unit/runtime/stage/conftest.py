"""A boundary with a log, a store and a seal that live in memory."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from trialbridge.contracts.documents import Collection, Document
from trialbridge.contracts.errors import Refused, Unavailable
from trialbridge.contracts.ids import EventId, NetworkId
from trialbridge.contracts.topics import BY_NAME
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.lane import Links, Outgoing, Spot


class ToySeal:
    """Marks values with network and context, and can pretend that a key must first be fetched."""

    def __init__(self) -> None:
        self.cold: str | None = None
        """Contexts that begin so are sealed with a key that is not at hand, until it was fetched once."""
        self.fetches = 0
        self.strangers: set[str] = set()

    async def prepare(self, network: NetworkId) -> None:
        if network in self.strangers:
            raise Refused("key.unknown", "No key.")

    async def seal(self, network: NetworkId, context: str, plaintext: bytes) -> bytes:
        await self.prepare(network)
        return f"{network}|{context}|".encode() + plaintext[::-1]

    async def open(self, value: bytes, context: str) -> bytes:
        self.fetches += 1
        if self.cold is not None and context.startswith(self.cold):
            self.cold = None
        opened = self.open_now(value, context)
        assert opened is not None
        return opened

    def open_now(self, value: bytes, context: str) -> bytes | None:
        if self.cold is not None and context.startswith(self.cold):
            return None
        _, bound, content = value.split(b"|", 2)
        if bound.decode() != context:
            raise Refused("seal.context-mismatch", "Sealed for another place.")
        return content[::-1]


@dataclass
class Sent:
    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Mapping[str, bytes]


@dataclass
class ToyLog:
    """Takes messages; ``away`` makes the next sends fail."""

    sent: list[Sent] = field(default_factory=list)
    away: int = 0

    async def send(
        self, topic: str, partition: int, key: bytes, value: bytes | None, headers: Mapping[str, bytes]
    ) -> Awaitable[object]:
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self.away:
            self.away -= 1
            future.set_exception(Unavailable("log.unavailable", "away"))
        else:
            self.sent.append(Sent(topic, partition, key, value, headers))
            future.set_result(None)
        return future

    async def durable(self, sent: Iterable[Awaitable[object]]) -> None:
        await asyncio.gather(*sent)

    async def write(self, runs: Mapping[Spot, Sequence[Outgoing]]) -> None:
        waits = [
            await self.send(topic, partition, key, value, dict(headers))
            for (topic, partition), run in runs.items()
            for key, value, headers in run
        ]
        await self.durable(waits)


@dataclass
class ToyDocuments:
    written: list[tuple[str, Document]] = field(default_factory=list)

    async def upsert(self, collection: Collection[Any], docs: Sequence[Document]) -> int:
        self.written.extend((collection.name, doc) for doc in docs)
        return len(docs)


@dataclass
class ToyEvent:
    topic: str
    partition: int
    offset: int
    value: bytes
    headers: Mapping[str, bytes]
    key: bytes = b"k"
    acked: bool = False

    def ack(self) -> None:
        self.acked = True


@dataclass
class Bench:
    """What a test of the boundary needs."""

    log: ToyLog
    documents: ToyDocuments
    seal: ToySeal
    links: Links

    async def event(
        self, topic: str, *payloads: tuple[str, msgspec.Struct], offset: int = 0, sealed: bool = True,
        networks: Sequence[str] = (),
    ) -> ToyEvent:  # fmt: skip
        envelopes = [
            wire.Envelope(
                EventId(f"evt_{offset}_{n}"),
                key,
                NetworkId(networks[n] if networks else "net"),
                "0" * 31 + "1",
                msgspec.Raw(msgspec.json.encode(payload)),
            )
            for n, (key, payload) in enumerate(payloads)
        ]
        [message] = await wire.encode(envelopes, NetworkId("net"), f"topic:{topic}", self.seal if sealed else None, {})
        return ToyEvent(topic, 0, offset, message.value, message.headers)

    def message(self, topic: str, offset: int, message: wire.Message) -> ToyEvent:
        return ToyEvent(topic, 0, offset, message.value, message.headers)

    async def records(self, topic: str) -> list[wire.Envelope]:
        found: list[wire.Envelope] = []
        for sent in self.log.sent:
            if sent.topic == topic and sent.value is not None:
                found.extend(wire.decode(await wire.unseal(BY_NAME[topic], sent.value, self.seal)))
        return found


NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def bench() -> Bench:
    log, documents, seal = ToyLog(), ToyDocuments(), ToySeal()
    return Bench(log, documents, seal, Links("toy", 4, log, documents, seal, lambda: NOW))  # type: ignore[arg-type]
