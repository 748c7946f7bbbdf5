"""The key ring's file: JSON, readable by its owner alone, several wrapping keys for each scope with a current one.

Every change writes a new file and puts it in the old one's place, so a reader finds the old ring or the new one.
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from trialbridge.contracts.errors import Misconfigured
from trialbridge.vault.keys import PrivateKey
from trialbridge.vault.wrapping import KEY_BYTES, NAME_LIMIT, new_key

DEFAULT_SCOPE: Final = "default"
"""The scope of what belongs to no network or tenant."""
MODE: Final = 0o600


class Scope(msgspec.Struct, frozen=True):
    """The wrapping keys of one scope."""

    current: str
    keys: dict[str, bytes]
    private: dict[str, bytes] = {}
    """Private keys that senders encrypt to, by ``<scope>/<kind>/<number>``; the highest number is the newest."""


class Ring(msgspec.Struct, frozen=True):
    """The file's content."""

    scopes: dict[str, Scope]
    pseudonym_key: bytes = b""
    """Keys the ids that stand for people's identifiers; never rotated, since the ids would be others."""
    version: int = 1


def rotate(ring: Ring, scope: str) -> Ring:
    """Return the ring with a new current key for ``scope``; what older keys wrapped still opens."""
    own = ring.scopes.get(scope) or Scope("", {})
    name = f"{scope}/{1 + max((number_of(key) for key in own.keys), default=0)}"
    changed = Scope(name, {**own.keys, name: new_key()}, own.private)
    return msgspec.structs.replace(ring, scopes={**ring.scopes, scope: changed})


def private_of(ring: Ring, scope: str, kind: str) -> list[PrivateKey]:
    """Return a scope's private keys of a kind, the newest first."""
    own = ring.scopes.get(scope)
    names = [name for name in own.private if name.startswith(f"{scope}/{kind}/")] if own else []
    return [PrivateKey(name, own.private[name]) for name in sorted(names, key=number_of, reverse=True)] if own else []


def read_ring(path: Path) -> Ring:
    """Return the ring of a file.

    Raises:
        Misconfigured: ``keyring.missing``, ``keyring.permissions`` or ``keyring.broken``, with how to mend it.
    """
    try:
        mode = path.stat().st_mode
        raw = path.read_bytes()
    except OSError:
        raise Misconfigured(
            "keyring.missing",
            f"The key ring {path} cannot be read; name it in TRIALBRIDGE_KEYRING, or make one: trialbridge keys make.",
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misconfigured("keyring.permissions", f"Others may read the key ring; run chmod 600 {path}.")
    try:
        ring = msgspec.json.decode(raw, type=Ring)
    except msgspec.DecodeError:
        raise Misconfigured("keyring.broken", f"The key ring {path} is not what create wrote; restore it.") from None
    whole = ring.version == 1 and len(ring.pseudonym_key) == KEY_BYTES
    if not whole or not all(_sound(name, scope) for name, scope in ring.scopes.items()):
        raise Misconfigured("keyring.broken", f"The key ring {path} lacks a current key or has one of another length.")
    return ring


def create_keyring(path: Path, scopes: Iterable[str], pseudonym_key: bytes | None = None) -> None:
    """Write a new key ring (mode 0600) with one key for each scope and for ``default``.

    ``pseudonym_key`` is drawn unless it is given: for synthetic people alone, whose runs are compared with one another.

    Raises:
        Misconfigured: ``keyring.exists`` where there is one already, ``keyring.unwritable``.
    """
    ring = Ring({}, pseudonym_key or new_key())
    for scope in sorted({*scopes, DEFAULT_SCOPE}):
        ring = rotate(ring, scope)
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = _staged(path, ring)
        try:
            # A link, unlike a rename, never replaces: an existing ring is the only way to what it wrapped.
            os.link(fresh, path)
        except FileExistsError:
            raise Misconfigured("keyring.exists", f"There is a key ring {path} already; rotate it instead.") from None
        finally:
            fresh.unlink()
        _sync(path.parent)


def rotate_keyring(path: Path, scopes: Iterable[str] = ()) -> None:
    """Give ``scopes`` (all of the ring's, where none are named) a new current key; a scope that is new is added.

    Running services take the new ring at their next call. Raises `Misconfigured` ``keyring.*``.
    """
    wanted = tuple(scopes)
    _change(path, lambda ring: wanted or tuple(ring.scopes))


def add_scopes(path: Path, scopes: Iterable[str]) -> None:
    """Make a key for each of ``scopes`` that has none, and leave the others alone. Raises `Misconfigured` ``keyring.*``."""
    wanted = tuple(scopes)
    _change(path, lambda ring: tuple(scope for scope in wanted if scope not in ring.scopes))


def _change(path: Path, choose: Callable[[Ring], Iterable[str]]) -> None:
    def rotated(ring: Ring) -> Ring:
        for scope in choose(ring):
            ring = rotate(ring, scope)
        return ring

    change_ring(path, rotated)


def change_ring(path: Path, change: Callable[[Ring], Ring]) -> None:
    """Put a changed ring in the place of a file's; one writer at a time. Raises `Misconfigured` ``keyring.*``."""
    with _writable(path), _alone(path.parent):
        _staged(path, change(read_ring(path))).replace(path)
        _sync(path.parent)


def _staged(path: Path, ring: Ring) -> Path:
    """Write the ring durably beside its place and return where."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
        file.write(msgspec.json.encode(ring))
        file.flush()
        os.fsync(file.fileno())
    return fresh


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that two changes at once do not lose one's keys."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError:
        raise Misconfigured("keyring.unwritable", f"The key ring {path} cannot be written; mend its folder.") from None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sound(name: str, scope: Scope) -> bool:
    return (
        scope.current in scope.keys
        and all(
            key_id.startswith(f"{name}/") and len(key_id.encode()) <= NAME_LIMIT and len(key) == KEY_BYTES
            for key_id, key in scope.keys.items()
        )
        and all(key_id.startswith(f"{name}/") for key_id in scope.private)
    )


def number_of(key_id: str) -> int:
    """Return the number at the end of a key's name, 0 where there is none."""
    number = key_id.rpartition("/")[2]
    return int(number) if number.isdecimal() else 0
