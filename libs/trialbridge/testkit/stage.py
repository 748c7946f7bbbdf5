"""An in-memory twin of the stream boundary: unit tests push records through a stage's handlers and look at the effects."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import msgspec

from trialbridge.contracts.documents import Collection, Document
from trialbridge.contracts.errors import Poison
from trialbridge.contracts.events import Payload
from trialbridge.contracts.ids import EventId, NetworkId, digest, event_id
from trialbridge.contracts.topics import Topic
from trialbridge.runtime.effects import HandlerTable, Origin, Received, TableSpec
from trialbridge.testkit.partitions import partition_of

P = TypeVar("P", bound=Payload)
D = TypeVar("D", bound=Document)
V = TypeVar("V")

TRACE = "0" * 31 + "1"


@dataclass(frozen=True, slots=True)
class Emitted(Generic[P]):
    """A record that a handler sent; broadcast topics count once however many partitions they reach."""

    id: EventId
    key: str
    payload: P
    network: NetworkId


@dataclass(frozen=True, slots=True)
class SetAside:
    """What went to dead_letters: the error, and for a part of a record its payload and type."""

    error: Poison
    topic: str
    key: str
    payload: bytes = b""
    payload_type: str = ""
    origin: Origin | None = None


@dataclass(slots=True)
class State:
    """What outlives a worker: tables by partition (encoded, as a changelog would hold them) and documents."""

    tables: dict[tuple[int, str], dict[str, bytes]] = field(default_factory=dict)
    documents: dict[str, dict[str, Document]] = field(default_factory=dict)
    offsets: Counter[tuple[str, int]] = field(default_factory=Counter)


class FakeTable(Generic[V]):
    """One partition's part of a table: writes are held back until the record's handler has returned."""

    def __init__(self, spec: TableSpec[V], stored: dict[str, bytes]) -> None:
        """Read from ``stored``; `commit` writes to it."""
        self._spec = spec
        self._stored = stored
        self._changes: dict[str, bytes | None] = {}

    def get(self, key: str) -> V | None:
        """Return the value as decoding its bytes gives it, so that a value that does not survive encoding is noticed."""
        raw = self._changes[key] if key in self._changes else self._stored.get(key)
        return None if raw is None else msgspec.json.decode(raw, type=self._spec.value)

    def put(self, key: str, value: V, network: NetworkId = NetworkId("")) -> None:
        """Note a change."""
        del network
        self._changes[key] = msgspec.json.encode(value)

    def delete(self, key: str) -> None:
        """Note a removal."""
        self._changes[key] = None

    def items(self) -> Iterator[tuple[str, V]]:
        """Yield the entries in key order, as they stood when iteration began."""
        for key in sorted({*self._stored, *self._changes}):
            value = self.get(key)
            if value is not None:
                yield key, value

    def commit(self) -> None:
        """Make the noted changes durable."""
        for key, raw in self._changes.items():
            if raw is None:
                self._stored.pop(key, None)
            else:
                self._stored[key] = raw


class FakeEffects:
    """The effects of one record; nothing is visible outside before `FakeStage` commits them."""

    def __init__(self, stage: "FakeStage", record: Received[Any]) -> None:
        """Collect for ``record``."""
        self._stage = stage
        self._record = record
        self._tables: dict[str, FakeTable[Any]] = {}
        self._sends: Counter[tuple[str, str]] = Counter()
        self.sent: list[tuple[Topic[Any], Emitted[Any]]] = []
        self.saved: list[tuple[Collection[Any], Document]] = []
        self.aside: list[SetAside] = []
        self.warnings: list[str] = []
        self.origin: Origin | None = None

    @property
    def partition(self) -> int:
        """Return the partition at hand."""
        return self._record.partition

    def table(self, spec: TableSpec[V]) -> FakeTable[V]:
        """Return the part of the table that belongs to the partition at hand."""
        if spec.name not in self._tables:
            stored = self._stage.state.tables.setdefault((self.partition, spec.name), {})
            self._tables[spec.name] = FakeTable(spec, stored)
        return cast("FakeTable[V]", self._tables[spec.name])

    def emit(self, topic: Topic[P], key: str, payload: P, network: NetworkId) -> None:
        """Send a record; its id comes from the record at hand, the topic, the key and its number among equals."""
        number = self._sends[topic.name, key]
        self._sends[topic.name, key] += 1
        event = event_id(topic.name, f"{self._record.id}#{number}", key)
        self.sent.append((topic, Emitted(event, key, wire(topic, payload), network)))

    def save(self, collection: Collection[D], doc: D) -> None:
        """Note a document."""
        self.saved.append((collection, doc))

    def set_aside(self, error: Poison, payload: bytes, payload_type: str) -> None:
        """Note a part of the record that goes to dead_letters."""
        self.aside.append(SetAside(error, self._record.topic, self._record.key, payload, payload_type, self.origin))

    async def release(self) -> None:
        """Make visible outside what was noted so far."""
        self._stage.release(self)

    def name_origin(self, origin: Origin) -> None:
        """Note what the record came with."""
        self.origin = origin

    def warn(self, code: str) -> None:
        """Note a warning."""
        self.warnings.append(code)

    def commit(self) -> None:
        """Make table changes durable."""
        for table in self._tables.values():
            table.commit()


class FakeStage:
    """A whole stage in memory: routes by key, runs handlers, feeds back what the stage itself reads, collects the rest."""

    def __init__(self, handlers: HandlerTable, partitions: int = 4, state: State | None = None) -> None:
        """Run ``handlers`` over ``partitions``; ``state`` is what another worker left behind."""
        self._handlers = handlers
        self.partitions = partitions
        self.state = state or State()
        self.set_aside: list[SetAside] = []
        self.warnings: Counter[str] = Counter()
        self._emitted: dict[str, list[Emitted[Any]]] = {}
        self._queue: deque[tuple[Topic[Any], Received[Any]]] = deque()

    def restarted(self, handlers: HandlerTable) -> "FakeStage":
        """Return a new worker over the same tables and documents; whatever ``handlers`` held in memory starts empty."""
        return FakeStage(handlers, self.partitions, self.state)

    async def deliver(
        self, topic: Topic[P], key: str, payload: P, network: NetworkId, *, cause: str = "", trace: str = TRACE
    ) -> None:
        """Deliver a record and everything that follows from it inside this stage.

        The record's id is a pure function of ``cause`` (default: the payload's digest), so the same delivery again is a
        repeat. Raises what a handler raises, except `Poison`, whose record is undone and set aside.
        """
        event = event_id(topic.name, cause or digest(msgspec.json.encode(payload)), key)
        self._route(topic, Emitted(event, key, wire(topic, payload), network), trace)
        await self._drain()

    def emitted(self, topic: Topic[P]) -> list[Emitted[P]]:
        """Return every record sent to ``topic`` so far, in order, those fed back to this stage included."""
        return list(self._emitted.get(topic.name, []))

    def take(self, topic: Topic[P]) -> list[Emitted[P]]:
        """Return the records sent to ``topic`` since the last take, and forget them."""
        return self._emitted.pop(topic.name, [])

    def docs(self, collection: Collection[D]) -> dict[str, D]:
        """Return the newest version of each saved document, by id."""
        return cast("dict[str, D]", dict(self.state.documents.get(collection.name, {})))

    def values(self, spec: TableSpec[V]) -> dict[str, V]:
        """Return a table's entries over all partitions (a key of several partitions: the last one's)."""
        found: dict[str, V] = {}
        for (_, name), stored in sorted(self.state.tables.items()):
            if name == spec.name:
                found.update(FakeTable(spec, stored).items())
        return found

    def _route(self, topic: Topic[Any], record: Emitted[Any], trace: str) -> None:
        everywhere = topic.spread == "broadcast"
        targets = range(self.partitions) if everywhere else (partition_of(record.key, self.partitions),)
        for partition in targets:
            offset = self.state.offsets[topic.name, partition]
            self.state.offsets[topic.name, partition] += 1
            received = Received(
                record.id, record.key, record.payload, record.network, topic.name, partition, offset, trace
            )
            self._queue.append((topic, received))

    async def _drain(self) -> None:
        while self._queue:
            topic, record = self._queue.popleft()
            effects = FakeEffects(self, record)
            try:
                await self._handlers[topic](record, effects)
            except Poison as error:
                self.set_aside.append(SetAside(error, record.topic, record.key, origin=effects.origin))
                continue
            self._commit(effects, record.trace)

    def release(self, effects: FakeEffects, trace: str = TRACE) -> None:
        """Take over what a handler has noted so far, and leave it nothing of that."""
        self._commit(effects, trace)
        for noted in (effects.aside, effects.warnings, effects.saved, effects.sent):
            noted.clear()

    def _commit(self, effects: FakeEffects, trace: str) -> None:
        effects.commit()
        self.set_aside.extend(effects.aside)
        self.warnings.update(effects.warnings)
        for collection, doc in effects.saved:
            stored = self.state.documents.setdefault(collection.name, {})
            if doc.id not in stored or stored[doc.id].version < doc.version:
                stored[doc.id] = doc
        for topic, record in effects.sent:
            self._emitted.setdefault(topic.name, []).append(record)
            if topic in self._handlers:
                self._route(topic, record, trace)


def wire(topic: Topic[P], payload: P) -> P:
    """Return ``payload`` as a reader of ``topic`` decodes it."""
    return msgspec.json.decode(msgspec.json.encode(payload), type=topic.payload)
