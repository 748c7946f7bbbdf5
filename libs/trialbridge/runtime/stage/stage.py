"""A stage: one Faust app, one agent over all its topics, one worker task per partition, one boundary."""

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, cast

import faust
from faust.types import TP, EventT

from trialbridge.contracts import topics
from trialbridge.contracts.documents import STAGES, StageDoc
from trialbridge.contracts.errors import Fatal, TrialbridgeError, Unavailable
from trialbridge.runtime.effects import Emitter, HandlerTable, Loop, TableSpec
from trialbridge.runtime.ports import DocumentStore
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.app import make_app
from trialbridge.runtime.stage.boundary import BATCH_MESSAGES, GATHER_SECONDS, Boundary
from trialbridge.runtime.stage.lane import Links, Outgoing, Spot
from trialbridge.runtime.stage.outbox import Outbox
from trialbridge.runtime.stage.tables import PartitionedStore, StateTable
from trialbridge.runtime.stage.worker import PartitionWorker, close_all
from trialbridge.runtime.telemetry import logs, metrics

LOG: Final = logs.logger("stage")
LOOP_PAUSE: Final = 1.0


@dataclass(slots=True)
class FaustEvent:
    """A Faust event in the boundary's terms."""

    event: EventT[Any]
    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Mapping[str, bytes]

    def ack(self) -> None:
        """Acknowledge to Faust, which commits from time to time."""
        self.event.ack()


class FaustSender:
    """Sends through the app's producer; waits while too much is on its way."""

    def __init__(self, app: faust.App, prefix: str = "") -> None:
        """Use ``app``'s producer, which must have been started; registered topics' names begin with ``prefix``."""
        self._app = app
        self._prefix = prefix

    async def send(
        self, topic: str, partition: int, key: bytes, value: bytes | None, headers: Mapping[str, bytes]
    ) -> Awaitable[object]:
        """Hand over one message."""
        name = self._prefix + topic if topic in topics.BY_NAME else topic
        with _as_unavailable():
            sent: Awaitable[object] = await self._app.producer.send(name, key, value, partition, None, dict(headers))
        return sent

    async def durable(self, sent: Iterable[Awaitable[object]]) -> None:
        """Return when the log has all of it for good."""
        with _as_unavailable():
            await asyncio.gather(*sent)

    async def write(self, runs: Mapping[Spot, Sequence[Outgoing]]) -> None:
        """Write all, different spots at the same time; return when the log has it for good."""
        found = await asyncio.gather(*(self._carry(*spot, run) for spot, run in runs.items()), return_exceptions=True)
        with _as_unavailable():
            for problem in found:
                if isinstance(problem, BaseException):
                    raise problem

    async def _carry(self, topic: str, partition: int, run: Sequence[Outgoing]) -> None:
        name = self._prefix + topic if topic in topics.BY_NAME else topic
        producer: Any = self._app.producer
        # A batch of its own waits until what lies before it is sent; a single message goes with that.
        if len(run) == 1:
            key, value, headers = run[0]
            sent = [await producer.send(name, key, value, partition, None, headers)]
        else:
            sent = await producer.send_run(name, partition, run)
        await asyncio.gather(*sent)


@contextlib.contextmanager
def _as_unavailable() -> Iterator[None]:
    """Turn the client's errors into ours, so that the boundary waits them out."""
    try:
        yield
    except TrialbridgeError:
        raise
    except (OSError, faust.exceptions.FaustError, RuntimeError) as error:
        raise Unavailable(
            "log.unavailable", f"The event log did not take a message ({type(error).__name__})."
        ) from None


@dataclass(slots=True)
class Ports:
    """The adapters that a stage stands on; ``bootstrap`` picks them."""

    documents: DocumentStore
    seal: wire.Seal
    now: Callable[[], datetime]


