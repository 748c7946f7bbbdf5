"""The fast lane: collects all that a batch of one partition causes, and sends it together.

Table changes, outputs and documents are written at once and awaited at once; only then may the batch be acknowledged.
"""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from trialbridge.contracts import topics
from trialbridge.contracts.documents import Collection, Document
from trialbridge.contracts.errors import Poison
from trialbridge.contracts.events import DeadLettered, Payload
from trialbridge.contracts.ids import EventId, NetworkId, TenantId, derive, event_id
from trialbridge.contracts.topics import Topic
from trialbridge.runtime.documents import codec
from trialbridge.runtime.effects import Origin, Received, Table, TableSpec
from trialbridge.runtime.partitioner import partition_of
from trialbridge.runtime.ports import DocumentStore
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.tables import StateTable
from trialbridge.runtime.telemetry import trace

P = TypeVar("P", bound=Payload)
D = TypeVar("D", bound=Document)
V = TypeVar("V")
NO_NETWORK = NetworkId("")
KEPT_BYTES: Final = 8 * 1024 * 1024
"""Of a payload that is kept with its dead letter: fits into a document, whatever else that holds, in any store."""


Outgoing = tuple[bytes, bytes | None, list[tuple[str, bytes]]]
"""Key, value and headers of a message on its way to the log."""
Spot = tuple[str, int]
"""A topic and a partition."""


class Sender(Protocol):
    """Puts bytes into the event log."""

    async def send(
        self, topic: str, partition: int, key: bytes, value: bytes | None, headers: Mapping[str, bytes]
    ) -> Awaitable[object]:
        """Hand over one message and return what `durable` waits for. Waits where the log is behind."""
        ...

    async def durable(self, sent: Iterable[Awaitable[object]]) -> None:
        """Return when the log has all of it for good; raise `Unavailable` where it did not take something."""
        ...

    async def write(self, runs: Mapping[Spot, Sequence[Outgoing]]) -> None:
        """Write messages, those of one spot in their order; return when the log has all of them for good.

        Nothing is on its way any more when it raises `Unavailable`: some of it may be in the log, and all of it may come again.
        """
        ...


@dataclass(slots=True)
class Links:
    """What a lane needs of its stage."""

    stage: str
    partitions: int
    sender: Sender
    documents: DocumentStore
    seal: wire.Seal
    now: Callable[[], datetime]
    tables: dict[str, StateTable[Any]] = field(default_factory=dict)


class SteppedAgainError(Exception):
    """A key of a stepwise table would change a second time in this batch: the batch must be durable first."""


@dataclass(slots=True)
class Marks:
    """Where a record's effects begin."""

    outputs: int
    set_asides: int


_ABSENT: Final = object()
_OPAQUE: Final = re.compile(r"(?:[a-z][a-z0-9_.:-]{0,63})? [a-z][a-z0-9_.:-]{0,63}")
"""A ticket and a tenant as ids are written here: in small letters, the first of them one."""


class PartTable(Generic[V]):
    """One partition's part of a table, as a handler sees it."""

    def __init__(self, lane: "Lane", table: StateTable[V]) -> None:
        """Bind to the lane's partition."""
        self._lane = lane
        self._table = table

    def get(self, key: str) -> V | None:
        """Return the value."""
        return self._table.get(self._lane.partition, key)

    def put(self, key: str, value: V, network: NetworkId = NO_NETWORK) -> None:
        """Note a change."""
        self._lane.change(self._table, key, value, network)

    def delete(self, key: str) -> None:
        """Note a removal."""
        self._lane.change(self._table, key, None, NO_NETWORK)

    def items(self) -> Iterator[tuple[str, V]]:
        """Yield this partition's entries in key order."""
        return self._table.items(self._lane.partition)


