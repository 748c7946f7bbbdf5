"""Sealed values: COSE_Encrypt as RFC 9052 writes it, opened in their place alone, with few calls of the key service."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trialbridge.contracts.errors import Refused, Unavailable, Undecodable
from trialbridge.contracts.ids import NetworkId
from trialbridge.runtime.keys.keyring import FileKeyRing
from trialbridge.runtime.ports import DataKey
from trialbridge.vault import seal
from trialbridge.vault.seal import Sealer

LAKELAND = NetworkId("lakeland")
PLAIN = b"a patient's record" * 20


class Counting:
    """A key service that counts its calls and can be away."""

    def __init__(self, ring: FileKeyRing) -> None:
        self.ring = ring
        self.made = self.opened = 0
        self.away = False

    async def data_key(self, scope: str, context: Mapping[str, str]) -> DataKey:
        self.made += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("keys.unavailable", "Switched off by a test.")
        return await self.ring.data_key(scope, context)

    async def unwrap(self, key_id: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        self.opened += 1
        return await self.ring.unwrap(key_id, wrapped, context)


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def test_a_value_opens_in_its_place_and_in_other_processes(ring: FileKeyRing) -> None:
    first, second = Sealer(ring), Sealer(ring)
    sealed = await first.seal(LAKELAND, "topic:emr_records", PLAIN)
    assert PLAIN[:16] not in sealed
    assert first.open_now(sealed, "topic:emr_records") == PLAIN
    assert second.open_now(sealed, "topic:emr_records") is None
    assert await second.open(sealed, "topic:emr_records") == PLAIN
    assert second.open_now(sealed, "topic:emr_records") == PLAIN
    for context in ("topic:patient_views", "", "topic:emr_records "):
        with pytest.raises(Undecodable) as error:
            await second.open(sealed, context)
        assert error.value.code == "seal.refused"


async def test_what_belongs_to_no_network_is_sealed_too(ring: FileKeyRing) -> None:
    sealed = await Sealer(ring).seal(NetworkId(""), "x", b"")
    assert await Sealer(ring).open(sealed, "x") == b""


async def test_a_network_without_a_key_is_refused(ring: FileKeyRing) -> None:
    with pytest.raises(Refused) as error:
        await Sealer(ring).seal(NetworkId("unknown"), "x", PLAIN)
    assert error.value.code == "key.unknown"


async def test_the_bytes_are_those_of_the_standard(ring: FileKeyRing) -> None:
    """Opened here by hand, after RFC 9052: header, Enc_structure, A256GCM."""
    sealed = await Sealer(ring).seal(LAKELAND, "matches/m/explanation", PLAIN)
    protected, unprotected, ciphertext, [[empty, header, wrapped]] = cbor2.loads(sealed)
    assert cbor2.loads(protected) == {1: 3, -65537: "lakeland"}
    assert (empty, header) == (b"", {1: -65537, 4: b"lakeland/1"})
    key = await ring.unwrap("lakeland/1", wrapped, {"network": "lakeland"})
    structure = cbor2.dumps(["Encrypt", protected, b"matches/m/explanation"])
    assert AESGCM(key).decrypt(unprotected[5], ciphertext, structure) == PLAIN


async def test_a_data_key_serves_many_values_and_callers_at_once(ring: FileKeyRing) -> None:
    keys = Counting(ring)
    sealer = Sealer(keys)
    sealed = await asyncio.gather(*(sealer.seal(LAKELAND, f"x/{n}", PLAIN) for n in range(100)))
    assert (keys.made, keys.opened) == (1, 0)
    assert len({cbor2.loads(value)[1][5] for value in sealed}) == 100
    reader = Sealer(keys)
    for n, value in enumerate(sealed):
        assert await reader.open(value, f"x/{n}") == PLAIN
    assert (keys.made, keys.opened) == (1, 1)


async def test_a_data_key_is_left_after_its_uses_or_its_time(
    ring: FileKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, clock = Counting(ring), Clock()
    sealer = Sealer(keys, clock)
    monkeypatch.setattr(seal, "USES_PER_KEY", 2)
    for _ in range(5):
        await sealer.seal(LAKELAND, "x", PLAIN)
    assert keys.made == 3
    monkeypatch.setattr(seal, "USES_PER_KEY", 100)
    value = await sealer.seal(LAKELAND, "x", PLAIN)
    clock.seconds += seal.KEY_LIFE + 1
    assert sealer.open_now(value, "x") is None, "a withdrawn key must not work on from memory"
    assert await sealer.open(value, "x") == PLAIN
    assert sealer.open_now(value, "x") == PLAIN
    await sealer.seal(LAKELAND, "x", PLAIN)
    assert keys.made == 4


async def test_memory_for_keys_is_bounded(ring: FileKeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "CACHED_KEYS", 3)
    values = [await Sealer(ring).seal(LAKELAND, "x", PLAIN) for _ in range(5)]
    reader = Sealer(ring)
    for value in values:
        assert await reader.open(value, "x") == PLAIN
    assert [reader.open_now(value, "x") for value in values] == [None, None, PLAIN, PLAIN, PLAIN]


async def test_an_outage_of_the_key_service_passes(ring: FileKeyRing) -> None:
    keys = Counting(ring)
    sealer, keys.away = Sealer(keys), True
    for _ in range(2):
        with pytest.raises(Unavailable):
            await sealer.seal(LAKELAND, "x", PLAIN)
    keys.away = False
    assert await sealer.open(await sealer.seal(LAKELAND, "x", PLAIN), "x") == PLAIN


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_no_two_threads_draw_the_same_nonce() -> None:
    nonces = seal._Nonces()
    with ThreadPoolExecutor(4) as threads:
        drawn = [
            each for some in threads.map(lambda _: [nonces.next() for _ in range(5_000)], range(8)) for each in some
        ]
    assert len(set(drawn)) == len(drawn) == 40_000
    assert {len(one) for one in drawn} == {12}


def test_a_process_that_forks_draws_its_own_nonces() -> None:
    nonces = seal._Nonces()
    nonces.next()
    shared = set(nonces._drawn)
    nonces.forget()
    assert shared
    assert shared.isdisjoint(nonces.next() for _ in range(len(shared)))
