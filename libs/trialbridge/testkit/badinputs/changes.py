"""Objects that were changed or cut after they were encrypted; their tickets are made of what is stored, so only the seal can tell."""

from collections.abc import Iterator
from random import Random
from typing import Final

from trialbridge.testkit.badinputs import locks as by
from trialbridge.testkit.badinputs.envelopes import BROKEN, OTHER, PLAIN, UNSUPPORTED, unopened
from trialbridge.testkit.badinputs.model import BadInput
from trialbridge.testkit.places import NORTH
from trialbridge.vault import envelope as e

CHANGED: Final = "envelope.tag-mismatch"
TAG: Final = 16
HEAD: Final = 16
"""Bytes at the beginning that count as the body's header: the type of what is inside is read there."""


def flipped_bits(rng: Random) -> Iterator[BadInput]:
    """Yield objects with one bit of their bytes changed, in each part of them."""
    size = len(PLAIN)
    for bit in sorted(rng.sample(range(HEAD * 8), 12)):
        yield unopened(f"bit {bit}", "flipped header", by.on_body(by.flip(bit)), CHANGED, "body")
    for bit in sorted(rng.sample(range(HEAD * 8, size * 8), 28)):
        yield unopened(f"bit {bit}", "flipped body", by.on_body(by.flip(bit)), CHANGED, "body")
    for bit in sorted(rng.sample(range(size * 8, (size + TAG) * 8), 16)):
        yield unopened(f"bit {bit}", "flipped tag", by.on_body(by.flip(bit)), CHANGED, "body")


def flipped_metadata(rng: Random) -> Iterator[BadInput]:
    """Yield objects with one bit changed in a header's value or name."""
    # Behind the wrapping key's name: a nonce of 12 bytes, 32 bytes of key, 16 of tag.
    name_ends = 2 + len(f"{NORTH.tenant}/1")
    for bit in sorted(rng.sample(range(name_ends * 8, (name_ends + 60) * 8), 12)):
        lock = by.on_value(e.KEY, by.respelled(by.flip(bit)))
        yield unopened(f"{e.KEY} bit {bit}", "flipped metadata", lock, "key.refused")
    for bit in sorted(rng.sample(range(e.NONCE_BYTES * 8), 6)):
        lock = by.on_value(e.NONCE, by.respelled(by.flip(bit)))
        yield unopened(f"{e.NONCE} bit {bit}", "flipped metadata", lock, CHANGED, "body")
    for name in (e.CIPHER, e.WRAP, e.TAG):
        for place in range(3):
            lock = by.on_value(name, by.lowest_bit(place))
            yield unopened(f"{name} character {place}", "flipped metadata", lock, UNSUPPORTED, name)
    begins = len('{"aws:x-amz-cek-alg":"AES/GCM/NoPadding","tenant":"')
    for place in sorted(rng.sample(range(begins, begins + len(NORTH.tenant)), 4)):
        lock = by.on_value(e.CONTEXT, by.lowest_bit(place))
        yield unopened(f"{e.CONTEXT} character {place}", "flipped metadata", lock, OTHER, e.CONTEXT)
    lock = by.on_value(e.LENGTH, by.lowest_bit(0))
    yield unopened(e.LENGTH, "flipped metadata", lock, "envelope.length-mismatch", e.LENGTH)
    yield from _unreadable()


def _unreadable() -> Iterator[BadInput]:
    """Yield headers that cannot be read any more, or not be found."""
    for name in (e.KEY, e.NONCE, e.CONTEXT):
        lock = by.on_value(name, lambda text: f"!{text[1:]}")
        yield unopened(f"{name} first character", "flipped metadata", lock, BROKEN, name)
    for name in e.REQUIRED:
        yield unopened(f"name of {name}", "flipped metadata", by.renamed(name), "envelope.missing", name)


def cut_objects(rng: Random) -> Iterator[BadInput]:
    """Yield objects that were stored only in part."""
    size = len(PLAIN)
    some = rng.sample(range(TAG + 2, size - 2), 9)
    for length in sorted({1, TAG - 1, TAG, TAG + 1, size - 1, size, size + TAG - 1, *some}):
        yield unopened(f"first {length} bytes", "truncated", by.on_body(by.first(length)), CHANGED, "body")
    for count in (1, HEAD, size):
        yield unopened(f"without the first {count}", "truncated", by.on_body(by.without(count)), CHANGED, "body")
    for name, length, code, field in (
        (e.KEY, 6, "key.refused", None), (e.KEY, 40, "key.refused", None), (e.NONCE, 11, BROKEN, e.NONCE),
        (e.NONCE, 0, BROKEN, e.NONCE),
    ):  # fmt: skip
        lock = by.on_value(name, by.respelled(by.first(length)))
        yield unopened(f"{length} bytes of {name}", "truncated", lock, code, field)
    lock = by.on_value(e.CONTEXT, lambda text: text[: len(text) // 2])
    yield unopened("half of the context", "truncated", lock, BROKEN, e.CONTEXT)


def changes(rng: Random) -> Iterator[BadInput]:
    """Yield all of them."""
    yield from flipped_bits(rng)
    yield from flipped_metadata(rng)
    yield from cut_objects(rng)
