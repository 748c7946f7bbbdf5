"""What the vault asks of a key service; `trialbridge.runtime.ports.KeyService` fulfils it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

PrivateKind = Literal["age", "openpgp", "cms", "esdk"]
"""Containers that are encrypted to a public key of ours."""


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKey:
    """A private key of a tenant, as `vault.recipients` writes it. Never logged: no repr."""

    name: str
    """``<tenant>/<kind>/<number>``."""
    secret: bytes


class FreshKey(Protocol):
    """A data key in the clear and wrapped."""

    @property
    def plaintext(self) -> bytes:
        """Return 32 bytes."""
        ...

    @property
    def wrapped(self) -> bytes:
        """Return the key as it may be stored."""
        ...

    @property
    def key_id(self) -> str:
        """Return the name of the wrapping key."""
        ...


class KeyWrapper(Protocol):
    """Makes and opens data keys."""

    async def data_key(self, scope: str, context: Mapping[str, str]) -> FreshKey:
        """Return a fresh data key of a scope (a network or tenant id)."""
        ...

    async def unwrap(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the data key; raise `Refused`."""
        ...


class KeyHolder(KeyWrapper, Protocol):
    """Holds the private keys that senders encrypt to, beside making data keys."""

    async def private_keys(self, tenant: str, kind: str) -> Sequence[PrivateKey]:
        """Return a tenant's keys of a kind, the newest first; none where it has none."""
        ...
