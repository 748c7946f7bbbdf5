"""The document store in one SQLite file: a table for each collection, clear fields as JSON, sealed ones beside it."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from trialbridge.contracts import documents
from trialbridge.contracts.documents import Collection, Document
from trialbridge.contracts.errors import Misconfigured, Unavailable
from trialbridge.runtime.documents import cursor, limits
from trialbridge.runtime.documents.codec import Codec, Packed
from trialbridge.runtime.ports import Query, Scalar
from trialbridge.runtime.stage import wire

D = TypeVar("D", bound=Document)
R = TypeVar("R")
Where = Mapping[str, Scalar | tuple[Scalar, ...]]
WAIT_MS: Final = 10_000
NEVER: Final = frozenset({sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH})
"""SQLite's codes for what is wrong with a document itself; any other may pass."""
DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""SQLite's codes for a file whose pages are not what was written: no waiting mends that."""
PRIMARY: Final = 0xFF
MALFORMED: Final = "malformed JSON"
_UPSERT: Final = (
    "INSERT INTO {0} (id, version, clear, sealed) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
    "version = excluded.version, clear = excluded.clear, sealed = excluded.sealed WHERE excluded.version > {0}.version"
)
_REPLACE: Final = "UPDATE {0} SET version = ?, clear = ?, sealed = ? WHERE id = ? AND version = ?"
_INSERT: Final = "INSERT OR IGNORE INTO {0} (id, version, clear, sealed) VALUES (?, ?, ?, ?)"


class SqliteDocuments:
    """Implements `ports.DocumentStore`. Writes go through one thread, reads through another."""

    def __init__(self, path: Path, seal: wire.Seal) -> None:
        """Open the file, and make it where it is absent.

        Raises `Misconfigured` ``documents.unusable``, or ``documents.broken`` where it is damaged, as each call does later.
        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._writer, self._reader = _connect(path), _connect(path)
        except (OSError, sqlite3.Error) as error:
            if _code(error) == sqlite3.SQLITE_CORRUPT:
                raise _broken(path) from None
            raise Misconfigured(
                "documents.unusable", f"{path} cannot be opened as a document store; check TRIALBRIDGE_DOCUMENTS."
            ) from None
        self._threads = (ThreadPoolExecutor(1, "documents-write"), ThreadPoolExecutor(1, "documents-read"))
        self._codecs = {collection.name: Codec(collection, seal) for collection in documents.ALL}

    async def prepare(self) -> None:
        """Create tables and indexes; safe to repeat."""
        await self._write(self._create)

    def _create(self) -> None:
        for collection in documents.ALL:
            self._writer.execute(
                f"CREATE TABLE IF NOT EXISTS {collection.name} "
                "(id TEXT PRIMARY KEY, version INTEGER NOT NULL, clear TEXT NOT NULL, sealed BLOB)"
            )
            for index in collection.indexes:
                name = "_".join((collection.name, *(field.removeprefix("-") for field in index)))
                columns = ", ".join(_column(f.removeprefix("-")) + (" DESC" if f[0] == "-" else "") for f in index)
                self._writer.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {collection.name} ({columns})")

    async def upsert(self, collection: Collection[D], docs: Sequence[D]) -> int:
        """Write those that are newer; return how many."""
        codec = self._codec(collection)
        rows = [_row(await codec.pack(doc)) for doc in docs]
        return await self._write(lambda: self._bulk(_UPSERT.format(collection.name), rows))

    def _bulk(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            count = sum(self._writer.execute(statement, row).rowcount for row in rows)
            self._writer.execute("COMMIT")
        finally:
            # Whatever went wrong: an open transaction would keep all others from writing.
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        return count

    async def replace(self, collection: Collection[D], doc: D, expected_version: int) -> bool:
        """Compare and set."""
        packed = await self._codec(collection).pack(doc)
        identity, *rest = _row(packed)
        if expected_version == 0:
            return await self._write(lambda: self._bulk(_INSERT.format(collection.name), [(identity, *rest)])) == 1
        row = (*rest, identity, expected_version)
        return await self._write(lambda: self._bulk(_REPLACE.format(collection.name), [row])) == 1

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return one document."""
        return (await self.get_many(collection, [id])).get(id)

    async def get_many(self, collection: Collection[D], ids: Sequence[str]) -> dict[str, D]:
        """Return those that exist."""
        query = f"SELECT id, clear, sealed FROM {collection.name} WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - our own name
        rows = await self._read(query, (msgspec.json.encode(list(ids)).decode(),))
        codec = self._codec(collection)
        return {identity: await codec.unpack(clear, _sealed(sealed)) for identity, clear, sealed in rows}

    async def find(self, collection: Collection[D], query: Query) -> tuple[list[D], str | None]:
        """Return one page and the next cursor."""
        field, down = query.sort.removeprefix("-"), query.sort.startswith("-")
        column = _column(field)
        conditions, values = _conditions(collection, query.where)
        if query.after is not None:
            conditions.append(f"({column}, id) {'<' if down else '>'} (?, ?)")
            values.extend(cursor.read(query.after))
        order = "DESC" if down else "ASC"
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = await self._read(
            f"SELECT clear, sealed, {column}, id FROM {collection.name} {where} "  # noqa: S608 - names of our own registry
            f"ORDER BY {column} {order}, id {order} LIMIT {query.limit + 1}",
            tuple(values),
        )
        page = rows[: query.limit]
        codec = self._codec(collection)
        items = [await codec.unpack(clear, _sealed(sealed)) for clear, sealed, _, _ in page]
        return items, cursor.write(page[-1][2], page[-1][3]) if len(rows) > query.limit else None

    async def count(self, collection: Collection[D], where: Where, by: str | None = None) -> dict[str, int]:
        """Return ``{"": n}``, or counts by the values of ``by``."""
        conditions, values = _conditions(collection, where)
        clause = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        column = _column(_known(collection, by)) if by else "''"
        rows = await self._read(
            f"SELECT {column}, COUNT(*) FROM {collection.name} {clause} GROUP BY 1",  # noqa: S608 - names of our own registry
            tuple(values),
        )
        is_bool = by is not None and _is_bool(collection, by)
        found = {_label(value, is_bool=is_bool): count for value, count in rows}
        return found if by else {"": found.get("", 0)}

    async def delete(self, collection: Collection[D], id: str) -> None:
        """Remove one document."""
        statement = f"DELETE FROM {collection.name} WHERE id = ?"  # noqa: S608 - our own name
        await self._write(lambda: self._bulk(statement, [(id,)]))

    async def ping(self) -> None:
        """Return when the store answers."""
        await self._read("SELECT 1", ())

    async def close(self) -> None:
        """Finish what is under way and close the file."""
        for pool in self._threads:
            await asyncio.to_thread(pool.shutdown)
        self._writer.close()
        self._reader.close()

    def _codec(self, collection: Collection[D]) -> Codec[D]:
        return self._codecs[collection.name]  # type: ignore[return-value]  # one codec for each collection's type

    async def _write(self, call: Callable[[], R]) -> R:
        return await self._in_thread(0, call)

    async def _read(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self._in_thread(1, lambda: self._reader.execute(statement, values).fetchall())

    async def _in_thread(self, pool: int, call: Callable[[], R]) -> R:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads[pool], call)
        except OverflowError as error:
            raise limits.refused(type(error).__name__) from None
        except sqlite3.Error as error:
            # What the module finds itself has neither name nor code.
            code, name = _code(error), getattr(error, "sqlite_errorname", type(error).__name__)
            if code in NEVER or MALFORMED in str(error):
                raise limits.refused(name) from None
            if code in DAMAGED:
                raise _broken(self._path) from None
            raise Unavailable("documents.unavailable", f"The document store does not answer ({name}).") from None


