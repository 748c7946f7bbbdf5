"""What every container is given, what it gives, and how it refuses."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from trialbridge.contracts.errors import Misconfigured, Place, Refused
from trialbridge.contracts.ids import Digest, TenantId
from trialbridge.vault.keys import KeyHolder, PrivateKey

CHUNK: Final = 256 * 1024
"""Bytes decrypted at a time."""
UNREADABLE: Final = (ValueError, TypeError, LookupError, RuntimeError)
"""What libraries raise on a private key that is none."""
Read = TypeVar("Read")
Chunks = Callable[[], Iterator[bytes]]
"""Begins a decryption. Nothing that it yields counts before it has come to its end without an error."""


@dataclass(frozen=True, slots=True, repr=False)
class Stored:
    """An object as it lies in the store, and what its ticket says of it."""

    body: bytes
    metadata: Mapping[str, str]
    tenant: TenantId
    sha256: Digest
    """Of ``body``, as the ticket pins it: what a format cannot bind by itself, this binds."""
    instructions: Mapping[str, str] = field(default_factory=dict)
    """The content of the object's instruction file, where it has one."""
    most: int = 2**63 - 1
    """Bytes that the plaintext may have."""


class Container(Protocol):
    """One format: one row of the table."""

    @property
    def name(self) -> str:
        """Return the format's name in lower case."""
        ...

    def fits(self, stored: Stored) -> bool:
        """Return whether the object claims to be of this format; whether it is, `open` says."""
        ...

    async def open(self, stored: Stored, keys: KeyHolder) -> Chunks:
        """Check the head, find the key, and return the decryption.

        Raises:
            Refused: ``envelope.*`` and ``key.*``, both here and out of the decryption.
            Unavailable: the key service is away.
        """
        ...

    async def seal(self, plain: bytes, tenant: TenantId, keys: KeyHolder) -> tuple[bytes, dict[str, str]]:
        """Return an object's body and metadata, as a sender of the tenant makes them; raises as `open` does."""
        ...


def refused(code: str, message: str, field: str = "body") -> Refused:
    """Return an ``envelope.*`` error; ``message`` says nothing of keys or content."""
    return Refused(f"envelope.{code}", message, Place(field=field))


def changed() -> Refused:
    """Return the one error of all that fails once a key was found: it says no more, whatever was wrong."""
    return refused("tag-mismatch", "The object was changed after it was encrypted.")


def not_for_us() -> Refused:
    """Return the error of an object that none of the tenant's keys opens."""
    return Refused(
        "key.refused", "No key of this tenant opens the object, or its head was changed.", Place(field="body")
    )


def too_large(limit: int) -> Refused:
    """Return the error of a plaintext over the cap."""
    return refused("too-large", f"The object decrypts to more than {limit} bytes; split it.")


async def private_keys(keys: KeyHolder, tenant: TenantId, kind: str) -> Sequence[PrivateKey]:
    """Return the tenant's private keys of a kind, the newest first; raise `Refused` ``key.unknown`` where it has none."""
    found = await keys.private_keys(tenant, kind)
    if not found:
        raise Refused(
            "key.unknown", f"The key ring has no {kind} key for this tenant; trialbridge keys recipient add makes one."
        )
    return found


def usable(held: Sequence[PrivateKey], read: Callable[[PrivateKey], Read]) -> list[Read]:
    """Return what ``read`` makes of keys, in their order; one that cannot be read opens nothing, and is passed over.

    Raises:
        Refused: ``key.unknown`` where none can be read.
    """
    found = [made for key in held if (made := _made(key, read)) is not None]
    if not found:
        raise Refused("key.unknown", f"Neither {held[0].name} nor an older key of this tenant can be read.")
    return found


def newest(held: Sequence[PrivateKey], read: Callable[[PrivateKey], Read]) -> Read:
    """Return what ``read`` makes of the newest key that it can.

    Raises:
        Misconfigured: ``key.unreadable`` where it can read none.
    """
    for key in held:
        if (made := _made(key, read)) is not None:
            return made
    raise Misconfigured(
        "key.unreadable",
        f"The key {held[0].name} in the key ring is no private key that can be read, nor is an older one of its kind; "
        "make another with trialbridge keys recipient add, or take one over with trialbridge keys recipient import.",
    )


def _made(key: PrivateKey, read: Callable[[PrivateKey], Read]) -> Read | None:
    try:
        return read(key)
    except UNREADABLE:
        return None


__all__ = ["CHUNK", "Chunks", "Container", "KeyHolder", "PrivateKey", "Stored", "changed", "newest", "not_for_us",
           "private_keys", "refused", "too_large", "usable"]  # fmt: skip
