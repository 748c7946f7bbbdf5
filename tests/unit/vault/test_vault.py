"""The vault refuses whatever was changed or moved, by a stable code, and never hands out plaintext then."""

import base64
import random
from pathlib import Path

import cbor2
import pytest

from trialbridge.contracts.errors import Poison, Refused, Undecodable
from trialbridge.contracts.ids import NetworkId, TenantId
from trialbridge.runtime.keys.keyring import FileKeyRing, create_keyring, read_keyring
from trialbridge.vault import envelope, webhooks
from trialbridge.vault.envelope import encrypt_object, open_object
from trialbridge.vault.seal import Sealer

NORTH, HILL = TenantId("north"), TenantId("hill")
PLAIN = b"MSH|^~\\&|a patient's record" * 20


@pytest.fixture
def ring(tmp_path: Path) -> FileKeyRing:
    create_keyring(tmp_path / "keys.json", [NORTH, HILL, "lakeland"])
    return read_keyring(tmp_path / "keys.json")


async def test_a_bundle_opens_for_its_tenant(ring: FileKeyRing) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    assert PLAIN[:16] not in body
    assert await open_object(body, metadata, ring, tenant=NORTH) == PLAIN
    upper = {name.upper(): value for name, value in metadata.items()}
    assert await open_object(body, upper, ring, tenant=NORTH) == PLAIN


async def test_another_tenant_is_refused(ring: FileKeyRing) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    with pytest.raises(Refused) as refused:
        await open_object(body, metadata, ring, tenant=HILL)
    assert refused.value.code == "envelope.wrong-tenant"
    forged = {**metadata, envelope.CONTEXT: metadata[envelope.CONTEXT].replace("north", "hill")}
    with pytest.raises(Refused) as refused:
        await open_object(body, forged, ring, tenant=HILL)
    assert refused.value.code == "key.refused"


async def test_every_changed_bit_of_a_body_is_refused(ring: FileKeyRing) -> None:
    body, metadata = await encrypt_object(PLAIN[:40], ring, tenant=NORTH)
    for bit in range(len(body) * 8):
        changed = bytearray(body)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Refused) as refused:
            await open_object(bytes(changed), metadata, ring, tenant=NORTH)
        assert refused.value.code == "envelope.tag-mismatch"
    for length in range(len(body)):
        with pytest.raises(Refused):
            await open_object(body[:length], metadata, ring, tenant=NORTH)


async def test_every_changed_character_of_the_metadata_is_refused(ring: FileKeyRing) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    rng = random.Random(5)
    tried = 0
    for name, value in metadata.items():
        with pytest.raises(Refused) as refused:
            await open_object(body, {k: v for k, v in metadata.items() if k != name}, ring, tenant=NORTH)
        assert refused.value.code == "envelope.missing"
        for position in range(len(value)):
            other = rng.choice([c for c in "abcXYZ019+/=-{" if c != value[position]])
            changed = value[:position] + other + value[position + 1 :]
            if name in (envelope.KEY, envelope.NONCE) and _same(changed, value):
                continue
            tried += 1
            with pytest.raises(Refused):
                await open_object(body, {**metadata, name: changed}, ring, tenant=NORTH)
    assert tried > 150


def _same(one: str, other: str) -> bool:
    """The last character before the padding of base64 holds bits that say nothing."""
    try:
        return base64.b64decode(one, validate=True) == base64.b64decode(other)
    except ValueError:
        return False


async def test_sealed_values_open_in_their_place_and_in_other_processes(ring: FileKeyRing) -> None:
    first, second = Sealer(ring), Sealer(ring)
    sealed = await first.seal(NetworkId("lakeland"), "topic:emr_records", PLAIN)
    assert PLAIN[:16] not in sealed
    assert first.open_now(sealed, "topic:emr_records") == PLAIN
    assert second.open_now(sealed, "topic:emr_records") is None
    assert await second.open(sealed, "topic:emr_records") == PLAIN
    assert second.open_now(sealed, "topic:emr_records") == PLAIN
    with pytest.raises(Undecodable) as refused:
        await second.open(sealed, "topic:patient_views")
    assert refused.value.code == "seal.refused"
    assert await first.open(await first.seal(NetworkId(""), "x", b""), "x") == b""
    with pytest.raises(Refused):
        await first.seal(NetworkId("unknown"), "x", PLAIN)


async def test_every_changed_bit_of_a_sealed_value_is_poison(ring: FileKeyRing) -> None:
    sealed = await Sealer(ring).seal(NetworkId("lakeland"), "x", PLAIN[:20])
    opener = Sealer(ring)
    assert await opener.open(sealed, "x") == PLAIN[:20]
    recipient_id = sealed.find(b"lakeland/1")
    for bit in range(len(sealed) * 8):
        if recipient_id <= bit // 8 < recipient_id + len(b"lakeland/1"):
            # The name of the key is a hint: with the key cached it is not looked at.
            continue
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            opened = await opener.open(bytes(changed), "x")
        except Poison:
            continue
        assert opened == PLAIN[:20], "only what says nothing may change"
        assert cbor2.loads(bytes(changed))[:3] == cbor2.loads(sealed)[:3]


def test_the_signature_of_the_standards_example() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    header = webhooks.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert header == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert webhooks.verify(
        secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', f"v1,x {header}"
    )
    assert not webhooks.verify(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265331, b'{"test": 2432232314}', header)
