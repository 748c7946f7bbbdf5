"""The ports: what the services ask of a store, whichever adapter stands behind it. Only a ``bootstrap.py`` picks adapters.

All methods raise `Unavailable` when the other side is away (the caller's boundary retries) and `Poison` or `Fatal`
where the docstring says so.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from trialbridge.contracts.documents import Collection, Document
from trialbridge.contracts.ids import Pseudonyms
from trialbridge.vault.keys import PrivateKey

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An immutable version of an object."""

    uri: str
    version: str
    size: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    modified: str = ""


class ObjectStore(Protocol):
    """Write-once, versioned objects (S3, or a folder)."""

    async def put(self, key: str, body: bytes, metadata: Mapping[str, str]) -> ObjectInfo:
        """Write a new object unless ``key`` exists (then raise `Refused` ``object.exists``); durable on return."""
        ...

    async def head(self, uri: str, version: str) -> ObjectInfo | None:
        """Return the pinned version's facts, or None while it is not there (an early ticket)."""
        ...

    def read(self, uri: str, version: str, *, max_bytes: int) -> AsyncIterator[bytes]:
        """Yield the pinned version's bytes in chunks; raise `Refused` ``object.too-large`` past the cap, ``object.missing`` if absent."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Yield the newest version of every object under ``prefix``, in key order."""
        ...

    async def ping(self) -> None:
        """Return when the store answers."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


Scalar = str | int | bool


@dataclass(frozen=True, slots=True)
class Query:
    """A search: equality (or membership, for a tuple) per field, one sort, and a cursor.

    ``where`` maps a top-level clear field to a value; a tuple of values means any of them; a field that holds a list
    matches when it contains the value. ``sort`` is a field, ``-`` first for descending; ties go by id.
    """

    where: Mapping[str, Scalar | tuple[Scalar, ...]] = field(default_factory=dict)
    sort: str = "id"
    limit: int = 50
    after: str | None = None
    """The opaque cursor of the previous page."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of documents, and the cursor of the next."""

    items: Sequence[Document]
    next: str | None


class DocumentStore(Protocol):
    """Documents with version-guarded, idempotent writes (MongoDB, or SQLite). Sealed fields are sealed and opened here."""

    async def prepare(self) -> None:
        """Create collections and indexes as `contracts.documents` declares; safe to repeat."""
        ...

    async def upsert(self, collection: Collection[D], docs: Sequence[D]) -> int:
        """Write each document whose version is newer than the stored one, in one bulk; return how many were written."""
        ...

    async def replace(self, collection: Collection[D], doc: D, expected_version: int) -> bool:
        """Compare and set: write ``doc`` only if the stored version is ``expected_version`` (0: absent)."""
        ...

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return one document."""
        ...

    async def get_many(self, collection: Collection[D], ids: Sequence[str]) -> dict[str, D]:
        """Return those that exist, by id, in one round trip."""
        ...

    async def find(self, collection: Collection[D], query: Query) -> tuple[list[D], str | None]:
        """Return one page and the next cursor (None at the end)."""
        ...

    async def count(
        self, collection: Collection[D], where: Mapping[str, Scalar | tuple[Scalar, ...]], by: str | None = None
    ) -> dict[str, int]:
        """Return ``{"": n}``, or counts by the values of the clear field ``by``."""
        ...

    async def delete(self, collection: Collection[D], id: str) -> None:
        """Remove one document; absent is fine."""
        ...

    async def ping(self) -> None:
        """Return when the store answers."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """A fresh 256-bit data key: in the clear for use now, and wrapped for storage. Never logged: no repr."""

    plaintext: bytes
    wrapped: bytes
    key_id: str
    """Name and version of the wrapping key."""


class KeyService(Protocol):
    """Wraps and unwraps data keys (a file key ring; a KMS later). The context is bound: unwrap fails on any other."""

    async def data_key(self, scope: str, context: Mapping[str, str]) -> DataKey:
        """Return a fresh data key, wrapped by the current wrapping key of ``scope`` (a network or tenant id)."""
        ...

    async def unwrap(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the data key; raise `Refused` ``key.unknown`` or ``key.refused`` (wrong key, context or bytes)."""
        ...

    async def private_keys(self, tenant: str, kind: str) -> Sequence[PrivateKey]:
        """Return the private keys that a tenant's senders encrypt to, of a kind, the newest first; none where it has none."""
        ...

    def pseudonyms(self) -> Pseudonyms:
        """Return what derives the ids that stand for people's identifiers: the same for the life of the installation."""
        ...

    async def ping(self) -> None:
        """Return when the service answers."""
        ...
