"""The Faust transport on the embedded log; Faust finds it by the entry point ``trialbridge-embedded``."""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import unquote

from faust.assignor.client_assignment import ClientAssignment
from faust.transport import base
from faust.transport.consumer import Consumer as FaustConsumer
from faust.types import TP, ConsumerMessage, RecordMetadata
from yarl import URL

from trialbridge.contracts.errors import Unavailable
from trialbridge.runtime.embedded.log import Log
from trialbridge.runtime.embedded.storage import Record, Spot
from trialbridge.runtime.partitioner import partition_of
from trialbridge.runtime.stage.flow import SteadyFlow, set_within

SCHEME: Final = "trialbridge-embedded"


def log_path(url: URL | str) -> Path:
    """Return the file of ``trialbridge-embedded:///abs/log.db`` or ``trialbridge-embedded://rel/log.db``."""
    # An URL object leaves out an empty host: scheme:/abs.
    return Path(unquote(str(url).removeprefix(f"{SCHEME}:").removeprefix("//")))


def open_log(transport: Any) -> Log:
    """Return the transport's log for one more user."""
    return Log.acquire(log_path(transport.url[0]))


class LogConsumer(FaustConsumer):
    """Reads all partitions of the topics that its app subscribes to: one process owns them all."""

    rewinds: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with nothing assigned."""
        super().__init__(*args, **kwargs)
        self._assigned: set[TP] = set()
        self._positions: dict[Spot, int] = {}
        self._generation = 0
        self._news = asyncio.Event()
        self._log: Log = open_log(self.transport)

    async def on_stop(self) -> None:
        """Commit, and give up the log."""
        await super().on_stop()
        self._log.forget(self._news.set)
        await self._log.release()

    async def create_topic(self, *_: Any, **__: Any) -> None:
        """Do nothing: topics are created beforehand."""

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Take all partitions of ``topics``."""
        self._log.wake(self._news.set)
        self.add_future(self._rebalance({topic for topic in topics if self._log.partitions(topic)}))

    async def _rebalance(self, topics: set[str]) -> None:
        """Play the rebalance by hand, as Faust expects it from a broker's client."""
        app: Any = self.app
        app.on_rebalance_start()
        await self.on_partitions_revoked(self._assigned)
        self._generation += 1
        app.consumer_generation_id = self._generation
        active = {topic: list(range(self._log.partitions(topic) or 0)) for topic in topics}
        self._assigned = {TP(topic, number) for topic, numbers in active.items() for number in numbers}
        assignor: Any = app.assignor
        assignor._assignment = ClientAssignment(actives=active, standbys={})  # noqa: SLF001 - Faust's tables ask the assignor
        assignor._active_tps, assignor._standby_tps = set(self._assigned), set()  # noqa: SLF001
        assignor._topic_groups = {topic: number for number, topic in enumerate(sorted(topics))}  # noqa: SLF001
        changelogs = {topic: parts for topic, parts in active.items() if topic in app.tables.changelog_topics}
        assignor.changelog_distribution = {str(assignor._url): changelogs}  # noqa: SLF001
        await self.on_partitions_assigned(set(self._assigned), self._generation)

    def assignment(self) -> set[TP]:
        """Return all partitions."""
        return self._assigned

    def topic_partitions(self, topic: str) -> int | None:
        """Return a topic's number of partitions."""
        return self._log.partitions(topic)

    def highwater(self, tp: TP) -> int:
        """Return the offset after the last durable record."""
        return self._log.end((tp.topic, tp.partition))

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        """Return the high waters of several partitions."""
        return {tp: self.highwater(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        """Return the first offsets still held."""
        starts = await self._log.starts()
        return {tp: starts[(tp.topic, tp.partition)] for tp in partitions}

    async def position(self, tp: TP) -> int | None:
        """Return the next offset to be read."""
        return self._positions.get((tp.topic, tp.partition))

    async def _seek(self, partition: TP, offset: int) -> None:
        self._positions[(partition.topic, partition.partition)] = offset
        self._news.set()

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to the given offsets."""
        for tp, offset in partitions.items():
            await self.seek(tp, offset)

    async def seek_to_committed(self) -> dict[TP, int]:
        """Go to what the group has committed, to the beginning where it has not."""
        kept = await self._log.positions(self.app.conf.id)
        committed = {tp: kept.get((tp.topic, tp.partition), 0) for tp in self._assigned}
        self._positions.update({(tp.topic, tp.partition): offset for tp, offset in committed.items()})
        self._news.set()
        return committed

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        try:
            await self._log.commit(self.app.conf.id, {(tp.topic, tp.partition): at for tp, at in offsets.items()})
        except Unavailable:
            # Not committed now is committed with the next; what lies between comes again after a crash.
            return False
        return True

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Record]]:  # noqa: ASYNC109 - Faust's signature
        wanted = self._assigned if active_partitions is None else active_partitions
        rewinds = self.rewinds
        self._news.clear()
        found = await self._read(wanted, rewinds)
        if not found and await set_within(self._news, timeout):
            found = await self._read(wanted, rewinds)
        return found

    async def _read(self, wanted: Iterable[TP], rewinds: int) -> dict[TP, list[Record]]:
        """Return records and move on, unless positions were changed since ``rewinds`` was counted."""
        spots = {(tp.topic, tp.partition): tp for tp in wanted}
        found = await self._log.read({spot: self._positions.get(spot, 0) for spot in spots})
        if self.rewinds != rewinds:
            return {}
        self._positions.update({spot: records[-1].offset + 1 for spot, records in found.items()})
        return {spots[spot]: records for spot, records in found.items()}

    def _to_message(self, tp: TP, record: Record) -> ConsumerMessage:
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record.offset,
            record.time,
            0,
            list(record.headers),
            record.key,
            record.value,
            None,
            len(record.key or b""),
            len(record.value or b""),
            tp,
            # Without it Faust's streams skip the message and acknowledge it.
            generation_id=self.app.consumer_generation_id,
        )

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Return the partition of a key."""
        return partition if partition is not None else _partition(self._log, topic, key)

    def close(self) -> None:
        """Do nothing; the log is given up at stop."""


class Consumer(SteadyFlow, LogConsumer):
    """What Faust starts: reads the log, and loses nothing at a rewind."""


class Producer(base.Producer):
    """Sends into the log."""

    async def on_start(self) -> None:
        """Open the log."""
        await super().on_start()
        self._log: Log = open_log(self.transport)

    async def on_stop(self) -> None:
        """Wait until all is durable, and give up the log."""
        await super().on_stop()
        await self._log.release()

    async def create_topic(self, *_: Any, **__: Any) -> None:
        """Do nothing: topics are created beforehand."""

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None, timestamp: float | None,
        headers: Any, *, transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:  # fmt: skip
        """Take a message in; what is returned is done when it is durable."""
        del transactional_id
        number = _partition(self._log, topic, key) if partition is None else partition
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        return await self._log.append(topic, number, key, value, tuple(pairs), timestamp or time.time())

    async def send_run(
        self, topic: str, partition: int, run: Sequence[tuple[bytes, bytes | None, list[tuple[str, bytes]]]]
    ) -> list[Awaitable[RecordMetadata]]:
        """Take messages (key, value, headers) of one partition in, in their order; what is returned is done when they are durable."""
        now = time.time()
        append = self._log.append
        return [await append(topic, partition, key, value, tuple(headers), now) for key, value, headers in run]

    async def send_and_wait(self, *args: Any, **kwargs: Any) -> RecordMetadata:
        """Send and return once it is durable."""
        return await (await self.send(*args, **kwargs))

    async def flush(self) -> None:
        """Return when nothing is pending."""
        await self.buffer.flush()
        await self._log.flush()

    def key_partition(self, topic: str, key: bytes | None) -> TP:
        """Return the partition of a key."""
        return TP(topic, _partition(self._log, topic, key))

    def supports_headers(self) -> bool:
        """Return that headers are kept."""
        return True


def _partition(log: Log, topic: str, key: bytes | None) -> int:
    return partition_of((key or b"").decode(), log.partitions(topic) or 1)


class Transport(base.Transport):
    """Names the classes above."""

    Consumer: ClassVar[Any] = Consumer
    Producer: ClassVar[Any] = Producer
    driver_version = "sqlite"
    default_port = 0
