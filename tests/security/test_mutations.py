"""Changed, cut, moved and mixed bytes: all of it refused by a stable code, never a byte of plaintext."""

import random
from collections.abc import Awaitable
from pathlib import Path

import pytest

from trialbridge.contracts.errors import Poison
from trialbridge.contracts.ids import NetworkId, TenantId
from trialbridge.runtime.keys.keyring import FileKeyRing, create_keyring, read_keyring
from trialbridge.vault import envelope
from trialbridge.vault.envelope import encrypt_object, open_object
from trialbridge.vault.seal import Sealer

NORTH, HILL = TenantId("north"), TenantId("hill")
LAKELAND, RIVER = NetworkId("lakeland"), NetworkId("river")
PLAIN = b"PID|1||canary-4711^^^Birchwood"
CODES = {
    "envelope.missing", "envelope.unsupported", "envelope.wrong-tenant", "envelope.broken", "envelope.too-large",
    "envelope.tag-mismatch", "envelope.length-mismatch", "key.unknown", "key.refused", "seal.refused", "seal.not-cose",
}  # fmt: skip


@pytest.fixture
def ring(tmp_path: Path) -> FileKeyRing:
    create_keyring(tmp_path / "keys.json", [NORTH, HILL, LAKELAND, RIVER])
    return read_keyring(tmp_path / "keys.json")


async def code_of(call: Awaitable[bytes | None]) -> str:
    """Return the code by which the call refuses; fail where it hands something out or says what it must not."""
    with pytest.raises(Poison) as error:
        await call
    assert "canary" not in repr(error.value)
    assert error.value.__cause__ is None
    assert error.value.code in CODES
    return error.value.code


