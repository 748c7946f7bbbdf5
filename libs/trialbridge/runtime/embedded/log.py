"""The event log of one process: group commit by a writer thread, reads by memory or file, back-pressure, one owner."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from faust.types import TP, RecordMetadata

from trialbridge.contracts.errors import Misconfigured, Unavailable
from trialbridge.runtime.embedded.owner import broken, is_broken, open_files
from trialbridge.runtime.embedded.storage import Headers, LogTopic, Position, Record, Spot
from trialbridge.runtime.embedded.tail import Tail

R = TypeVar("R")
Receipt = asyncio.Future[RecordMetadata]
PENDING_BYTES: Final = 32 * 1024 * 1024
"""Not yet durable bytes over which senders wait."""
TAIL_BYTES: Final = 16 * 1024 * 1024
CLEAN_EVERY: Final = 50_000
"""Records written between two cleanings."""
DELETIONS_SECONDS: Final = 86_400
"""How long a deletion stays in a compacted topic, as in Kafka."""


class Log:
    """One open log file, shared by all stages of the process. Used within one asyncio loop."""

    _open: ClassVar[dict[Path, "Log"]] = {}

    def __init__(self, path: Path) -> None:
        """Lock and open the file.

        Raises `Misconfigured` ``log.in-use``, ``log.unusable``, ``log.broken`` or ``log.other-version``.
        """
        self.path = path
        self._files = open_files(path)
        self._writer, self._reader = self._files.writer, self._files.reader
        try:
            self.topics, self._ends = self._writer.topics(), self._writer.ends()
        except sqlite3.Error as error:
            self._files.close()
            raise self._fault(error, "read") from None
        self._threads = (ThreadPoolExecutor(1, "log-writer"), ThreadPoolExecutor(1, "log-reader"))
        self._users = 0
        self._closed = False
        self._next = dict(self._ends)
        self._tail = Tail(TAIL_BYTES)
        self._pending: list[tuple[Record, Receipt]] = []
        self._pending_bytes = 0
        self._positions: list[Position] = []
        self._position_waits: list[asyncio.Future[None]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._cleaning: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None
        self._wakers: set[Callable[[], None]] = set()
        self._until_cleaning = 0

    @classmethod
    def acquire(cls, path: Path) -> "Log":
        """Return the open log of ``path`` for one more user; `release` it."""
        path = path.resolve()
        log = cls._open.get(path)
        if log is None:
            log = cls._open[path] = cls(path)
        log._users += 1
        return log

    async def release(self) -> None:
        """Give up one use; the last one writes what is pending and closes the file."""
        self._users -= 1
        if not self._users:
            await self.flush()
        # Somebody may have come while it was written.
        if self._users or self._closed:
            return
        self._closed = True
        del self._open[self.path]
        for pool in self._threads:
            pool.shutdown()
        self._files.close()

    async def create(self, topics: Iterable[LogTopic]) -> list[str]:
        """Add topics that are not there; return their names. Raise `Misconfigured` where partitions differ."""
        new = []
        for topic in topics:
            known = self.topics.get(topic.name)
            if known is None:
                new.append(topic)
            elif known.partitions != topic.partitions:
                raise Misconfigured(
                    "topics.partitions-differ",
                    f"Topic {topic.name} has {known.partitions} partitions, the settings say {topic.partitions}. "
                    "Set TRIALBRIDGE_PARTITIONS back, or begin with an empty state folder.",
                )
        try:
            await self._in_thread(0, self._writer.create, new)
        except sqlite3.Error as error:
            raise self._fault(error, "written") from None
        self.topics.update({topic.name: topic for topic in new})
        return [topic.name for topic in new]

    def partitions(self, topic: str) -> int | None:
        """Return a topic's number of partitions, None where it does not exist."""
        known = self.topics.get(topic)
        return known.partitions if known else None

    def end(self, spot: Spot) -> int:
        """Return the offset after the last durable record."""
        return self._ends.get(spot, 0)

    async def append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers, at: float
    ) -> Receipt:
        """Take a record in; the receipt comes when it is durable. Waits while too much is pending.

        Raises `Misconfigured` ``topics.missing`` where there is no such topic or partition, `Unavailable` after the end.
        """
        if not 0 <= partition < (self.partitions(topic) or 0):
            raise Misconfigured("topics.missing", f"Topic {topic} is not there; create the topics first.")
        while self._pending_bytes > PENDING_BYTES:
            if self._room is None:
                self._room = asyncio.Event()
            await self._room.wait()
        self._check_open()
        spot = (topic, partition)
        offset = self._next.get(spot, 0)
        self._next[spot] = offset + 1
        receipt: Receipt = asyncio.get_running_loop().create_future()
        self._pending.append((Record(topic, partition, offset, at, key, value, headers), receipt))
        self._pending_bytes += len(value or b"") + len(key or b"")
        self._begin_flush()
        return receipt

    async def commit(self, consumer: str, positions: Mapping[Spot, int]) -> None:
        """Write consumed positions; durable on return. Raises `Unavailable` where the file cannot be written."""
        self._check_open()
        self._positions.extend((consumer, topic, partition, at) for (topic, partition), at in positions.items())
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._position_waits.append(done)
        self._begin_flush()
        await done

    async def flush(self) -> None:
        """Return when nothing is pending and nothing is being cleaned."""
        while (running := self._flushing or self._cleaning) is not None:
            await asyncio.shield(running)

    async def read(self, wanted: Mapping[Spot, int]) -> dict[Spot, list[Record]]:
        """Return durable records of each partition from its offset on, as many as one read takes."""
        found: dict[Spot, list[Record]] = {}
        older: dict[Spot, int] = {}
        for spot, offset in wanted.items():
            if offset < self.end(spot):
                held = self._tail.read(spot, offset)
                if held is None:
                    older[spot] = offset
                else:
                    found[spot] = held
        if older:
            found |= await self._ask(self._reader.read, older, {spot: self.end(spot) for spot in older})
        return {spot: records for spot, records in found.items() if records}

    async def positions(self, consumer: str) -> dict[Spot, int]:
        """Return what a consumer group has committed."""
        return await self._ask(self._reader.positions, consumer)

    async def starts(self) -> dict[Spot, int]:
        """Return the first offset still held of each partition."""
        return await self._ask(self._reader.starts)

    async def clean(self) -> None:
        """Compact and expire, as each topic asks; records are written in between."""
        now = time.time()
        for topic in list(self.topics.values()):
            for partition in range(topic.partitions):
                if topic.compacted:
                    before = now - DELETIONS_SECONDS
                    await self._in_thread(0, self._writer.compact, topic.name, partition, before)
                elif topic.retention_ms is not None:
                    before = now - topic.retention_ms / 1000
                    await self._in_thread(0, self._writer.expire, topic.name, partition, before)

    def wake(self, waker: Callable[[], None]) -> None:
        """Call ``waker`` after each commit that brought records."""
        self._wakers.add(waker)

    def forget(self, waker: Callable[[], None]) -> None:
        """Stop calling ``waker``."""
        self._wakers.discard(waker)

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("log.unavailable", "The event log was closed.")

    async def _in_thread(self, pool: int, call: Callable[..., R], *arguments: Any) -> R:
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._threads[pool], call, *arguments)

    async def _ask(self, call: Callable[..., R], *arguments: Any) -> R:
        try:
            return await self._in_thread(1, call, *arguments)
        except sqlite3.Error as error:
            raise self._fault(error, "read") from None

    def _fault(self, error: sqlite3.Error, verb: str) -> Misconfigured | Unavailable:
        """Return a damaged file's error, for which waiting is no help, or that of one that may be read or written later."""
        if is_broken(error):
            return broken(self.path)
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        return Unavailable("log.unavailable", f"The event log cannot be {verb} ({name}).")

    def _begin_flush(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        """Write all that is pending, group after group."""
        # Whoever is ready to send in this turn of the loop joins the group.
        await asyncio.sleep(0)
        try:
            while self._pending or self._positions:
                group, self._pending = self._pending, []
                positions, self._positions = self._positions, []
                waits, self._position_waits = self._position_waits, []
                self._pending_bytes = 0
                await self._write(group, positions, waits)
        finally:
            self._flushing = None

    async def _write(
        self, group: list[tuple[Record, Receipt]], positions: list[Position], waits: list["asyncio.Future[None]"]
    ) -> None:
        try:
            await self._in_thread(0, self._writer.write, [record for record, _ in group], positions)
        except sqlite3.Error as error:
            _refuse([*(receipt for _, receipt in group), *waits], self._fault(error, "written"))
        else:
            self._publish(group, waits)
        if self._room is not None:
            self._room.set()
            self._room = None

    def _publish(self, group: list[tuple[Record, Receipt]], waits: list["asyncio.Future[None]"]) -> None:
        """Show durable records to consumers, answer senders, and clean up from time to time."""
        for record, receipt in group:
            self._ends[(record.topic, record.partition)] = record.offset + 1
            self._tail.add(record)
            if not receipt.done():
                tp = TP(record.topic, record.partition)
                receipt.set_result(RecordMetadata(*tp, tp, record.offset, record.time, 0))
        for wait in waits:
            if not wait.done():
                wait.set_result(None)
        if group:
            for waker in tuple(self._wakers):
                waker()
        self._until_cleaning -= len(group)
        if self._until_cleaning < 0 and self._cleaning is None:
            self._until_cleaning = CLEAN_EVERY
            self._cleaning = asyncio.get_running_loop().create_task(self._clean_up())

    async def _clean_up(self) -> None:
        try:
            await self.clean()
        except sqlite3.Error:
            # What could not be removed now is removed the next time; writing goes on and tells of a fault itself.
            self._until_cleaning = CLEAN_EVERY
        finally:
            self._cleaning = None


def _refuse(futures: Sequence["asyncio.Future[Any]"], error: Misconfigured | Unavailable) -> None:
    """Tell each future that still waits."""
    for future in futures:
        if not future.done():
            future.set_exception(error)