@dataclass(slots=True)
class Stage:
    """A running part of the pipeline. ``start`` and ``stop`` it, or let `runtime.serve` do so."""

    name: str
    settings: BaseServiceSettings
    ports: Ports
    handlers: HandlerTable
    tables: Sequence[TableSpec[Any]] = ()
    forget: Callable[[int], None] = lambda _partition: None
    """Called when a partition goes elsewhere; handlers drop what they derived from its tables."""
    background: Sequence[Loop] = ()
    """Loops that run beside the stream (pollers, senders); begun again after `Unavailable`, cancelled at stop."""
    app: faust.App = field(init=False)
    links: Links = field(init=False)
    boundary: Boundary = field(init=False)
    failed: "asyncio.Future[None] | None" = field(init=False, default=None)
    _workers: dict[int, PartitionWorker[FaustEvent]] = field(init=False, default_factory=dict)
    _tasks: "list[asyncio.Task[None]]" = field(init=False, default_factory=list)
    _acked: dict[TP, int] = field(init=False, default_factory=dict)
    _datadir: "tempfile.TemporaryDirectory[str]" = field(init=False)

    def __post_init__(self) -> None:
        """Declare app, tables and agent; nothing is opened yet."""
        self._datadir = tempfile.TemporaryDirectory(prefix="trialbridge-")
        self.app = make_app(self.name, self.settings, Path(self._datadir.name))
        self.links = Links(
            self.name,
            self.settings.partitions,
            FaustSender(self.app, self.settings.topic_prefix),
            self.ports.documents,
            self.ports.seal,
            self.ports.now,
        )
        for spec in self.tables:
            self.links.tables[spec.name] = self._declare(spec)
        by_name = {topic.name: (topic, handler) for topic, handler in self.handlers.items()}
        self.boundary = Boundary(self.links, by_name)
        if by_name:
            channel = self.app.topic(
                *self._sources(), key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
            )
            self.app.agent(channel, name=f"{self.name}.consume", concurrency=1)(self._consume)
            self.app.on_partitions_revoked.connect(cast("Any", self._revoked))
        else:
            self.app.producer_only = True

    def _sources(self) -> list[str]:
        """Return the names that the stage's input topics have in the log."""
        return [self.settings.topic_prefix + topic.name for topic in self.handlers]

    def _declare(self, spec: TableSpec[Any]) -> StateTable[Any]:
        table = self.app.Table(spec.name, partitions=self.settings.partitions, key_type=bytes, value_type=bytes)
        store = table.data
        if not isinstance(store, PartitionedStore):
            raise TypeError("the app was not made by make_app")
        return StateTable(spec, store, changelog_name(self.settings, self.name, spec.name), self.ports.seal)

    async def _consume(self, stream: Any) -> None:
        async for event in stream.noack().events():
            message = event.message
            headers = dict(message.headers) if message.headers else {}
            topic = message.topic.removeprefix(self.settings.topic_prefix)
            key, value = message.key or b"", message.value or b""
            item = FaustEvent(event, topic, message.partition, message.offset, key, value, headers)
            await self._worker(message.partition).put(item)

    def _worker(self, partition: int) -> PartitionWorker[FaustEvent]:
        worker = self._workers.get(partition)
        if worker is None:
            process = partial(self.boundary.process, partition)
            worker = self._workers[partition] = PartitionWorker(
                process, self._stopped_by, BATCH_MESSAGES, gather=GATHER_SECONDS, weigh=lambda one: len(one.value)
            )
        return worker

    def _stopped_by(self, error: Exception) -> None:
        if isinstance(error, Fatal):
            LOG.error("the stage stops", extra={"stage": self.name, "code": error.code})
        else:
            LOG.error("the stage stops on a defect", exc_info=error, extra={"stage": self.name})
        self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self.failed is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def _revoked(self, _app: Any, revoked: set[TP], **_: Any) -> None:
        """Let what is in flight become durable before the partitions go elsewhere: a late write could undo a newer one."""
        partitions = {tp.partition for tp in revoked}
        await close_all([self._workers[partition] for partition in partitions & self._workers.keys()])
        # What was handed to the client and not awaited must not be written after the next owner has read the tables.
        await self.app.producer.flush()
        for partition in partitions:
            self._workers.pop(partition, None)
            self.boundary.forget(partition)
            self.forget(partition)

    async def start(self) -> None:
        """Start consuming; return when the app runs."""
        self.failed = asyncio.get_running_loop().create_future()
        metrics.READY.labels(self.name).set_function(lambda: float(self.ready))
        self.app.finalize()
        await self.app.start()
        outbox = Outbox(self.links)
        loops = (self._beat, self._watch, *self.background)
        self._tasks = [asyncio.create_task(self._guarded(loop, outbox)) for loop in loops]

    async def _guarded(self, loop: Loop, outbox: Outbox) -> None:
        while True:
            try:
                await loop(outbox)
            except Unavailable as error:
                LOG.warning("a background loop waits", extra={"stage": self.name, "code": error.code})
                await asyncio.sleep(LOOP_PAUSE)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                LOG.exception("a background loop failed", extra={"stage": self.name})
                self._fail(error)
                return
            else:
                return

    async def stop(self) -> None:
        """Stop taking work, let what is in flight become durable, commit, and close."""
        metrics.READY.labels(self.name).set_function(lambda: 0.0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.app.flow_control.suspend()
        # Before the group is left: what is written later could undo what the next owner writes.
        await close_all(self._workers.values())
        await self.app.stop()
        with contextlib.suppress(Unavailable):
            await self._report("stopped")
        if self.failed is not None and not self.failed.done():
            self.failed.cancel()
        self._datadir.cleanup()

    @property
    def ready(self) -> bool:
        """Return whether tables are recovered and nothing needed is away."""
        if not self.app.started or self.boundary.counters.waiting:
            return False
        # Before the first assignment nothing is recovered yet, and Faust does not speak of a rebalance.
        return not self.handlers or (self.app.rebalancing_count > 0 and not self.app.rebalancing)

    def lag(self) -> int:
        """Return how many messages of the assigned partitions are not committed yet."""
        if not self.handlers or not self.app.started:
            return 0
        consumer: Any = self.app.consumer
        names = set(self._sources())
        behind = 0
        for tp in consumer.assignment():
            if tp.topic in names:
                end = consumer.highwater(tp) or 0
                behind += max(0, end - (consumer._committed_offset.get(tp) or 0))  # noqa: SLF001 - Faust has no public word for it
        return behind

    async def _watch(self, _outbox: Emitter) -> None:
        """Let the stage fail where Faust crashed: it would stand still and look alive."""
        await self.app.wait_until_stopped()
        if self.app.crashed:
            cause = self.app.crash_reason
            why = cause.code if isinstance(cause, TrialbridgeError) else type(cause).__name__
            raise Fatal(
                "stage.stream-crashed", f"The stream client of stage {self.name} crashed ({why}); start it again."
            )

    async def _beat(self, _outbox: Emitter) -> None:
        while True:
            with contextlib.suppress(Unavailable):
                await self._report("ready" if self.ready else "waiting")
            await asyncio.sleep(self.settings.heartbeat_interval)

    async def _report(self, state: Literal["ready", "waiting", "stopped"]) -> None:
        now, counters = self.ports.now(), self.boundary.counters
        lag = self.lag() if state != "stopped" else 0
        metrics.LAG.labels(self.name).set(lag)
        worker = f"{socket.gethostname()}-{os.getpid()}"
        await self.ports.documents.upsert(
            STAGES,
            [
                StageDoc(
                    id=f"{self.name}/{worker}", version=int(now.timestamp() * 1000), stage=self.name, worker=worker,
                    state=state, processed=counters.processed, emitted=counters.emitted,
                    dead_lettered=counters.dead_lettered, retried=counters.retried, lag=lag, seconds=counters.seconds,
                    updated=now.isoformat(),
                )
            ],
        )  # fmt: skip


def changelog_name(settings: BaseServiceSettings, stage: str, table: str) -> str:
    """Return the changelog topic of a stage's table, as Faust names it."""
    return f"{settings.group_prefix}-{stage}-{table}-changelog"
