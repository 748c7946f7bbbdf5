"""The log's file: topics, records, consumed positions. Plain SQLite calls; `log` decides when they run."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

Headers = Sequence[tuple[str, bytes]]
Spot = tuple[str, int]
"""Topic and partition."""
READ_RECORDS: Final = 500
READ_BYTES: Final = 8 * 1024 * 1024

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


@dataclass(frozen=True, slots=True)
class Record:
    """One record; ``value`` None deletes its key when the topic is compacted."""

    topic: str
    partition: int
    offset: int
    time: float
    """Seconds since 1970."""
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Storage:
    """One connection to the file. Not for use by two threads at a time."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the file, and make it where it is absent (unless ``read_only``)."""
        uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        self._db = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None, timeout=30)
        if not read_only:
            # A commit returns after the write-ahead log is on disk: durable through a crash of process or machine.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)

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
        """Return the next offset of each partition that holds records (its last record is never removed)."""
        rows = self._db.execute("SELECT topic, partition, MAX(offset) + 1 FROM record GROUP BY topic, partition")
        return {(topic, partition): end for topic, partition, end in rows}

    def starts(self, spots: Iterable[Spot]) -> dict[Spot, int]:
        """Return the first offset still held of each partition, 0 where it is empty."""
        query = "SELECT MIN(offset) FROM record WHERE topic = ? AND partition = ?"
        return {spot: self._db.execute(query, spot).fetchone()[0] or 0 for spot in spots}

    def write(self, records: Sequence[Record], positions: Sequence[tuple[str, str, int, int]]) -> None:
        """Write records and consumed positions in one transaction, durable on return."""
        rows = [
            (
                r.topic,
                r.partition,
                r.offset,
                r.time,
                r.key,
                r.value,
                msgspec.msgpack.encode(r.headers) if r.headers else None,
            )
            for r in records
        ]
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.executemany("INSERT OR REPLACE INTO position VALUES (?, ?, ?, ?)", positions)
            self._db.execute("COMMIT")
        except sqlite3.Error:
            self._db.execute("ROLLBACK")
            raise

    def read(self, spot: Spot, offset: int, end: int) -> list[Record]:
        """Return records from ``offset`` on and below ``end``: at most `READ_RECORDS`, and about `READ_BYTES`."""
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

    def compact(self, topic: str, partition: int) -> int:
        """Keep the newest record of each key, and of deletions only the last record; return how many went."""
        cursor = self._db.execute(
            "DELETE FROM record WHERE topic = ?1 AND partition = ?2 "
            "AND offset < (SELECT MAX(offset) FROM record WHERE topic = ?1 AND partition = ?2) "
            "AND (value IS NULL OR offset NOT IN "
            "(SELECT MAX(offset) FROM record WHERE topic = ?1 AND partition = ?2 GROUP BY key))",
            (topic, partition),
        )
        return cursor.rowcount

    def expire(self, topic: str, partition: int, before: float) -> int:
        """Remove records older than ``before`` (seconds since 1970), except the last; return how many went."""
        cursor = self._db.execute(
            "DELETE FROM record WHERE topic = ?1 AND partition = ?2 AND time < ?3 "
            "AND offset < (SELECT MAX(offset) FROM record WHERE topic = ?1 AND partition = ?2)",
            (topic, partition, before),
        )
        return cursor.rowcount


def _headers(raw: bytes | None) -> Headers:
    return () if raw is None else msgspec.msgpack.decode(raw, type=list[tuple[str, bytes]])
