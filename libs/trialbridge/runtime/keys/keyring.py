"""A key service out of one file: the newest wrapping key of a scope wraps, all of them unwrap, and only what is their scope's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from trialbridge.contracts.errors import Misconfigured, Refused, Unavailable
from trialbridge.contracts.ids import Pseudonyms
from trialbridge.runtime.keys.ring import (
    DEFAULT_SCOPE,
    Ring,
    Scope,
    add_scopes,
    create_keyring,
    private_of,
    read_ring,
    rotate,
    rotate_keyring,
)
from trialbridge.runtime.ports import DataKey
from trialbridge.vault.keys import PrivateKey
from trialbridge.vault.wrapping import new_key, unwrap, wrap, wrapped_by

NEVER: Final = (0, 0, 0)
"""The stamp of a file that was not looked at yet."""


class FileKeyRing:
    """Wraps and unwraps data keys (implements `ports.KeyService`).

    With a ``path`` it looks at each call whether the file was changed, so rotation needs no restart, and a ring that was
    taken away wraps and opens nothing more.
    """

    def __init__(self, ring: Ring, path: Path | None = None) -> None:
        """Use the keys of ``ring``, which was read from ``path``."""
        self._ring = ring
        self._path = path
        self._stamp: tuple[int, int, int] | None = NEVER

    async def data_key(self, scope: str, context: Mapping[str, str]) -> DataKey:
        """Return a fresh data key; raise `Refused` ``key.unknown`` where the scope has no key, `Unavailable` ``keys.unavailable``."""
        own = self._now().scopes.get(scope)
        if own is None:
            raise Refused("key.unknown", "The key ring has no key for this network or tenant; add one.")
        _check_owner(scope, context)
        fresh = new_key()
        return DataKey(fresh, wrap(own.current, own.keys[own.current], fresh, context), own.current)

    async def unwrap(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the data key; an empty ``key_id`` takes the one that ``wrapped`` names.

        Raises `Refused` ``key.unknown`` or ``key.refused``, `Unavailable` ``keys.unavailable``.
        """
        name = key_id or wrapped_by(wrapped)
        scope = name.rpartition("/")[0]
        own = self._now().scopes.get(scope)
        key = own.keys.get(name) if own else None
        if key is None:
            raise Refused("key.unknown", "The key ring does not hold the key that this was wrapped with.")
        if wrapped_by(wrapped) != name:
            raise Refused("key.refused", "The wrapped data key names another wrapping key than the one that is asked.")
        _check_owner(scope, context)
        return unwrap(key, wrapped, context)

    async def private_keys(self, tenant: str, kind: str) -> Sequence[PrivateKey]:
        """Return a tenant's private keys of a kind, the newest first; raise `Unavailable` ``keys.unavailable``."""
        return private_of(self._now(), tenant, kind)

    def pseudonyms(self) -> Pseudonyms:
        """Return what derives the ids that stand for people's identifiers; rotation leaves it as it is."""
        return Pseudonyms(self._ring.pseudonym_key)

    async def ping(self) -> None:
        """Return when the file can be read; raise `Unavailable` ``keys.unavailable``."""
        self._now()

    def _now(self) -> Ring:
        """Return the ring as the file says now."""
        if self._path is not None and self._stamp != (found := _stamp(self._path)):
            try:
                self._ring = read_ring(self._path)
            except Misconfigured as error:
                raise Unavailable("keys.unavailable", error.message) from None
            self._stamp = found
        return self._ring


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        # Differs from what was read, so the next call reads, and says what is wrong.
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns


def _check_owner(scope: str, context: Mapping[str, str]) -> None:
    """Refuse a key of one scope for what the context says is another's: holding one's own key opens nothing of theirs."""
    owners = {context[name] or DEFAULT_SCOPE for name in ("tenant", "network") if name in context}
    if owners and scope not in owners:
        raise Refused("key.refused", "The wrapping key belongs to another network or tenant than the context names.")


def read_keyring(path: Path) -> FileKeyRing:
    """Return the key service of a file.

    Raises:
        Misconfigured: ``keyring.missing``, ``keyring.permissions`` or ``keyring.broken``, with how to mend it.
    """
    return FileKeyRing(read_ring(path), path)


__all__ = [
    "FileKeyRing",
    "Ring",
    "Scope",
    "add_scopes",
    "create_keyring",
    "read_keyring",
    "rotate",
    "rotate_keyring",
]
