"""A key service out of one file: several wrapping keys for each scope, the newest current, older ones still opening.

The file is JSON, readable by its owner alone. `rotate` adds a key; what older keys wrapped stays readable.
"""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from trialbridge.contracts.errors import Misconfigured, Refused
from trialbridge.runtime.ports import DataKey
from trialbridge.vault.wrapping import KEY_BYTES, new_key, unwrap, wrap


class Scope(msgspec.Struct, frozen=True):
    """The wrapping keys of one scope."""

    current: str
    keys: dict[str, bytes]


class Ring(msgspec.Struct, frozen=True):
    """The file's content."""

    scopes: dict[str, Scope]
    version: int = 1


class FileKeyRing:
    """Wraps and unwraps data keys (implements `ports.KeyService`)."""

    def __init__(self, ring: Ring) -> None:
        """Use the keys of ``ring``."""
        self._ring = ring

    async def data_key(self, scope: str, context: Mapping[str, str]) -> DataKey:
        """Return a fresh data key; raise `Refused` ``key.unknown`` where the scope has no key."""
        own = self._ring.scopes.get(scope)
        if own is None:
            raise Refused("key.unknown", "The key ring has no key for this network or tenant; add one.")
        fresh = new_key()
        return DataKey(fresh, wrap(own.keys[own.current], fresh, context), own.current)

    async def unwrap(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the data key; raise `Refused` ``key.unknown`` or ``key.refused``."""
        own = self._ring.scopes.get(key_id.rpartition("/")[0])
        key = own.keys.get(key_id) if own else None
        if key is None:
            raise Refused("key.unknown", "The key ring does not hold the key that this was wrapped with.")
        return unwrap(key, wrapped, context)

    async def ping(self) -> None:
        """Return at once: the file was read at start."""


def read_keyring(path: Path) -> FileKeyRing:
    """Return the key service of a file.

    Raises:
        Misconfigured: ``keyring.missing``, ``keyring.permissions`` or ``keyring.broken``, with how to mend it.
    """
    try:
        mode = path.stat().st_mode
        raw = path.read_bytes()
    except OSError:
        raise Misconfigured(
            "keyring.missing", f"The key ring {path} cannot be read; name it in TRIALBRIDGE_KEYRING, or make one."
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misconfigured("keyring.permissions", f"Others may read the key ring; run chmod 600 {path}.")
    try:
        ring = msgspec.json.decode(raw, type=Ring)
    except msgspec.DecodeError:
        raise Misconfigured("keyring.broken", f"The key ring {path} is not what create wrote; restore it.") from None
    sound = all(
        scope.current in scope.keys and all(len(key) == KEY_BYTES for key in scope.keys.values())
        for scope in ring.scopes.values()
    )
    if not sound:
        raise Misconfigured("keyring.broken", f"The key ring {path} lacks a current key or has one of another length.")
    return FileKeyRing(ring)


def create_keyring(path: Path, scopes: Iterable[str]) -> None:
    """Write a new key ring with one key for each scope (and ``default``); raise `Misconfigured` where there is a file already."""
    names = sorted({*scopes, "default"})
    ring = Ring({name: Scope(f"{name}/1", {f"{name}/1": new_key()}) for name in names})
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Misconfigured("keyring.exists", f"There is a key ring {path} already; rotate it instead.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(ring))
        file.flush()
        os.fsync(file.fileno())


def rotate(ring: Ring, scope: str) -> Ring:
    """Return the ring with a new current key for ``scope``."""
    own = ring.scopes.get(scope) or Scope("", {})
    name = f"{scope}/{len(own.keys) + 1}"
    return msgspec.structs.replace(ring, scopes={**ring.scopes, scope: Scope(name, {**own.keys, name: new_key()})})