class Lane:
    """The effects of one batch (implements `runtime.effects.Effects`)."""

    def __init__(self, links: Links, partition: int) -> None:
        """Begin an empty batch on ``partition``."""
        self._links = links
        self._partition = partition
        self._record: Received[Payload] | None = None
        self.origin: Origin | None = None
        """What the record at hand came with, where its handler knows."""
        self._ordinals: dict[tuple[str, str], int] = {}
        self._outputs: list[tuple[str, int, wire.Envelope]] = []
        self._docs: dict[tuple[str, str], tuple[Collection[Any], Document]] = {}
        self._changes: dict[tuple[str, str], NetworkId] = {}
        self._own: set[tuple[str, str]] = set()
        """Keys that the record at hand changed."""
        self._undo: list[tuple[StateTable[Any] | dict[Any, Any], Any, Any]] = []
        """What the record at hand changed, with what was there before."""
        self.networks: set[NetworkId] = set()
        """Networks under whose keys this batch will be sealed."""
        self.prepared: set[NetworkId] = set()
        """Those whose keys are ready."""
        self.warnings: dict[str, int] = {}
        self.handled: dict[str, int] = {}
        """Number of records handled well, by topic."""
        self.set_asides: list[str] = []
        self._gone = 0
        """Outputs of this batch that were released before its end."""
        self._released: Counter[str] = Counter()
        """The same by topic."""

    @property
    def partition(self) -> int:
        """Return the partition at hand."""
        return self._partition

    def begin(self, record: Received[Payload]) -> Marks:
        """Turn to the next record; return marks to go back to should it be poison."""
        self._record = record
        self.origin = None
        self._ordinals = {}
        self._undo.clear()
        self._own.clear()
        return Marks(self._gone + len(self._outputs), len(self.set_asides))

    def undo(self, marks: Marks) -> None:
        """Take back everything since ``marks``, those of the record at hand."""
        del self._outputs[max(0, marks.outputs - self._gone) :]
        del self.set_asides[marks.set_asides :]
        while self._undo:
            kept, key, before = self._undo.pop()
            if isinstance(kept, StateTable):
                kept.restore(self._partition, key, before)
            elif before is _ABSENT:
                del kept[key]
            else:
                kept[key] = before

    def clear(self) -> None:
        """Begin anew once everything is durable; networks' keys stay ready."""
        for kept in (
            self._outputs,
            self._docs,
            self._changes,
            self._undo,
            self.warnings,
            self.handled,
            self.set_asides,
        ):
            kept.clear()
        self._gone = 0
        self._released.clear()

    async def release(self) -> None:
        """Send everything noted so far; raises as `Effects.release` says."""
        for network in sorted(self.networks - self.prepared):
            await self._links.seal.prepare(network)
            self.prepared.add(network)
        await self.flush()
        self._gone += len(self._outputs)
        self._released.update(topic for topic, _, _ in self._outputs)
        # What is durable is not taken back; warnings are counted once more at the end alone.
        self._undo = [one for one in self._undo if one[0] is self.warnings]
        for kept in (self._outputs, self._docs, self._changes):
            kept.clear()

    def _set(self, kept: dict[Any, Any], key: object, value: object) -> None:
        self._undo.append((kept, key, kept.get(key, _ABSENT)))
        kept[key] = value

    def table(self, spec: TableSpec[V]) -> Table[V]:
        """Return the part of the table that belongs to the partition at hand."""
        return PartTable(self, self._links.tables[spec.name])

    def change(self, table: StateTable[Any], key: str, value: object, network: NetworkId) -> None:
        """Note a table change; raises `SteppedAgainError` where a stepwise table's key was changed by a record before."""
        spot = (table.spec.name, key)
        if table.spec.stepwise and spot in self._changes and spot not in self._own:
            raise SteppedAgainError
        self._own.add(spot)
        before = table.note(self._partition, key, value)
        self._undo.append((table, key, before))
        sealed_for = network or (self._record.network if self._record else NO_NETWORK)
        self.networks.add(sealed_for)
        self._set(self._changes, spot, sealed_for)

    def emit(self, topic: Topic[P], key: str, payload: P, network: NetworkId) -> None:
        """Note an output; its id is derived from the record at hand."""
        cause = self._record.id if self._record else EventId("")
        spot = (topic.name, key)
        ordinal = self._ordinals.get(spot, 0)
        self._ordinals[spot] = ordinal + 1
        traced = self._record.trace if self._record else trace.trace_of(cause)
        self.put_out(topic, key, payload, network, event_id(topic.name, f"{cause}/{ordinal}", key), traced)

    def put_out(
        self, topic: Topic[P], key: str, payload: P, network: NetworkId, identity: EventId, traced: str
    ) -> None:
        """Note an output with an id and a trace of its own."""
        envelope = wire.Envelope(identity, key, network, traced, msgspec.Raw(msgspec.json.encode(payload)))
        self.networks.add(network)
        count = self._links.partitions
        where = range(count) if topic.spread == "broadcast" else (partition_of(key, count),)
        self._outputs.extend((topic.name, partition, envelope) for partition in where)

    def save(self, collection: Collection[D], doc: D) -> None:
        """Note a document; of several versions in a batch the newest is written.

        Raises:
            Refused: ``document.refused`` where no store could hold it: that is the record's fault, not the batch's.
        """
        codec.check(collection, doc)
        spot = (collection.name, doc.id)
        noted = self._docs.get(spot)
        if noted is None or noted[1].version < doc.version:
            self._set(self._docs, spot, (collection, doc))

    def name_origin(self, origin: Origin) -> None:
        """Say what the record at hand came with; words that are no id of ours are not repeated in clear."""
        if _OPAQUE.fullmatch(f"{origin.ticket or ''} {origin.tenant}"):
            self.origin = origin

    def set_aside(self, error: Poison, payload: bytes, payload_type: str) -> None:
        """Put part of the record at hand into dead_letters."""
        record = self._record
        if record is None:
            raise error
        self.dead_letter(error, record.topic, record.partition, record.offset, record.key, record.id, payload,
                         payload_type, record.network, record.trace, self.origin)  # fmt: skip

    def dead_letter(
        self, error: Poison, topic: str, partition: int, offset: int, key: str, event: EventId, payload: bytes,
        payload_type: str, network: NetworkId, traced: str, origin: Origin | None = None,
    ) -> None:  # fmt: skip
        """Note a dead letter. Its id depends on subject, code and place, so that the same failure again is the same entry.

        A payload too large to be kept with it stays where it came from, which its message names.
        """
        message = error.message
        if len(payload) > KEPT_BYTES:
            where = f"in the log, topic {topic}, partition {partition}, offset {offset}"
            message = f"{message} Its {len(payload)} bytes are too many to be kept here; the record stays {where}."
            payload = b""
        subject = origin.subject if origin else event
        identity = derive("dlq", (self._links.stage, topic, subject, error.code, str(error.place)))
        letter = DeadLettered(
            id=identity,
            stage=self._links.stage,
            topic=topic,
            partition=partition,
            offset=offset,
            key=key,
            event=event,
            code=error.code,
            message=message,
            place=error.place,
            tenant=origin.tenant if origin else TenantId(""),
            ticket=origin.ticket if origin else None,
            payload=payload,
            payload_type=payload_type,
            traceparent=trace.traceparent(traced, identity),
            first_seen=self._links.now().isoformat(timespec="seconds"),
        )
        self.set_asides.append(error.code)
        self.put_out(topics.DEAD_LETTERS, f"{topic}/{key}", letter, network, EventId(identity), traced)

    def warn(self, code: str) -> None:
        """Count a warning."""
        self._set(self.warnings, code, self.warnings.get(code, 0) + 1)

    @property
    def emitted(self) -> dict[str, int]:
        """Return the number of records noted for output, by topic."""
        counts: dict[str, int] = defaultdict(int, self._released)
        for topic, _, _ in self._outputs:
            counts[topic] += 1
        return dict(counts)

    async def flush(self) -> None:
        """Send everything and return when all of it is durable. Safe to call again after a failure."""
        runs: dict[Spot, list[Outgoing]] = defaultdict(list)
        changes: list[tuple[StateTable[Any], dict[str, bytes | None]]] = []
        for (name, key), network in self._changes.items():
            table = self._links.tables[name]
            writes = await table.encode(self._partition, key, table.get(self._partition, key), network)
            changes.append((table, writes))
            runs[table.changelog, self._partition].extend(
                (raw_key.encode(), raw, []) for raw_key, raw in writes.items()
            )
        for (topic, partition, network), envelopes in self._grouped().items():
            # Compaction keeps the newest message of a key: a compacted topic's messages hold one record each.
            alone = topics.BY_NAME[topic].compacted
            for run in ([e] for e in envelopes) if alone else wire.batches(envelopes):
                runs[topic, partition].extend(await self._messages(topic, network, run))
        found = await asyncio.gather(self._links.sender.write(runs), *self._writes(), return_exceptions=True)
        for problem in found:
            if isinstance(problem, BaseException):
                raise problem
        for table, writes in changes:
            table.keep(self._partition, writes)
        for table in {id(table): table for table, _ in changes}.values():
            table.rest(self._partition)

    def _grouped(self) -> dict[tuple[str, int, NetworkId], list[wire.Envelope]]:
        groups: dict[tuple[str, int, NetworkId], list[wire.Envelope]] = defaultdict(list)
        for topic, partition, envelope in self._outputs:
            groups[(topic, partition, envelope.network)].append(envelope)
        return groups

    async def _messages(self, topic: str, network: NetworkId, run: Sequence[wire.Envelope]) -> list[Outgoing]:
        registered = topics.BY_NAME[topic]
        seal = self._links.seal if registered.sealed else None
        headers = message_headers(registered, self._links.stage, run)
        messages = await wire.encode(run, network, f"topic:{topic}", seal, headers)
        return [(wire.message_key(registered, run[0].key, m), m.value, list(m.headers.items())) for m in messages]

    def _writes(self) -> Iterable[Awaitable[object]]:
        grouped: dict[str, tuple[Collection[Any], list[Document]]] = {}
        for collection, doc in self._docs.values():
            grouped.setdefault(collection.name, (collection, []))[1].append(doc)
        return [self._links.documents.upsert(collection, docs) for collection, docs in grouped.values()]


def message_headers(topic: Topic[Any], stage: str, run: Sequence[wire.Envelope]) -> dict[str, bytes]:
    """Return the CloudEvents 1.0 (binary mode) and W3C headers of a message; opaque ids only."""
    return {
        "ce_specversion": b"1.0",
        "ce_type": topic.type.encode(),
        "ce_source": f"/trialbridge/{stage}".encode(),
        "ce_id": run[0].id.encode(),
        "content-type": b"application/vnd.trialbridge.batch",
        "traceparent": trace.traceparent(run[0].trace, run[0].id).encode(),
    }
