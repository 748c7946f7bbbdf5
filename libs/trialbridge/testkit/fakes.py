"""In-memory twins of the ports, each with an outage that a test can switch on. They keep the adapters' semantics to the letter."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import quote

import msgspec

from trialbridge.contracts.documents import Collection, Document
from trialbridge.contracts.errors import Refused, Unavailable
from trialbridge.contracts.events import Payload
from trialbridge.contracts.ids import EventId, NetworkId, Pseudonyms, digest, event_id
from trialbridge.contracts.topics import Topic
from trialbridge.runtime.documents import cursor
from trialbridge.runtime.documents.codec import Codec, Packed
from trialbridge.runtime.keys.keyring import FileKeyRing, Ring, Scope, rotate
from trialbridge.runtime.keys.private import with_private
from trialbridge.runtime.objects.naming import check_key, check_version, split_uri
from trialbridge.runtime.ports import DataKey, ObjectInfo, Query, Scalar
from trialbridge.testkit.pseudonyms import PSEUDONYM_KEY
from trialbridge.testkit.seals import ClearSeal
from trialbridge.testkit.stage import wire
from trialbridge.vault.keys import PrivateKey, PrivateKind
from trialbridge.vault.wrapping import new_key

D = TypeVar("D", bound=Document)
P = TypeVar("P", bound=Payload)
Where = Mapping[str, Scalar | tuple[Scalar, ...]]
BUCKET: Final = "mem://bucket/"
CHUNK: Final = 64 * 1024


@dataclass(slots=True)
class Outage:
    """Makes a twin raise `Unavailable`: while ``away``, or for the next ``calls`` calls after ``skip`` more have passed."""

    name: str
    away: bool = False
    calls: int = 0
    skip: int = 0

    def check(self) -> None:
        """Raise `Unavailable` where the twin is away."""
        if self.away:
            raise Unavailable(f"{self.name}.unavailable", "Switched off by a test.")
        if self.skip:
            self.skip -= 1
        elif self.calls:
            self.calls -= 1
            raise Unavailable(f"{self.name}.unavailable", "Switched off by a test.")


class MemoryDocuments:
    """Implements `ports.DocumentStore`; documents are kept encoded, as a store would keep them."""

    def __init__(self, seal: ClearSeal | None = None) -> None:
        """Begin empty."""
        self.outage = Outage("documents")
        self._seal = seal or ClearSeal()
        self._stored: dict[str, dict[str, Packed]] = {}

    async def prepare(self) -> None:
        """Do nothing."""
        self.outage.check()

    async def upsert(self, collection: Collection[D], docs: Sequence[D]) -> int:
        """Write those that are newer; return how many."""
        self.outage.check()
        rows, written = self._rows(collection), 0
        for doc in docs:
            if doc.id not in rows or rows[doc.id].version < doc.version:
                rows[doc.id] = await self._codec(collection).pack(doc)
                written += 1
        return written

    async def replace(self, collection: Collection[D], doc: D, expected_version: int) -> bool:
        """Compare and set."""
        self.outage.check()
        rows = self._rows(collection)
        stored = rows.get(doc.id)
        if (stored is not None) if expected_version == 0 else (stored is None or stored.version != expected_version):
            return False
        rows[doc.id] = await self._codec(collection).pack(doc)
        return True

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return one document."""
        return (await self.get_many(collection, [id])).get(id)

    async def get_many(self, collection: Collection[D], ids: Sequence[str]) -> dict[str, D]:
        """Return those that exist."""
        self.outage.check()
        rows = self._rows(collection)
        return {one: await self._unpack(collection, rows[one]) for one in ids if one in rows}

    async def find(self, collection: Collection[D], query: Query) -> tuple[list[D], str | None]:
        """Return one page and the next cursor."""
        self.outage.check()
        name, down = query.sort.removeprefix("-"), query.sort.startswith("-")
        found = sorted(
            ((_rank(clear.get(name)), row.id, clear.get(name), row) for row, clear in self._matching(collection, query.where)),
            key=lambda one: one[:2],
            reverse=down,
        )  # fmt: skip
        if query.after is not None:
            value, identity = cursor.read(query.after)
            spot = (_rank(value), identity)
            found = [one for one in found if (one[:2] < spot if down else one[:2] > spot)]
        page = found[: query.limit]
        items = [await self._unpack(collection, row) for _, _, _, row in page]
        return items, cursor.write(page[-1][2], page[-1][1]) if len(found) > query.limit else None

    async def count(self, collection: Collection[D], where: Where, by: str | None = None) -> dict[str, int]:
        """Return ``{"": n}``, or counts by the values of ``by``."""
        self.outage.check()
        found = [clear for _, clear in self._matching(collection, where)]
        if by is None:
            return {"": len(found)}
        _known(collection, by)
        counts: dict[str, int] = {}
        for clear in found:
            value = clear.get(by)
            label = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
            counts[label] = counts.get(label, 0) + 1
        return counts

    async def delete(self, collection: Collection[D], id: str) -> None:
        """Remove one document."""
        self.outage.check()
        self._rows(collection).pop(id, None)

    async def ping(self) -> None:
        """Return unless switched off."""
        self.outage.check()

    async def close(self) -> None:
        """Do nothing."""

    async def all(self, collection: Collection[D]) -> dict[str, D]:
        """Return every document by id, outage or not; for asserting."""
        return {one: await self._unpack(collection, row) for one, row in sorted(self._rows(collection).items())}

    def _rows(self, collection: Collection[Any]) -> dict[str, Packed]:
        return self._stored.setdefault(collection.name, {})

    def _codec(self, collection: Collection[D]) -> Codec[D]:
        return Codec(collection, self._seal)

    async def _unpack(self, collection: Collection[D], row: Packed) -> D:
        return await self._codec(collection).unpack(row.clear, row.sealed)

    def _matching(self, collection: Collection[Any], where: Where) -> Iterable[tuple[Packed, dict[str, Any]]]:
        for name in where:
            _known(collection, name)
        for row in self._rows(collection).values():
            clear = msgspec.json.decode(row.clear, type=dict[str, Any])
            if all(_holds(clear.get(name), wanted) for name, wanted in where.items()):
                yield row, clear