def flips(value: bytes) -> list[bytes]:
    found = []
    for bit in range(len(value) * 8):
        changed = bytearray(value)
        changed[bit // 8] ^= 1 << bit % 8
        found.append(bytes(changed))
    return found


async def test_every_flipped_bit_of_body_and_tag(ring: FileKeyRing) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    for changed in flips(body):
        assert await code_of(open_object(changed, metadata, ring, tenant=NORTH)) == "envelope.tag-mismatch"


async def test_every_cut_and_every_addition(ring: FileKeyRing) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    cuts = [body[:length] for length in range(len(body))] + [body[start:] for start in range(1, len(body))]
    for changed in [*cuts, body + b"\0", b"\0" + body, body + body, body[:-16], body[-16:] + body[:-16]]:
        assert await code_of(open_object(changed, metadata, ring, tenant=NORTH)) == "envelope.tag-mismatch"


async def test_every_flipped_bit_of_the_metadata(ring: FileKeyRing) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    tried = 0
    for name, value in metadata.items():
        for changed in flips(value.encode()):
            text = changed.decode("latin-1")
            await code_of(open_object(body, {**metadata, name: text}, ring, tenant=NORTH))
            tried += 1
    assert tried > 1_500


async def test_every_changed_name_of_a_header(ring: FileKeyRing) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    for name in envelope.REQUIRED:
        for changed in flips(name.encode()):
            other = changed.decode("latin-1")
            if other.lower() == name:
                continue
            headers = {(other if key == name else key): value for key, value in metadata.items()}
            await code_of(open_object(body, headers, ring, tenant=NORTH))


async def test_parts_of_two_objects_never_fit_together(ring: FileKeyRing) -> None:
    made = [await encrypt_object(PLAIN, ring, tenant=tenant) for tenant in (NORTH, NORTH, HILL)]
    for body, _ in made:
        for _, metadata in made:
            for _, other in made:
                for name in (envelope.KEY, envelope.NONCE, envelope.CONTEXT):
                    mixed = {**metadata, name: other[name]}
                    if mixed == metadata and any(body is b and metadata is m for b, m in made):
                        continue
                    for tenant in (NORTH, HILL):
                        await code_of(open_object(body, mixed, ring, tenant=tenant))


async def test_thousands_of_wild_mutations(ring: FileKeyRing) -> None:
    rng = random.Random(20261121)
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    for _ in range(4_000):
        headers, changed = dict(metadata), body
        for _ in range(rng.randint(1, 3)):
            name = rng.choice(list(metadata))
            match rng.randrange(5):
                case 0:
                    headers.pop(name, None)
                case 1:
                    headers[name] = metadata[rng.choice(list(metadata))]
                case 2:
                    headers[name] = headers.get(name, "")[: rng.randrange(40)]
                case 3:
                    headers[name] = "".join(chr(rng.randrange(0x110)) for _ in range(rng.randrange(60)))
                case _:
                    at = rng.randrange(len(changed))
                    changed = changed[:at] + rng.randbytes(rng.randrange(4)) + changed[at + rng.randrange(4) :]
        headers_same = {**headers, envelope.LENGTH: metadata[envelope.LENGTH]} == metadata
        if changed == body and headers_same and headers.get(envelope.LENGTH) in (None, metadata[envelope.LENGTH]):
            continue
        await code_of(open_object(changed, headers, ring, tenant=NORTH))


async def test_every_flipped_bit_of_a_sealed_value(ring: FileKeyRing) -> None:
    sealed = await Sealer(ring).seal(LAKELAND, "x", PLAIN)
    opener = Sealer(ring)
    assert await opener.open(sealed, "x") == PLAIN
    for changed in flips(sealed):
        await code_of(opener.open(changed, "x"))
        await code_of(Sealer(ring).open(changed, "x"))


async def test_every_cut_of_a_sealed_value(ring: FileKeyRing) -> None:
    sealer = Sealer(ring)
    sealed = await sealer.seal(LAKELAND, "x", PLAIN)
    for changed in [*(sealed[:length] for length in range(len(sealed))), sealed + b"\0", b"\xd8\x60" + sealed]:
        assert await code_of(sealer.open(changed, "x")) == "seal.not-cose"


HOSTILE = [
    b"", b"\xf6", b"\x00", b"\x81" * 200_000, b"\x9f" * 5_000, b"\x5b\x00\x00\x00\x7f\xff\xff\xff\xff" + b"a",
    b"\x9b\x00\x00\x00\x7f\xff\xff\xff\xff", b"\x84\xa1\x81\x01\x01\xa0\x40\x80", b"\xd8\x1c\x84\xd8\x1d\x00\xa0\x40\x80",
    b"\x84\x40\xa1\x05\x4c" + b"n" * 12 + b"\x41x\x81\x83\x40\xa1\x04\x41k\x41w", b"\xc2\x58\x20" + b"\xff" * 32,
    b"\xd8\x23\x61(", b"\x84" + b"\xf7" * 4, b"\x84\x43\xa1\x01\x03\xa0\x40\x81\x83\x40\xa0\x40",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
async def test_hostile_bytes_instead_of_a_sealed_value(ring: FileKeyRing, value: bytes) -> None:
    assert await code_of(Sealer(ring).open(value, "x")) == "seal.not-cose"


async def test_random_bytes_instead_of_a_sealed_value(ring: FileKeyRing) -> None:
    rng = random.Random(7)
    sealer = Sealer(ring)
    sealed = await sealer.seal(LAKELAND, "x", PLAIN)
    for _ in range(3_000):
        at = rng.randrange(len(sealed))
        changed = sealed[:at] + rng.randbytes(rng.randrange(9)) + sealed[at + rng.randrange(9) :]
        if changed != sealed:
            await code_of(sealer.open(changed, "x"))


async def test_a_sealed_value_never_opens_for_another_network(ring: FileKeyRing) -> None:
    sealer = Sealer(ring)
    one, other = await sealer.seal(LAKELAND, "x", PLAIN), await sealer.seal(RIVER, "x", PLAIN)
    for changed in (one.replace(b"lakeland", b"riverxxx"), other.replace(b"river", b"other")):
        await code_of(sealer.open(changed, "x"))
