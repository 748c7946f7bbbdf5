"""The one stream boundary: decode, call the handler, send all effects, wait until they are durable, acknowledge.

Whatever a handler raises is decided here: a passing fault is waited out, poison is set aside with a stable code, anything
that should stop the stage stops it before the acknowledgement.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from trialbridge.contracts import topics
from trialbridge.contracts.errors import Fatal, Poison, Retryable, Undecodable
from trialbridge.contracts.events import LineageRecorded, Payload
from trialbridge.contracts.ids import EventId, NetworkId
from trialbridge.contracts.topics import Topic
from trialbridge.runtime.effects import Handler, Received
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.lane import Lane, Links, Marks, SteppedAgainError
from trialbridge.runtime.stage.poison import PoisonGuard
from trialbridge.runtime.stage.tables import KeyNotAtHand
from trialbridge.runtime.telemetry import logs, metrics, trace

LOG: Final = logs.logger("stage")
BATCH_MESSAGES: Final = 128
GATHER_SECONDS: Final = 0.01
"""That a batch waits for more messages while they come one batch after another; none where a partition was at rest."""
FIRST_WAIT: Final = 0.1
LONGEST_WAIT: Final = 15.0
HELD_MESSAGES: Final = 2_000
"""Messages after the first part of a record within which its other parts must come."""


class LogEvent(Protocol):
    """One message out of the event log."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Mapping[str, bytes]

    def ack(self) -> None:
        """Tell the log that everything this message caused is durable."""
        ...


@dataclass(slots=True)
class Counters:
    """What a stage has done since it started."""

    processed: int = 0
    emitted: int = 0
    dead_lettered: int = 0
    retried: int = 0
    seconds: float = 0.0
    waiting: int = 0
    """How many partitions wait for something that is away."""


