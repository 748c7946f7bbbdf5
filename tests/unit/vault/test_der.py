"""Lengths in DER and BER that lie: beyond the end, longer than a length may be, without an end, of nothing many times over."""

import time

import pytest

from tests.unit.vault.sealed import PLAIN, keys, sealed, stored
from tests.unit.vault.test_containers import refused
from trialbridge.contracts.errors import Refused
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault.containers import der
from trialbridge.vault.containers.table import open_bundle

FOREVER = b"\x30\x80"
SHORT, LONG = b"\x04\x01a", b"\x04\x82\x01\x00" + bytes(256)
HOSTILE = {
    "nothing": b"",
    "a tag alone": b"\x30",
    "one byte too long": b"\x30\x03\x04\x01",
    "long form, one byte too long": b"\x30\x81\x81" + bytes(128),
    "four bytes of length, all set": b"\x30\x84\xff\xff\xff\xff" + bytes(64),
    "five bytes of length": b"\x30\x85\x00\x00\x00\x00\x00",
    "eight bytes of length": b"\x30\x88" + b"\xff" * 8 + bytes(64),
    "a hundred and twenty-seven bytes of length": b"\x30\xff" + b"\xff" * 200,
    "a length that is cut": b"\x30\x84\x00\x00",
    "a tag of several bytes": b"\x3f\x81\x01\x00",
    "indefinite, primitive": b"\x04\x80\x00\x00",
    "indefinite, without an end": FOREVER + SHORT * 40,
    "indefinite, half an end": FOREVER + SHORT + b"\x00",
    "indefinite, seventeen deep": FOREVER * 18 + b"\x00\x00" * 18,
    "indefinite, a million deep": FOREVER * 1_000_000,
    "indefinite, of nothing many times": FOREVER + b"\x04\x00" * 1_000_000 + b"\x00\x00",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(60)
def test_a_hostile_length_is_refused(name: str) -> None:
    body = memoryview(HOSTILE[name])
    with pytest.raises(Refused) as error:
        der.value_at(body, 0, len(body))
    assert error.value.code == "envelope.broken"


def test_an_inner_length_never_reaches_beyond_the_outer_one() -> None:
    body = memoryview(b"\x30\x03\x04\x05abcdefgh")
    outer = der.value_at(body, 0, len(body))
    with pytest.raises(Refused):
        list(outer.values())


def test_octets_many_times_over_hold_something_on_average() -> None:
    few = der.written(der.SEQUENCE | 0x04, *[SHORT] * der.FREE)
    value = der.value_at(memoryview(few), 0, len(few))
    assert len(list(value.values())) == der.FREE
    many = der.written(0x24, *[SHORT] * (der.FREE + 1))
    with pytest.raises(Refused):
        list(der.octets(der.value_at(memoryview(many), 0, len(many))))
    large = der.written(0x24, *[LONG] * (der.FREE + 500))
    assert sum(map(len, der.octets(der.value_at(memoryview(large), 0, len(large))))) == (der.FREE + 500) * 256


def test_deep_octets_are_refused() -> None:
    body = SHORT
    for _ in range(der.DEPTH + 2):
        body = der.written(0x24, body)
    with pytest.raises(Refused):
        list(der.octets(der.value_at(memoryview(body), 0, len(body))))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_what_is_written_is_read(size: int) -> None:
    body = der.written(der.SEQUENCE, der.written(der.OCTETS, bytes(size)), b"\x05\x00")
    assert b"".join(der.around(der.SEQUENCE, [*der.around(der.OCTETS, [bytes(size)]), b"\x05\x00"])) == body
    outer = der.value_at(memoryview(body), 0, len(body))
    assert [len(one.inner) for one in outer.values()] == [size, 0]
    assert outer.after == len(body)


@pytest.fixture
def held() -> MemoryKeys:
    return keys()


async def test_every_length_of_a_message_made_a_giant_one_is_refused_in_no_time(held: MemoryKeys) -> None:
    body = (await sealed("cms", held)).body
    start = time.process_time()
    tried = 0
    for at in range(1, len(body) - len(PLAIN)):
        for giant in (b"\x84\xff\xff\xff\xff", b"\x84\x7f\xff\xff\xff", b"\x88" + b"\xff" * 8, b"\x80", b"\xfe"):
            changed = body[:at] + giant + body[at + 1 :]
            if changed != body:
                assert (await refused(stored(changed), held)).startswith(("envelope.", "key."))
                tried += 1
    assert tried > 1_500
    assert time.process_time() - start < 30


async def test_parameters_of_gcm_have_the_tags_that_they_are_written_with(held: MemoryKeys) -> None:
    body = (await sealed("cms", held)).body
    at = body.index(b"\x30\x11\x04\x0c")
    for place, other in ((at, 0x31), (at, 0xB0), (at + 16, 0x04), (at + 16, 0x0A)):
        changed = body[:place] + bytes([other]) + body[place + 1 :]
        assert await refused(stored(changed), held) in {"envelope.broken", "envelope.unsupported"}
    assert (await open_bundle(stored(body), held)).whole() == PLAIN