def _known(collection: Collection[Any], name: str) -> None:
    if name not in collection.doc.__struct_fields__ or name in collection.sealed:
        raise ValueError(f"{collection.name} has no clear field {name}")


def _holds(value: Any, wanted: Scalar | tuple[Scalar, ...]) -> bool:
    choices = wanted if isinstance(wanted, tuple) else (wanted,)
    return any(one in choices for one in value) if isinstance(value, list) else value in choices


def _rank(value: Any) -> tuple[bool, Any]:
    """Return a sort key: what is absent comes first, as in both stores."""
    return (value is not None, 0 if value is None else value)


class MemoryObjects:
    """Implements `ports.ObjectStore`; a version is the SHA-256 of the bytes."""

    def __init__(self) -> None:
        """Begin empty."""
        self.outage = Outage("objects")
        self._stored: dict[str, list[tuple[ObjectInfo, bytes]]] = {}

    async def put(self, key: str, body: bytes, metadata: Mapping[str, str]) -> ObjectInfo:
        """Write a new object; raise `Refused` ``object.exists`` where there is one."""
        self.outage.check()
        check_key(key)
        if key in self._stored:
            raise Refused("object.exists", "There is an object with this key; objects are written once.")
        return self.place(key, body, metadata)

    def place(self, key: str, body: bytes, metadata: Mapping[str, str], version: str = "") -> ObjectInfo:
        """Write past the rules, as a stranger with rights on the bucket could: a second version, or other bytes under an old one."""
        info = ObjectInfo(BUCKET + quote(key), version or digest(body), len(body), dict(metadata))
        kept = [one for one in self._stored.get(key, []) if one[0].version != info.version]
        self._stored[key] = [*kept, (info, body)]
        return info

    async def head(self, uri: str, version: str) -> ObjectInfo | None:
        """Return the pinned version, None while it is not there."""
        self.outage.check()
        found = self._find(uri, version)
        return found[0] if found else None

    async def read(self, uri: str, version: str, *, max_bytes: int) -> AsyncIterator[bytes]:
        """Yield the pinned version's bytes."""
        self.outage.check()
        found = self._find(uri, version)
        if found is None:
            raise Refused("object.missing", "The object is not there, or not in the version that was pinned.")
        if len(found[1]) > max_bytes:
            raise Refused("object.too-large", f"The object is larger than {max_bytes} bytes.")
        for start in range(0, len(found[1]), CHUNK):
            self.outage.check()
            yield found[1][start : start + CHUNK]

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Yield the newest version of every object under ``prefix``, in key order."""
        self.outage.check()
        for key in sorted(self._stored):
            if key.startswith(prefix):
                yield self._stored[key][-1][0]

    async def ping(self) -> None:
        """Return unless switched off."""
        self.outage.check()

    async def close(self) -> None:
        """Do nothing."""

    def _find(self, uri: str, version: str) -> tuple[ObjectInfo, bytes] | None:
        check_version(version)
        scheme, store, key = split_uri(uri)
        if f"{scheme}://{store}/" != BUCKET:
            raise Refused("object.outside", "The ticket names an object outside of this store.")
        check_key(key)
        held = self._stored.get(key, [])
        wanted = [one for one in held if version in ("", one[0].version)]
        return wanted[-1] if wanted else None


class MemoryKeys:
    """Implements `ports.KeyService` with real wrapping under keys that live as long as the object."""

    def __init__(self, *scopes: str) -> None:
        """Make one wrapping key for each scope, and ``default``."""
        self.outage = Outage("keys")
        self._ring = Ring(
            {name: Scope(f"{name}/1", {f"{name}/1": new_key()}) for name in (*scopes, "default")}, PSEUDONYM_KEY
        )

    def pseudonyms(self) -> Pseudonyms:
        """Return those of synthetic people."""
        return Pseudonyms(self._ring.pseudonym_key)

    async def data_key(self, scope: str, context: Mapping[str, str]) -> DataKey:
        """Return a fresh data key; raise `Refused` ``key.unknown`` where the scope has no key."""
        self.outage.check()
        return await FileKeyRing(self._ring).data_key(scope, context)

    async def unwrap(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the data key; raise `Refused` ``key.unknown`` or ``key.refused``."""
        self.outage.check()
        return await FileKeyRing(self._ring).unwrap(key_id, wrapped, context)

    async def private_keys(self, tenant: str, kind: str) -> Sequence[PrivateKey]:
        """Return a tenant's private keys of a kind, the newest first."""
        self.outage.check()
        return await FileKeyRing(self._ring).private_keys(tenant, kind)

    def hold(self, tenant: str, kind: PrivateKind, secret: bytes) -> None:
        """Add a private key; the older ones still open."""
        self._ring = with_private(self._ring, tenant, kind, secret)

    async def ping(self) -> None:
        """Return unless switched off."""
        self.outage.check()

    def rotate(self, scope: str) -> None:
        """Give ``scope`` a new current key; the older ones still open."""
        self._ring = rotate(self._ring, scope)


@dataclass(frozen=True, slots=True)
class Published(Generic[P]):
    """A record that a background loop sent."""

    id: EventId
    key: str
    payload: P
    network: NetworkId
    cause: str


@dataclass(slots=True)
class MemoryEmitter:
    """Implements `effects.Emitter`: keeps what was sent, in order."""

    outage: Outage = field(default_factory=lambda: Outage("log"))
    sent: list[tuple[str, Published[Any]]] = field(default_factory=list)

    async def publish(
        self, topic: Topic[P], key: str, payload: P, network: NetworkId, cause: str, identity: EventId | None = None
    ) -> None:
        """Keep the record as a reader would decode it."""
        self.outage.check()
        identity = identity or event_id(topic.name, cause, key)
        self.sent.append((topic.name, Published(identity, key, wire(topic, payload), network, cause)))

    def of(self, topic: Topic[P]) -> list[Published[P]]:
        """Return what was sent to ``topic``, in order."""
        return cast("list[Published[P]]", [one for name, one in self.sent if name == topic.name])


__all__ = ["ClearSeal", "MemoryDocuments", "MemoryEmitter", "MemoryKeys", "MemoryObjects", "Outage", "Published"]
