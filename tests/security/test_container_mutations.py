"""Every region of every container, flipped, cut, extended, swapped and mixed: it never opens as anything else, and never crashes.

The digest of the changed bytes is the ticket's here, as if the attacker had the ticket too: the format alone has to hold.
"""

import dataclasses
import random
from collections.abc import AsyncIterator, Iterator
from typing import Literal

import pytest
from openpgp.util import encrypt_message_to_recipient_bytes

from tests.unit.vault.sealed import HILL, NAMES, NORTH, PLAIN, keys, sealed, secret, stored
from trialbridge.contracts.errors import Refused
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault.containers.model import Stored
from trialbridge.vault.containers.table import open_bundle
from trialbridge.vault.recipients import openpgp_key

CODES = {
    "envelope.missing", "envelope.unsupported", "envelope.wrong-tenant", "envelope.broken", "envelope.tag-mismatch",
    "envelope.commitment-mismatch", "envelope.length-mismatch", "envelope.too-large", "key.refused", "key.unknown",
}  # fmt: skip
MALLEABLE = {"openpgp"}
"""Around what is authenticated, OpenPGP can write the same thing in several ways: such a message opens as the same plaintext."""


@pytest.fixture
def held() -> MemoryKeys:
    return keys()


def says_little(error: Refused) -> None:
    assert error.code in CODES
    assert "canary" not in repr(error)
    assert error.__cause__ is None


async def opens(one: Stored, held: MemoryKeys, name: str) -> bool:
    """Return whether an object opens; fail where it does as anything but itself, or where its refusal says too much."""
    try:
        plain = (await open_bundle(one, held)).whole()
    except Refused as error:
        says_little(error)
        return False
    assert name in MALLEABLE, "changed bytes were opened"
    assert plain == PLAIN, "a changed plaintext was opened"
    return True


def mutations(body: bytes, other: bytes, rng: random.Random, count: int) -> Iterator[bytes]:
    """Yield changed bodies: bits, cuts at each end, additions, swapped and repeated blocks, pieces of another object."""
    for number in range(count):
        # Heads are where formats are decided: half of the changes go there.
        at = rng.randrange(min(len(body), 600)) if number % 2 else rng.randrange(len(body))
        width = rng.choice((1, 2, 4, 16, 64))
        found = (
            body[:at] + bytes([body[at] ^ 1 << rng.randrange(8)]) + body[at + 1 :],
            body[:at],
            body[at:],
            body[:at] + rng.randbytes(width) + body[at:],
            body[:at] + body[at + width :],
            body[:at] + rng.randbytes(width) + body[at + width :],
            body[:at] + other[at:],
            other[:at] + body[at:],
            body[:at] + body[at : at + width] + body[at:],
            body + body[:at],
            body[:at] + body[at + width : at + 2 * width] + body[at : at + width] + body[at + 2 * width :],
        )[number // 2 % 11]
        if found not in {body, other}:
            yield found


async def variants(name: str, held: MemoryKeys, count: int, seed: int) -> AsyncIterator[Stored]:
    """Yield changed objects of a container."""
    rng = random.Random(seed)
    one, other = await sealed(name, held), await sealed(name, held, PLAIN[::-1])
    for body in mutations(one.body, other.body, rng, count):
        yield stored(body, dict(one.metadata))
    for key, value in other.metadata.items():
        if one.metadata[key] != value:
            yield stored(one.body, dict(one.metadata) | {key: value})
    for key, value in one.metadata.items():
        for text in mutations(value.encode(), value.encode()[::-1], rng, count // 40):
            if key != "x-amz-unencrypted-content-length":
                yield stored(one.body, dict(one.metadata) | {key: text.decode("latin-1")})


@pytest.mark.parametrize("name", NAMES)
async def test_some_hundred_changes_of_each_container(held: MemoryKeys, name: str) -> None:
    opened = [await opens(one, held, name) async for one in variants(name, held, 220, 20261121)]
    assert len(opened) >= 200
    assert sum(opened) < len(opened) / 20


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
async def test_ten_thousand_changes_of_each_container(held: MemoryKeys, name: str) -> None:
    opened = [await opens(one, held, name) async for one in variants(name, held, 10_000, 7)]
    assert len(opened) >= 9_500
    assert sum(opened) < len(opened) / 20


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["age", "cms", "aws-encryption-sdk", "s3-v3"])
async def test_every_bit_of_a_small_object(held: MemoryKeys, name: str) -> None:
    one = await sealed(name, held)
    for bit in range(len(one.body) * 8):
        body = bytearray(one.body)
        body[bit // 8] ^= 1 << bit % 8
        assert not await opens(stored(bytes(body), dict(one.metadata)), held, name)


@pytest.mark.parametrize("name", NAMES)
async def test_no_container_opens_for_another_tenant_or_as_another_container(held: MemoryKeys, name: str) -> None:
    one = await sealed(name, held)
    assert not await opens(dataclasses.replace(one, tenant=HILL), held, name)
    for other in NAMES:
        foreign = await sealed(other, held, b"other " + PLAIN)
        if foreign.metadata != one.metadata:
            assert not await opens(stored(foreign.body, dict(one.metadata)), held, name)
            assert not await opens(stored(one.body, dict(foreign.metadata)), held, name)


async def test_random_bytes_behind_every_magic_number(held: MemoryKeys) -> None:
    rng = random.Random(11)
    heads = [(await sealed(name, held)).body[:length] for name in NAMES for length in (1, 3, 12, 24, 60)]
    for head in heads:
        for size in (0, 1, 40, 3000):
            assert not await opens(stored(head + rng.randbytes(size), {}, NORTH), held, "")


@pytest.mark.parametrize("version", ["seipd-v1", "seipd-v2"])
async def test_either_protection_of_openpgp_holds(held: MemoryKeys, version: Literal["seipd-v1", "seipd-v2"]) -> None:
    public = openpgp_key(secret("openpgp", "north")).to_public_key()
    good, other = (encrypt_message_to_recipient_bytes(one, public, version=version) for one in (PLAIN, PLAIN[::-1]))
    assert await opens(stored(good), held, "openpgp")
    found = [await opens(stored(body), held, "openpgp") for body in mutations(good, other, random.Random(5), 220)]
    assert len(found) >= 200
    assert sum(found) < len(found) / 20
