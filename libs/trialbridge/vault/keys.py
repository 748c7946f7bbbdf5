"""What the vault asks of a key service; `trialbridge.runtime.ports.KeyService` fulfils it."""

from collections.abc import Mapping
from typing import Protocol


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
