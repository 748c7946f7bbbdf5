"""The document store in MongoDB, through motor: only calls that PyMongo's own asynchronous client has too, so it can follow."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson
from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne, ReplaceOne
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

from trialbridge.contracts import documents
from trialbridge.contracts.documents import Collection, Document
from trialbridge.contracts.errors import Misconfigured, Unavailable
from trialbridge.runtime.documents import cursor, limits
from trialbridge.runtime.documents.codec import Codec, Packed
from trialbridge.runtime.ports import Query, Scalar
from trialbridge.runtime.stage import wire

D = TypeVar("D", bound=Document)
Where = Mapping[str, Scalar | tuple[Scalar, ...]]
Write = InsertOne[dict[str, Any]] | ReplaceOne[dict[str, Any]]
SEALED: Final = "_sealed"
DUPLICATE: Final = 11000
NEVER: Final = frozenset({2, 9, 14, 15, 22, 52, 53, 56, 57, 121, 10334, 17280, 17419, 17420})
"""The server's codes for what is wrong with a document itself: bad value, overflow, names, size. Any other may pass."""
FIRST: Final = 1
"""The version of a document that is likely to be new; whether it is, its id decides."""
SERVER_WAIT_MS: Final = 5_000


class MongoDocuments:
    """Implements `ports.DocumentStore`; writes are acknowledged by a majority and journalled."""

    def __init__(self, url: str, seal: wire.Seal) -> None:
        """Connect when first used; raise `Misconfigured` ``documents.bad-url``."""
        try:
            self._client: Any = AsyncIOMotorClient(
                url,
                serverSelectionTimeoutMS=SERVER_WAIT_MS,
                w="majority",
                journal=True,
                retryWrites=True,
                tz_aware=True,
            )
            self._db: Any = self._client.get_default_database()
        except (ConfigurationError, InvalidURI, ValueError):
            raise Misconfigured(
                "documents.bad-url", "TRIALBRIDGE_DOCUMENTS must be mongodb://HOST:PORT/DATABASE, with a database."
            ) from None
        self._codecs = {collection.name: Codec(collection, seal) for collection in documents.ALL}

    async def prepare(self) -> None:
        """Create indexes; safe to repeat."""
        with _translated():
            for collection in documents.ALL:
                models = [IndexModel([_direction(field) for field in index]) for index in collection.indexes]
                if models:
                    await self._db[collection.name].create_indexes(models)

    async def upsert(self, collection: Collection[D], docs: Sequence[D]) -> int:
        """Write those that are newer, in one bulk; return how many."""
        if not docs:
            return 0
        codec = self._codec(collection)
        packed = [await codec.pack(doc) for doc in docs]
        with _translated():
            stored = [_to_bson(one) for one in packed]
        found = self._db[collection.name]
        fresh = [one for one in stored if one["version"] <= FIRST]
        # An insert costs the server a third of a guarded replacement that ends in one; what is there already follows.
        writes: list[Write] = [*map(InsertOne, fresh), *(_guarded(one) for one in stored if one["version"] > FIRST)]
        written, met = await _write(found, writes)
        again = [_guarded(fresh[number]) for number in met if number < len(fresh)]
        return written + ((await _write(found, again))[0] if again else 0)

    async def replace(self, collection: Collection[D], doc: D, expected_version: int) -> bool:
        """Compare and set."""
        packed = await self._codec(collection).pack(doc)
        with _translated():
            stored = _to_bson(packed)
            if expected_version == 0:
                try:
                    await self._db[collection.name].insert_one(stored)
                except DuplicateKeyError:
                    return False
                return True
            guard = {"_id": doc.id, "version": expected_version}
            result = await self._db[collection.name].replace_one(guard, stored)
        return bool(result.matched_count)

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return one document."""
        with _translated():
            found = await self._db[collection.name].find_one({"_id": id})
        return None if found is None else await self._unpack(collection, found)

    async def get_many(self, collection: Collection[D], ids: Sequence[str]) -> dict[str, D]:
        """Return those that exist."""
        with _translated():
            found = await self._db[collection.name].find({"_id": {"$in": list(ids)}}).to_list(None)
        return {one["_id"]: await self._unpack(collection, one) for one in found}

    async def find(self, collection: Collection[D], query: Query) -> tuple[list[D], str | None]:
        """Return one page and the next cursor."""
        field, order = _direction(query.sort)
        conditions = [_filter(collection, query.where)]
        if query.after is not None:
            value, identity = cursor.read(query.after)
            beyond = "$gt" if order == ASCENDING else "$lt"
            conditions.append({"$or": [{field: {beyond: value}}, {field: value, "_id": {beyond: identity}}]})
        sort = [(field, order)] if field == "_id" else [(field, order), ("_id", order)]
        with _translated():
            rows = self._db[collection.name].find({"$and": conditions}).sort(sort).limit(query.limit + 1)
            found = await rows.to_list(None)
        page = found[: query.limit]
        items = [await self._unpack(collection, one) for one in page]
        more = len(found) > query.limit
        return items, cursor.write(page[-1].get(field), page[-1]["_id"]) if more else None

    async def count(self, collection: Collection[D], where: Where, by: str | None = None) -> dict[str, int]:
        """Return ``{"": n}``, or counts by the values of ``by``."""
        filters = _filter(collection, where)
        with _translated():
            if by is None:
                return {"": await self._db[collection.name].count_documents(filters)}
            group = {"$group": {"_id": f"${_known(collection, by)}", "count": {"$sum": 1}}}
            found = await self._db[collection.name].aggregate([{"$match": filters}, group]).to_list(None)
        return {_label(one["_id"]): one["count"] for one in found}

    async def delete(self, collection: Collection[D], id: str) -> None:
        """Remove one document."""
        with _translated():
            await self._db[collection.name].delete_one({"_id": id})

    async def ping(self) -> None:
        """Return when the server answers."""
        with _translated():
            await self._client.admin.command("ping")

    async def close(self) -> None:
        """Release connections."""
        self._client.close()

    def _codec(self, collection: Collection[D]) -> Codec[D]:
        return self._codecs[collection.name]  # type: ignore[return-value]  # one codec for each collection's type

    async def _unpack(self, collection: Collection[D], stored: dict[str, Any]) -> D:
        sealed = stored.pop(SEALED, {})
        clear = {**stored, "id": stored["_id"]}
        del clear["_id"]
        return await self._codec(collection).unpack(orjson.dumps(clear), sealed)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what the driver raises into ours, without its text (which may quote data)."""
    try:
        yield
    except (BSONError, OverflowError, orjson.JSONDecodeError) as error:
        raise limits.refused(type(error).__name__) from None
    except PyMongoError as error:
        kind, codes = type(error).__name__, _codes(error)
        if codes & NEVER:
            raise limits.refused(f"{kind} {min(codes & NEVER)}") from None
        raise Unavailable("documents.unavailable", f"The document store failed ({kind}).") from None


