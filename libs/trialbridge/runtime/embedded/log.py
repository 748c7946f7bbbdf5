"""The event log of one process: group commit by a writer thread, reads from disk, back-pressure, one owner."""

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from trialbridge.contracts.errors import Misconfigured, Unavailable
from trialbridge.runtime.embedded.storage import Headers, LogTopic, Record, Spot, Storage

R = TypeVar("R")
PENDING_BYTES: Final = 32 * 1024 * 1024
"""Not yet durable bytes over which senders wait."""
COMPACT_EVERY: Final = 50_000
"""Records written between two compactions."""


class Log:
    """One open log file, shared by all stages of the process. Used within one asyncio loop."""

    _open: ClassVar[dict[Path, "Log"]] = {}

    def __init__(self, path: Path) -> None:
        """Lock and open the file; raise `Misconfigured` ``log.in-use`` where another process owns it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = _lock(path)
        self._writer = Storage(path)
        self._reader = Storage(path, read_only=True)
        self._threads = (ThreadPoolExecutor(1, "log-writer"), ThreadPoolExecutor(1, "log-reader"))
        self._users = 0
        self.topics = self._writer.topics()
        self._ends = self._writer.ends()
        self._next = dict(self._ends)
        self._pending: list[tuple[Record, asyncio.Future[Record]]] = []
        self._pending_bytes = 0
        self._positions: list[tuple[str, str, int, int]] = []
        self._position_waits: list[asyncio.Future[None]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None
        self._wakers: set[Callable[[], None]] = set()
        self._since_compaction = 0
        self._clean()

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
        if self._users:
            return
        await self.flush()
        del self._open[self.path]
        for pool in self._threads:
            pool.shutdown()
        self._writer.close()
        self._reader.close()
        os.close(self._lock)

    def create(self, topics: Iterable[LogTopic]) -> list[str]:
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
        self._writer.create(new)
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
    ) -> "asyncio.Future[Record]":
        """Take a record in; the future is done when it is durable. Waits while too much is pending.

        Raises `Misconfigured` ``topics.missing`` where there is no such topic or partition.
        """
        if not 0 <= partition < (self.partitions(topic) or 0):
            raise Misconfigured("topics.missing", f"Topic {topic} is not there; create the topics first.")
        while self._pending_bytes > PENDING_BYTES:
            if self._room is None:
                self._room = asyncio.Event()
            await self._room.wait()
        spot = (topic, partition)
        offset = self._next.get(spot, 0)
        self._next[spot] = offset + 1
        record = Record(topic, partition, offset, at, key, value, headers)
        done: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        self._pending.append((record, done))
        self._pending_bytes += len(value or b"") + len(key or b"")
        self._begin_flush()
        return done

    async def commit(self, consumer: str, positions: Mapping[Spot, int]) -> None:
        """Write consumed positions; durable on return."""
        self._positions.extend((consumer, topic, partition, at) for (topic, partition), at in positions.items())
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._position_waits.append(done)
        self._begin_flush()
        await done

    async def flush(self) -> None:
        """Return when nothing is pending."""
        while self._flushing is not None:
            await asyncio.shield(self._flushing)

    async def read(self, spot: Spot, offset: int) -> list[Record]:
        """Return durable records from ``offset`` on, as many as one read takes."""
        end = self.end(spot)
        if offset >= end:
            return []
        return await self._in_thread(1, self._reader.read, spot, offset, end)

    async def positions(self, consumer: str) -> dict[Spot, int]:
        """Return what a consumer group has committed."""
        await self.flush()
        return await self._in_thread(1, self._reader.positions, consumer)

    async def starts(self, spots: Iterable[Spot]) -> dict[Spot, int]:
        """Return the first offset still held of each partition."""
        return await self._in_thread(1, self._reader.starts, list(spots))

    def wake(self, waker: Callable[[], None]) -> None:
        """Call ``waker`` after each commit that brought records."""
        self._wakers.add(waker)

    def forget(self, waker: Callable[[], None]) -> None:
        """Stop calling ``waker``."""
        self._wakers.discard(waker)

    async def _in_thread(self, pool: int, call: Callable[..., R], *arguments: Any) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads[pool], call, *arguments)

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
        self,
        group: list[tuple[Record, "asyncio.Future[Record]"]],
        positions: list[tuple[str, str, int, int]],
        waits: list["asyncio.Future[None]"],
    ) -> None:
        records = [record for record, _ in group]
        futures: list[asyncio.Future[Any]] = [*(done for _, done in group), *waits]
        try:
            await self._in_thread(0, self._writer.write, records, positions)
        except sqlite3.Error as error:
            away = Unavailable("log.unavailable", f"The event log cannot be written ({error.sqlite_errorname}).")
            _settle(futures, lambda future, _: future.set_exception(away))
            return
        for record in records:
            self._ends[(record.topic, record.partition)] = record.offset + 1
        _settle(futures, lambda future, number: future.set_result(records[number] if number < len(records) else None))
        await self._after(len(records))

    async def _after(self, written: int) -> None:
        """Let senders and consumers know, and clean up from time to time."""
        if self._room is not None:
            self._room.set()
            self._room = None
        if written:
            for waker in tuple(self._wakers):
                waker()
        self._since_compaction += written
        if self._since_compaction >= COMPACT_EVERY:
            self._since_compaction = 0
            await self._in_thread(0, self._clean)

    def _clean(self) -> None:
        """Compact and expire, as each topic asks."""
        now = time.time()
        for topic in list(self.topics.values()):
            for partition in range(topic.partitions):
                if topic.compacted:
                    self._writer.compact(topic.name, partition)
                elif topic.retention_ms is not None:
                    self._writer.expire(topic.name, partition, now - topic.retention_ms / 1000)


def _settle(futures: Sequence["asyncio.Future[Any]"], answer: Callable[["asyncio.Future[Any]", int], None]) -> None:
    """Answer each future that still waits."""
    for number, future in enumerate(futures):
        if not future.done():
            answer(future, number)


def _lock(path: Path) -> int:
    """Take the owner's lock; it goes with the process, however that ends."""
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise Misconfigured(
            "log.in-use",
            f"Another process owns the event log {path}. The embedded log serves one process: stop the other one, "
            "or name another path in TRIALBRIDGE_BROKER.",
        ) from None
    return handle
