"""Ways to store a bundle wrongly: each changes what an honest sender would have put into the object store."""

import base64
from collections.abc import Callable, Mapping
from functools import partial

from trialbridge.contracts.ids import NetworkId, TenantId
from trialbridge.runtime.keys.keyring import FileKeyRing, Ring, rotate
from trialbridge.testkit.badinputs.model import Lock, Locked, lock
from trialbridge.vault import envelope as e
from trialbridge.vault.keys import KeyWrapper

Bytes = Callable[[bytes], bytes]
Metadata = Mapping[str, str]


def flip(bit: int) -> Bytes:
    """Return the change of one bit."""
    return lambda value: value[: bit // 8] + bytes([value[bit // 8] ^ 1 << bit % 8]) + value[bit // 8 + 1 :]


def first(count: int) -> Bytes:
    """Return the cut after ``count`` bytes."""
    return lambda value: value[:count]


def without(count: int) -> Bytes:
    """Return the cut before which ``count`` bytes stood."""
    return lambda value: value[count:]


def respelled(change: Bytes) -> Callable[[str], str]:
    """Return the change of base64 text that changes the bytes it stands for."""
    return lambda text: base64.b64encode(change(base64.b64decode(text))).decode()


def instead(text: str | bytes) -> Callable[[str], str]:
    """Return the change that puts ``text`` (bytes: as base64) in a value's place."""
    return lambda _: text if isinstance(text, str) else base64.b64encode(text).decode()


def lowest_bit(place: int) -> Callable[[str], str]:
    """Return the change of one character's lowest bit."""
    return lambda text: text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]


async def _spoilt(plain: bytes, keys: KeyWrapper, tenant: TenantId, change: Callable[[Locked], Locked]) -> Locked:
    return change(await lock(plain, keys, tenant))


def on_body(change: Bytes) -> Lock:
    """Return the lock that changes the stored bytes."""
    return partial(_spoilt, change=lambda made: Locked(change(made.body), made.metadata))


def on_metadata(change: Callable[[dict[str, str]], Metadata]) -> Lock:
    """Return the lock that changes the metadata."""
    return partial(_spoilt, change=lambda made: Locked(made.body, change(dict(made.metadata))))


def on_value(name: str, change: Callable[[str], str]) -> Lock:
    """Return the lock that changes one header's value."""
    return on_metadata(lambda given: {**given, name: change(given[name])})


def renamed(name: str) -> Lock:
    """Return the lock that changes the last letter of a header's name."""
    return on_metadata(lambda given: {(f"{key[:-1]}_" if key == name else key): text for key, text in given.items()})


def added(name: str, value: str) -> Lock:
    """Return the lock that adds a header."""
    return on_metadata(lambda given: {**given, name: value})


def twice(name: str) -> Lock:
    """Return the lock that stores a header a second time, its name in capitals."""
    return on_metadata(lambda given: {**given, name.upper(): given[name]})


async def in_clear(plain: bytes, keys: KeyWrapper, tenant: TenantId) -> Locked:
    """Store the bundle as it is."""
    del keys, tenant
    return Locked(plain, {})


def with_key_of(scope: TenantId | NetworkId, context: Mapping[str, str]) -> Lock:
    """Return the lock that puts in another object's wrapped data key: one of ``scope``, bound to ``context``."""

    async def swapped(plain: bytes, keys: KeyWrapper, tenant: TenantId) -> Locked:
        made = await lock(plain, keys, tenant)
        other = await keys.data_key(scope, context)
        return Locked(made.body, {**made.metadata, e.KEY: instead(other.wrapped)("")})

    return swapped


def under_foreign_ring(turns: int) -> Lock:
    """Return the lock of a sender whose key ring is not ours, its key the ``turns``-th of the tenant."""

    async def foreign(plain: bytes, keys: KeyWrapper, tenant: TenantId) -> Locked:
        del keys
        ring = Ring({})
        for _ in range(turns):
            ring = rotate(ring, tenant)
        return await lock(plain, FileKeyRing(ring), tenant)

    return foreign


def of_other(owner: TenantId, change: Callable[[dict[str, str]], Metadata] = dict) -> Lock:
    """Return the lock of an object that is another tenant's, its metadata changed or not."""

    async def made(plain: bytes, keys: KeyWrapper, tenant: TenantId) -> Locked:
        del tenant
        theirs = await lock(plain, keys, owner)
        return Locked(theirs.body, change(dict(theirs.metadata)))

    return made