@dataclass(slots=True)
class Boundary:
    """Runs handlers over messages of one stage."""

    links: Links
    handlers: Mapping[str, tuple[Topic[Any], Handler[Any]]]
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    guard: PoisonGuard = field(default_factory=PoisonGuard)
    counters: Counters = field(default_factory=Counters)
    lineage: bool = True
    _joiners: dict[tuple[str, int], wire.Joiner] = field(default_factory=dict)
    _held: dict[tuple[str, int], list[LogEvent]] = field(default_factory=dict)

    def forget(self, partition: int) -> None:
        """Drop what is kept of a partition that goes elsewhere; its unacknowledged messages come again to the new owner."""
        for kept in (self._joiners, self._held):
            for spot in [spot for spot in kept if spot[1] == partition]:
                del kept[spot]
        for table in self.links.tables.values():
            table.forget(partition)

    async def process(self, partition: int, events: Sequence[LogEvent]) -> None:
        """Carry messages of one partition all the way; return when they are acknowledged.

        Raises:
            Fatal: when the stage must stop. Nothing of this batch is acknowledged then.
        """
        started = time.perf_counter()
        lane = Lane(self.links, partition)
        done: list[LogEvent] = []
        for event in events:
            done.extend(await self._take(lane, event))
        await self._persist(lane, events[0])
        for event in done:
            event.ack()
        self._count(lane, time.perf_counter() - started)

    async def _take(self, lane: Lane, event: LogEvent) -> list[LogEvent]:
        """Handle one message; return the messages that may be acknowledged once the lane is flushed."""
        envelopes: tuple[wire.Envelope, ...] | None = ()
        try:
            envelopes = await self._waiting_out(lambda: self._open(event), event)
        except Poison as error:
            self._refuse_message(lane, event, error)
        for envelope in envelopes or ():
            await self._handle(lane, event, envelope)
        return self._release(lane, event)

    def _release(self, lane: Lane, event: LogEvent) -> list[LogEvent]:
        """Return, in order, what may be acknowledged: nothing from the first part of an unfinished record on."""
        spot = (event.topic, event.partition)
        joiner = self._joiners.get(spot)
        held = self._held.setdefault(spot, [])
        held.append(event)
        if joiner is not None and joiner.sets and len(held) > HELD_MESSAGES:
            late = held[0]
            joiner.give_up(wire.part_set(late.headers["part"]))
            self._refuse_message(lane, late, Undecodable("wire.part-missing", "A record's other parts never came."))
        open_sets = joiner.sets if joiner is not None else {}
        free = len(held)
        if open_sets:
            free = next((number for number, one in enumerate(held) if _part_set(one) in open_sets), free)
        released, self._held[spot] = held[:free], held[free:]
        return released

    async def _open(self, event: LogEvent) -> tuple[wire.Envelope, ...] | None:
        spot, part = (event.topic, event.partition), event.headers.get("part")
        topic = self.handlers[event.topic][0]
        if spot in self._joiners and topic.compacted:
            self._joiners[spot].supersede(_base(event.key), part)
        content = await wire.unseal(topic, event.value, self.links.seal)
        if part is not None:
            joined = self._joiners.setdefault(spot, wire.Joiner({})).add(_base(event.key), part, content)
            if joined is None:
                return None
            content = joined
        return wire.decode(content)

    def _refuse_message(self, lane: Lane, event: LogEvent, error: Poison) -> None:
        """Set a whole message aside as it came (sealed values stay sealed inside)."""
        traced = trace.parse(event.headers.get("traceparent", b"").decode("ascii", "replace"))
        identity = EventId(f"{event.topic}/{event.partition}/{event.offset}")
        lane.dead_letter(
            error, event.topic, event.partition, event.offset, "", identity, event.value, "message",
            NetworkId(""), traced or trace.trace_of(identity),
        )  # fmt: skip
        self._poisoned(event.topic, error)

    async def _handle(self, lane: Lane, event: LogEvent, envelope: wire.Envelope) -> None:
        topic, handler = self.handlers[event.topic]
        marks: Marks | None = None
        try:
            record = self._decode(topic, event, envelope)
            marks = lane.begin(record)
            await self._call(handler, record, lane, marks, event)
        except Poison as error:
            if marks is not None:
                lane.undo(marks)
            network = await self._sealable(envelope.network)
            lane.dead_letter(
                error, event.topic, event.partition, event.offset, envelope.key, envelope.id, bytes(envelope.data),
                topic.type, network, envelope.trace, lane.origin if marks is not None else None,
            )  # fmt: skip
            self._poisoned(event.topic, error)
            return
        self.guard.count(poison=False)
        lane.handled[event.topic] = lane.handled.get(event.topic, 0) + 1

    def _decode(self, topic: Topic[Any], event: LogEvent, envelope: wire.Envelope) -> Received[Payload]:
        payload = wire.payload_of(topic, envelope)
        return Received(
            envelope.id,
            envelope.key,
            payload,
            envelope.network,
            event.topic,
            event.partition,
            event.offset,
            envelope.trace,
        )

    async def _call(
        self, handler: Handler[Any], record: Received[Payload], lane: Lane, marks: Marks, event: LogEvent
    ) -> None:
        async def once() -> None:
            try:
                await handler(record, lane)
                await self._prepare(lane)
            except KeyNotAtHand as need:
                lane.undo(marks)
                await self.links.seal.open(need.value, need.context)
                lane.begin(record)
                await once()
            except SteppedAgainError:
                lane.undo(marks)
                await self._persist(lane, event)
                self._count(lane, 0.0)
                lane.clear()
                fresh = lane.begin(record)
                marks.outputs, marks.set_asides = fresh.outputs, fresh.set_asides
                await once()
            except Retryable:
                lane.undo(marks)
                lane.begin(record)
                raise

        try:
            await self._waiting_out(once, event)
        except (Poison, Fatal):
            raise
        except Exception as error:  # the one boundary: a defect must not lose the record nor stop the others
            LOG.exception(
                "a handler failed", extra={"stage": self.links.stage, "topic": event.topic, "code": "stage.unexpected"}
            )
            raise Poison("stage.unexpected", f"The stage failed on this record ({type(error).__name__}).") from None

    async def _prepare(self, lane: Lane) -> None:
        """Make the keys ready that the lane will need: what cannot be sealed is the record's fault, not the batch's."""
        while lane.networks - lane.prepared:
            network = next(iter(lane.networks - lane.prepared))
            lane.networks.discard(network)
            await self.links.seal.prepare(network)
            lane.prepared.add(network)

    async def _sealable(self, network: NetworkId) -> NetworkId:
        """Return the network, or none where it has no key."""
        try:
            await self._waiting_out(lambda: self.links.seal.prepare(network), None)
        except Poison:
            return NetworkId("")
        return network

    async def _waiting_out(self, attempt: Callable[[], Awaitable[Any]], event: LogEvent | None) -> Any:
        """Return the attempt's result, trying again while its fault is a passing one."""
        wait, waits = FIRST_WAIT, 0
        try:
            while True:
                try:
                    return await attempt()
                except Retryable as error:
                    self.counters.waiting += 1 - waits
                    waits = 1
                    self._note_wait(error, event, wait)
                    await self.sleep(wait)
                    wait = min(wait * 2, LONGEST_WAIT)
        finally:
            self.counters.waiting -= waits

    def _note_wait(self, error: Retryable, event: LogEvent | None, seconds: float) -> None:
        stage, topic = self.links.stage, event.topic if event else None
        self.counters.retried += 1
        metrics.RETRIES.labels(stage, error.code).inc()
        extra = {"stage": stage, "code": error.code, "topic": topic, "seconds": seconds}
        LOG.warning("waiting for something that is away", extra=extra)

    async def _persist(self, lane: Lane, first: LogEvent) -> None:
        if self.lineage and (lane.set_asides or lane.warnings):
            self._note_lineage(lane, first)
        await self._waiting_out(lane.flush, None)

    def _note_lineage(self, lane: Lane, first: LogEvent) -> None:
        counts = dict(lane.warnings)
        for code in lane.set_asides:
            counts[code] = counts.get(code, 0) + 1
        identity = EventId(f"{self.links.stage}/{first.topic}/{first.partition}/{first.offset}")
        outcome: Literal["done", "dead-lettered"] = "dead-lettered" if lane.set_asides else "done"
        note = LineageRecorded(
            trace=trace.trace_of(identity),
            stage=self.links.stage,
            event=identity,
            topic="",
            outcome=outcome,
            warnings=counts,
        )
        lane.put_out(topics.LINEAGE, note.trace, note, NetworkId(""), identity, note.trace)

    def _poisoned(self, topic: str, error: Poison) -> None:
        metrics.RECORDS.labels(self.links.stage, topic, "dead-lettered").inc()
        LOG.warning("a record was set aside", extra={"stage": self.links.stage, "topic": topic, "code": error.code})
        self.guard.count(poison=True, code=error.code)

    def _count(self, lane: Lane, seconds: float) -> None:
        metrics.BATCH_SECONDS.labels(self.links.stage).observe(seconds)
        self.counters.seconds += seconds
        for topic, count in lane.handled.items():
            metrics.RECORDS.labels(self.links.stage, topic, "done").inc(count)
            self.counters.processed += count
        for topic, count in lane.emitted.items():
            metrics.EMITTED.labels(self.links.stage, topic).inc(count)
            self.counters.emitted += count
        for code in lane.set_asides:
            metrics.DEAD_LETTERS.labels(self.links.stage, code).inc()
            self.counters.dead_lettered += 1


def _part_set(event: LogEvent) -> wire.PartSet | None:
    part = event.headers.get("part")
    if part is None:
        return None
    try:
        return wire.part_set(part)
    except Undecodable:
        return None  # it was refused as such


def _base(key: bytes) -> bytes:
    """Return the record's key out of a message's."""
    return key.split(wire.PART_MARK, 1)[0]