def _guarded(stored: dict[str, Any]) -> ReplaceOne[dict[str, Any]]:
    """Return the write of a document that no newer version is there of."""
    return ReplaceOne({"_id": stored["_id"], "version": {"$lt": stored["version"]}}, stored, upsert=True)


async def _write(found: Any, writes: Sequence[Write]) -> tuple[int, list[int]]:
    """Return how many of a collection's writes changed something, and the numbers of those that met their id.

    Where a newer version is there, a guard's filter finds nothing and the insert meets its id.
    """
    with _translated():
        try:
            done = await found.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            problems, said = error.details.get("writeErrors", ()), error.details
            if said.get("writeConcernErrors") or any(problem.get("code") != DUPLICATE for problem in problems):
                raise
            written = int(said.get("nInserted", 0) + said["nModified"] + said["nUpserted"])
            return written, [problem["index"] for problem in problems]
    return int(done.inserted_count + done.modified_count + done.upserted_count), []


def _codes(error: PyMongoError) -> set[int]:
    """Return what the server says is wrong: one code, or that of each write of a bulk."""
    if isinstance(error, BulkWriteError):
        return {problem["code"] for problem in error.details.get("writeErrors", ()) if "code" in problem}
    return {error.code} if isinstance(error, OperationFailure) and error.code is not None else set()


def _to_bson(packed: Packed) -> dict[str, Any]:
    clear = orjson.loads(packed.clear)
    identity = clear.pop("id")
    stored = {"_id": identity, **clear}
    return {**stored, SEALED: packed.sealed} if packed.sealed else stored


def _direction(field: str) -> tuple[str, int]:
    name = field.removeprefix("-")
    return "_id" if name == "id" else name, DESCENDING if field.startswith("-") else ASCENDING


def _known(collection: Collection[D], field: str) -> str:
    if field not in collection.doc.__struct_fields__ or field in collection.sealed:
        raise ValueError(f"{collection.name} has no clear field {field}")
    return "_id" if field == "id" else field


def _filter(collection: Collection[D], where: Where) -> dict[str, Any]:
    return {
        _known(collection, field): {"$in": list(wanted)} if isinstance(wanted, tuple) else wanted
        for field, wanted in where.items()
    }


def _label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