def _code(error: Exception) -> int:
    """Return SQLite's primary result code, 0 where the fault is not SQLite's."""
    return int(getattr(error, "sqlite_errorcode", 0)) & PRIMARY


def _broken(path: Path) -> Misconfigured:
    return Misconfigured(
        "documents.broken",
        f"The document store {path} is damaged. Stop, keep a copy of its folder, and look at the disk; then restore the whole "
        "folder from a backup, or begin with an empty one and hand the bundles in again.",
    )


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=WAIT_MS / 1000)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    return db


def _row(packed: Packed) -> tuple[str, int, str, bytes | None]:
    sealed = msgspec.msgpack.encode(packed.sealed) if packed.sealed else None
    return packed.id, packed.version, packed.clear.decode(), sealed


def _sealed(raw: bytes | None) -> dict[str, bytes]:
    return {} if raw is None else msgspec.msgpack.decode(raw, type=dict[str, bytes])


def _column(field: str) -> str:
    """Return the SQL of a clear field; the same text in index and query lets SQLite use the index."""
    return "id" if field == "id" else f"json_extract(clear, '$.{field}')"


def _known(collection: Collection[D], field: str) -> str:
    if field not in collection.doc.__struct_fields__ or field in collection.sealed:
        raise ValueError(f"{collection.name} has no clear field {field}")
    return field


def _is_bool(collection: Collection[D], field: str) -> bool:
    return any(f.name == field and f.type is bool for f in msgspec.structs.fields(collection.doc))


def _is_list(collection: Collection[D], field: str) -> bool:
    return any(f.name == field and "tuple" in str(f.type) for f in msgspec.structs.fields(collection.doc))


def _conditions(collection: Collection[D], where: Where) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for field, wanted in where.items():
        choices = wanted if isinstance(wanted, tuple) else (wanted,)
        marks = ", ".join("?" * len(choices))
        column = _column(_known(collection, field))
        if _is_list(collection, field):
            member = f"SELECT 1 FROM json_each(clear, '$.{field}') WHERE value IN ({marks})"  # noqa: S608 - a known field
            conditions.append(f"EXISTS ({member})")
        else:
            conditions.append(f"{column} IN ({marks})")
        values.extend(choices)
    return conditions, values


def _label(value: Any, *, is_bool: bool) -> str:
    return str(bool(value)).lower() if is_bool else "" if value is None else str(value)
