"""The log's file: topics, records, consumed positions. Plain SQLite calls; `log` decides when they run."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

Headers = Sequence[tuple[str, bytes]]
Spot = tuple[str, int]
"""Topic and partition."""
Position = tuple[str, str, int, int]
"""Consumer group, topic, partition, next offset."""
READ_RECORDS: Final = 256
READ_BYTES: Final = 2 * 1024 * 1024
VERSION: Final = 1
ROWS: Final = (256, 64, 16, 4, 1)
"""Rows of one INSERT. Few sizes, so that the statements stay prepared; large ones, because every statement costs the
writer a turn at Python's lock, for which it waits while the event loop is busy."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS topic (name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, compacted INTEGER NOT NULL, retention_ms INTEGER);
CREATE TABLE IF NOT EXISTS record (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL, time REAL NOT NULL,
  key BLOB, value BLOB, headers BLOB, PRIMARY KEY (topic, partition, offset)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS position (
  consumer TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
  PRIMARY KEY (consumer, topic, partition)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class LogTopic:
    """A topic as the log keeps it."""

    name: str
    partitions: int
    compacted: bool
    retention_ms: int | None


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record; ``value`` None deletes its key when the topic is compacted."""

    topic: str
    partition: int
    offset: int
    time: float
    """Seconds since 1970."""
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class WrongVersion(Exception):
    """The file was written by a version of the product that keeps its log in another way."""


class Storage:
    """One connection to the file. Not for use by two threads at a time."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the file, and make it where it is absent (unless ``read_only``); raise `WrongVersion` or `sqlite3.Error`."""
        uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        self._db = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None, timeout=30)
        if read_only:
            return
        if self._db.execute("PRAGMA user_version").fetchone()[0] not in {0, VERSION}:
            self._db.close()
            raise WrongVersion
        # A commit returns after the write-ahead log is on disk: durable through a crash of the process and of the machine.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(f"{_SCHEMA}PRAGMA user_version={VERSION};")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def topics(self) -> dict[str, LogTopic]:
        """Return all topics by name."""
        rows = self._db.execute("SELECT name, partitions, compacted, retention_ms FROM topic")
        return {name: LogTopic(name, count, bool(compacted), kept) for name, count, compacted, kept in rows}

    def create(self, topics: Iterable[LogTopic]) -> None:
        """Add topics."""
        rows = [(t.name, t.partitions, int(t.compacted), t.retention_ms) for t in topics]
        self._db.executemany("INSERT OR IGNORE INTO topic VALUES (?, ?, ?, ?)", rows)

    def ends(self) -> dict[Spot, int]:
        """Return the next offset of each partition (its last record is never removed)."""
        return self._edge("SELECT MAX(offset) + 1 FROM record WHERE topic = ? AND partition = ?")

    def starts(self) -> dict[Spot, int]:
        """Return the first offset still held of each partition, 0 where it is empty."""
        return self._edge("SELECT MIN(offset) FROM record WHERE topic = ? AND partition = ?")

    def _edge(self, query: str) -> dict[Spot, int]:
        spots = [(topic.name, number) for topic in self.topics().values() for number in range(topic.partitions)]
        return {spot: self._db.execute(query, spot).fetchone()[0] or 0 for spot in spots}

    def write(self, records: Sequence[Record], positions: Sequence[Position]) -> None:
        """Write records and consumed positions in one transaction, durable on return."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._insert(records)
            if positions:
                self._db.executemany("INSERT OR REPLACE INTO position VALUES (?, ?, ?, ?)", positions)
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _insert(self, records: Sequence[Record]) -> None:
        start = 0
        for size in ROWS:
            while len(records) - start >= size:
                values: list[Any] = []
                for r in records[start : start + size]:
                    headers = msgspec.msgpack.encode(r.headers) if r.headers else None
                    values += (r.topic, r.partition, r.offset, r.time, r.key, r.value, headers)
                self._db.execute(f"INSERT INTO record VALUES {','.join(['(?,?,?,?,?,?,?)'] * size)}", values)  # noqa: S608 - question marks only
                start += size

    def read(self, wanted: Mapping[Spot, int], ends: Mapping[Spot, int]) -> dict[Spot, list[Record]]:
        """Return records of each partition from its wanted offset on and below its end."""
        return {spot: self._read(spot, offset, ends[spot]) for spot, offset in wanted.items()}

    def _read(self, spot: Spot, offset: int, end: int) -> list[Record]:
        """Return at most `READ_RECORDS`, and about `READ_BYTES`."""
        found, size = [], 0
        rows = self._db.execute(
            "SELECT offset, time, key, value, headers FROM record "
            "WHERE topic = ? AND partition = ? AND offset >= ? AND offset < ? ORDER BY offset LIMIT ?",
            (*spot, offset, end, READ_RECORDS),
        )
        for at, time, key, value, headers in rows:
            found.append(Record(*spot, at, time, key, value, _headers(headers)))
            size += len(value or b"")
            if size >= READ_BYTES:
                break
        return found

    def positions(self, consumer: str) -> dict[Spot, int]:
        """Return the positions that a consumer group has committed."""
        rows = self._db.execute("SELECT topic, partition, offset FROM position WHERE consumer = ?", (consumer,))
        return {(topic, partition): offset for topic, partition, offset in rows}

    def compact(self, topic: str, partition: int, deleted_before: float) -> int:
        """Keep the newest record of each key; return how many went.

        A deletion stays until ``deleted_before`` (seconds since 1970), so that a reader who saw the value sees it go.
        """
        cursor = self._db.execute(
            "DELETE FROM record WHERE topic = ?1 AND partition = ?2 "
            "AND offset < (SELECT MAX(offset) FROM record WHERE topic = ?1 AND partition = ?2) "
            "AND ((value IS NULL AND time < ?3) OR offset NOT IN "
            "(SELECT MAX(offset) FROM record WHERE topic = ?1 AND partition = ?2 GROUP BY key))",
            (topic, partition, deleted_before),
        )
        return cursor.rowcount

    def expire(self, topic: str, partition: int, before: float) -> int:
        """Remove the records in front of the first that is as young as ``before``, never the last; return how many went."""
        cursor = self._db.execute(
            "DELETE FROM record WHERE topic = ?1 AND partition = ?2 AND offset < COALESCE("
            "(SELECT offset FROM record WHERE topic = ?1 AND partition = ?2 AND time >= ?3 ORDER BY offset LIMIT 1), "
            "(SELECT MAX(offset) FROM record WHERE topic = ?1 AND partition = ?2))",
            (topic, partition, before),
        )
        return cursor.rowcount


def _headers(raw: bytes | None) -> Headers:
    return () if raw is None else msgspec.msgpack.decode(raw, type=list[tuple[str, bytes]])
