"""OpenPGP read a piece at a time: every kind of key, cipher mode, compression and framing, and nothing of what is changed."""

import bz2
import random
import tracemalloc
import zlib
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography.exceptions import InvalidTag
from openpgp.composed import (
    EncryptionCaps,
    KeyType,
    MessageBuilder,
    SecretKeyParamsBuilder,
    SubkeyParamsBuilder,
)
from openpgp.util import encrypt_message_to_recipient_bytes

from tests.unit.vault.openpgp_writing import (
    certificate,
    enciphered,
    in_parts,
    literal,
    message,
    open_ended,
    packet,
    session_packet,
)
from tests.unit.vault.sealed import NORTH, PLAIN, keys, stored
from tests.unit.vault.test_containers import refused
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault.containers.model import Stored
from trialbridge.vault.containers.openpgp import OpenPgp
from trialbridge.vault.containers.openpgp_content import BESIDE_LIMIT, DEPTH
from trialbridge.vault.containers.openpgp_head import is_message
from trialbridge.vault.containers.openpgp_packets import Source, binary, packets
from trialbridge.vault.containers.openpgp_sealed import eax
from trialbridge.vault.containers.table import open_bundle
from trialbridge.vault.recipients import openpgp_key

MIB = 1024 * 1024
Protection = Literal["seipd-v1", "seipd-v2"]
KEYS = ("rsa", "p256", "p384", "p521", "curve25519", "x25519", "x25519 v6", "x448 v6")


@pytest.fixture
def held() -> MemoryKeys:
    return keys()


async def opened(body: bytes, held: MemoryKeys) -> bytes:
    return (await open_bundle(stored(body), held)).whole()


@cache
def key_of(kind: str) -> bytes:
    name, _, newer = kind.partition(" ")
    kinds = {"rsa": lambda: KeyType.rsa(2048), "x25519": KeyType.x25519, "x448": KeyType.x448}
    version: Literal[4, 6] = 6 if newer else 4
    subkey = SubkeyParamsBuilder().version(version).key_type(kinds[name]() if name in kinds else KeyType.ecdh(name))  # type: ignore[arg-type]
    key = SecretKeyParamsBuilder().version(version).can_certify(value=True).can_sign(value=True)
    key = key.key_type(KeyType.ed25519() if newer else KeyType.ed25519_legacy()).primary_user_id("north")
    return key.subkey(subkey.can_encrypt(EncryptionCaps.all()).build()).generate().to_bytes()


@pytest.mark.parametrize("version", ["seipd-v1", "seipd-v2"])
@pytest.mark.parametrize("kind", KEYS)
async def test_every_kind_of_key_opens_what_is_encrypted_to_it(kind: str, version: Protection) -> None:
    held = MemoryKeys("north")
    held.hold("north", "openpgp", key_of(kind))
    public = openpgp_key(key_of(kind)).to_public_key()
    body = encrypt_message_to_recipient_bytes(PLAIN, public, version=version)
    assert await opened(body, held) == PLAIN
    for at in range(0, len(body), 7):
        changed = body[:at] + bytes([body[at] ^ 0x11]) + body[at + 1 :]
        assert (await refused(stored(changed), held)).startswith(("envelope.", "key.refused"))


@pytest.mark.parametrize("mode", ["eax", "ocb", "gcm"])
@pytest.mark.parametrize("cipher", ["aes128", "aes192", "aes256"])
async def test_every_mode_and_length_around_its_chunks(held: MemoryKeys, mode: Any, cipher: Any) -> None:
    for size in (0, 1, 40, 48, 49, 63, 64, 65, 127, 128, 500, 1000, 2047, 2048, 2049):
        plain = bytes(number % 251 for number in range(size))
        built = MessageBuilder.from_bytes("a", plain).seipd_v2(cipher, mode, 0).encrypt_to_key(certificate())
        body = built.to_vec()
        assert await opened(body, held) == plain
        for cut in (1, 16, 17, 80, 96):
            assert (await refused(stored(body[:-cut]), held)).startswith("envelope.")


def test_eax_is_as_its_paper_writes_it() -> None:
    first = "233952DEE4D5ED5F9B9C6D6FF80FF478 62EC67F9C3A4A407FCB2A8C49031A8B3 E037830E8389F27B025A2D6527E79D01 6BFB914FD07EAE6B"
    second = "91945D3F4DCBEE0BF45EF52255F095A4 BECAF043B0A23D843194BA972C66DEBD 19DD5C4C9331049D0BDAB0277408F67967E5 FA3BFD4806EB53FA"
    for vector, plain in ((first, b""), (second, b"\xf7\xfb")):
        key, nonce, sealed, header = (bytes.fromhex(one) for one in vector.split())
        assert eax(key)(nonce, sealed, header) == plain
        for given in ((nonce[1:], sealed, header), (nonce, sealed[:-1] + b"x", header), (nonce, sealed, header + b"x")):
            with pytest.raises(InvalidTag):
                eax(key)(*given)


def squeezed(algorithm: int, plain: bytes) -> bytes:
    """Return a compressed packet's body."""
    if algorithm == 3:
        return b"\x03" + bz2.compress(plain)
    if algorithm == 0:
        return b"\x00" + plain
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15 if algorithm == 1 else 15)
    return bytes([algorithm]) + squeeze.compress(plain) + squeeze.flush()


@pytest.mark.parametrize("algorithm", [0, 1, 2, 3])
async def test_every_compression_and_framing_is_read(held: MemoryKeys, algorithm: int) -> None:
    plain = PLAIN * 30
    inner = squeezed(algorithm, in_parts(11, literal(plain), 9))
    signed = packet(4, bytes(13)) + packet(11, literal(plain)) + packet(2, bytes(90))
    for content in (
        packet(8, inner), open_ended(8, inner), in_parts(8, inner, 9), packet(10, b"PGP") + packet(8, inner) + packet(21, b"x" * 99),
        packet(8, squeezed(algorithm, signed)), packet(8, squeezed(3, packet(8, inner))), open_ended(11, literal(plain)),
        signed, packet(4, bytes(13)) + packet(8, inner) + packet(2, bytes(90)), packet(11, literal(plain, b"", b"u")),
    ):  # fmt: skip
        body = message(content)
        assert await opened(body, held) == plain
        assert await opened(session_packet() + in_parts(18, enciphered(content), 9), held) == plain
        changed = body[:-30] + bytes([body[-30] ^ 1]) + body[-29:]
        assert await refused(stored(changed), held) == "envelope.tag-mismatch"


def nested(depth: int, plain: bytes = PLAIN) -> bytes:
    found = packet(11, literal(plain))
    for _ in range(depth):
        found = packet(8, squeezed(2, found))
    return found


BROKEN = {
    "nothing": b"",
    "no literal": packet(10, b"PGP"),
    "two literals": packet(11, literal(b"a")) * 2,
    "a literal and a compressed one": packet(11, literal(b"a")) + nested(1),
    "a literal that is cut": packet(11, literal(PLAIN))[:-9],
    "a literal without its head": packet(11, b"b"),
    "a literal of another kind": packet(11, literal(PLAIN, kind=b"x")),
    "a name beyond the end": packet(11, b"b\xffabc"),
    "too deep": nested(DEPTH + 1),
    "an encrypted message": message(packet(11, literal(PLAIN))),
    "an unprotected one": packet(9, bytes(40)),
    "a key": packet(6, bytes(40)),
    "bytes": b"{}" * 40,
    "many beside": packet(2, b"") * (BESIDE_LIMIT + 1) + packet(11, literal(PLAIN)),
    "many behind": packet(11, literal(PLAIN)) + packet(10, b"") * (BESIDE_LIMIT + 1),
    "small parts": in_parts(11, literal(PLAIN * 9), 8),
    "compressed, with more behind": packet(8, squeezed(2, packet(11, literal(PLAIN))) + b"\0"),
    "compressed, cut": packet(8, squeezed(3, packet(11, literal(PLAIN)))[:-9]),
    "compressed, damaged": packet(8, b"\x02" + b"\xff" * 80),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_content_that_is_no_message_is_told_of_only_where_it_is_authentic(held: MemoryKeys, name: str) -> None:
    assert await refused(stored(message(BROKEN[name])), held) == "envelope.broken"
    assert await refused(stored(message(BROKEN[name], code=bytes(20))), held) == "envelope.tag-mismatch"


async def test_the_deepest_compression_is_read_and_another_kind_is_not(held: MemoryKeys) -> None:
    assert await opened(message(nested(DEPTH)), held) == PLAIN
    for code, expected in ((None, "envelope.unsupported"), (bytes(20), "envelope.tag-mismatch")):
        assert await refused(stored(message(packet(8, b"\x09abc"), code=code)), held) == expected


def bomb(algorithm: int, size: int) -> bytes:
    return packet(8, squeezed(algorithm, packet(11, literal(bytes(size)))))


BOMBS = {
    "zip": lambda: bomb(1, 24 * MIB),
    "zlib": lambda: bomb(2, 24 * MIB),
    "bzip2": lambda: bomb(3, 24 * MIB),
    "bzip2 in bzip2": lambda: packet(8, squeezed(3, bomb(3, 24 * MIB))),
    # What comes out is small; what is in between is not.
    "hidden in padding": lambda: packet(8, squeezed(3, packet(21, bytes(24 * MIB)) + packet(11, literal(PLAIN)))),
    "hidden in a name's packet": lambda: packet(8, squeezed(2, packet(2, bytes(24 * MIB)) + packet(11, literal(PLAIN)))),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
async def test_a_compressed_bomb_is_stopped_at_the_cap_while_it_is_small(held: MemoryKeys, name: str) -> None:
    content = BOMBS[name]()
    body = message(content)
    assert len(body) < MIB
    tracemalloc.start()
    try:
        assert await refused(Stored(body, {}, NORTH, stored(body).sha256, {}, 4 * MIB), held) == "envelope.too-large"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * MIB
    changed = message(content, code=bytes(20))
    small = Stored(changed, {}, NORTH, stored(changed).sha256, {}, MIB)
    assert await refused(small, held) == "envelope.tag-mismatch"


async def test_a_large_message_is_decrypted_in_little_memory(held: MemoryKeys) -> None:
    plain = bytes(24 * MIB)
    body = encrypt_message_to_recipient_bytes(plain, certificate(), version="seipd-v1")
    chunks = await OpenPgp().open(stored(body), held)
    tracemalloc.start()
    try:
        assert sum(len(piece) for piece in chunks()) == len(plain)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB


async def test_a_message_in_parts_or_armoured_reads_as_any_other(held: MemoryKeys, tmp_path: Path) -> None:
    plain = PLAIN * 5000
    (tmp_path / "plain").write_bytes(plain)
    with (tmp_path / "plain").open("rb") as file:
        built = MessageBuilder.from_reader("a", file).seipd_v1("aes256").partial_chunk_size(512)
        assert await opened(built.encrypt_to_key(certificate()).to_vec(), held) == plain
    armoured = (
        MessageBuilder.from_bytes("a", plain).seipd_v1("aes128").encrypt_to_key(certificate()).to_armored_string()
    )
    assert len(armoured) > 3 * MIB
    assert await opened(armoured.encode(), held) == plain
    assert await opened(armoured.replace("\n", "\r\n").encode(), held) == plain
    middle = len(armoured) // 2
    for wrong in ("=", "-", "=\n=="):
        assert (
            await refused(stored((armoured[:middle] + wrong + armoured[middle:]).encode()), held) == "envelope.broken"
        )


async def test_a_message_that_goes_on_or_comes_in_small_parts_is_refused(held: MemoryKeys) -> None:
    good = packet(11, literal(PLAIN * 9))
    for more in (b"\0", packet(10, b"PGP"), message(good)):
        assert await refused(stored(message(good) + more), held) == "envelope.broken"
    for exponent, expected in ((8, "envelope.broken"), (0, "envelope.broken")):
        body = session_packet() + in_parts(18, enciphered(good), exponent)
        assert await refused(stored(body), held) == expected
    for cut in (1, 20, 22, 23, 300):
        body = session_packet() + packet(18, enciphered(good)[:-cut])
        assert await refused(stored(body), held) == "envelope.tag-mismatch"
    for short in (b"\x01", b"\x01" + bytes(17), b"\x01" + bytes(39), b"\x02", b"\x02\x09\x02\x06" + bytes(31)):
        assert (await refused(stored(session_packet() + packet(18, short)), held)).startswith("envelope.")


@pytest.mark.parametrize("cipher", ["cast5", "triple-des", "blowfish", "camellia256", "twofish"])
async def test_another_cipher_than_aes_opens_as_nothing(held: MemoryKeys, cipher: Any) -> None:
    body = MessageBuilder.from_bytes("a", PLAIN).seipd_v1(cipher).encrypt_to_key(certificate()).to_vec()
    assert await refused(stored(body), held) == "envelope.tag-mismatch"


async def test_an_aead_head_that_is_not_ours_is_refused(held: MemoryKeys) -> None:
    good = MessageBuilder.from_bytes("a", PLAIN).seipd_v2("aes256", "ocb").encrypt_to_key(certificate()).to_vec()
    at = good.index(b"\x02\x09\x02", good[1])
    for place, value in ((1, 3), (1, 0), (2, 0), (2, 4), (3, 17), (3, 255)):
        changed = good[: at + place] + bytes([value]) + good[at + place + 1 :]
        assert await refused(stored(changed), held) == "envelope.unsupported"
    # Session keys of one protection do not stand before content of the other.
    other = good[: 2 + good[1]] + packet(18, enciphered(packet(11, literal(PLAIN))))
    assert await refused(stored(other), held) == "envelope.broken"


def test_a_source_gives_the_same_bytes_however_they_come() -> None:
    body = bytes(range(256)) * 4
    for size in (1, 2, 3, 255, 256, 5000):
        source = Source(body[at : at + size] for at in range(0, len(body), size))
        found = (
            source.read(5) + bytes(source.take(1)) + source.exactly(0) + source.exactly(700) + b"".join(source.rest())
        )
        assert found == body
        assert source.read(1) == b""


def test_few_ciphertexts_of_others_look_like_a_message() -> None:
    body = random.Random(7).randbytes(2**20)
    taken = sum(is_message(body[at : at + 4096]) for at in range(0, len(body) - 4096, 64))
    assert taken < len(body) / 64 / 100


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        (packet(1, b"\x03" + bytes(20)), True),
        (packet(1, b"\x07" + bytes(20)), False),
        (packet(1, b""), False),
        (packet(1, b"\x03" + bytes(20))[:9], False),
        (packet(3, b"\x04" + bytes(9)), True),
        (packet(9, bytes(40)), True),
        (packet(10, b"PGP"), True),
        (packet(10, b"GPG"), False),
        (packet(18, b"\x02" + bytes(40)), True),
        (packet(18, b"\x07" + bytes(40)), False),
        (packet(11, bytes(40)), False),
        (b"\x40", False),
        (b"\xc1", False),
    ],
)
def test_a_message_begins_with_a_packet_of_a_possible_version_and_length(begins: bytes, *, expected: bool) -> None:
    assert is_message(begins) is expected


def test_what_is_not_read_of_a_packet_is_passed_over() -> None:
    body = packet(11, b"abc") + in_parts(8, bytes(2000), 9) + packet(2, b"")
    assert [one.tag for one in packets(Source(binary(body)))] == [11, 8, 2]
    assert [b"".join(one.body) for one in packets(Source(binary(body)))] == [b"abc", bytes(2000), b""]


async def test_a_hidden_recipient_of_the_newer_form_and_an_unknown_one_are_refused(held: MemoryKeys) -> None:
    hidden = encrypt_message_to_recipient_bytes(PLAIN, certificate(), version="seipd-v2", anonymous_recipient=True)
    named = encrypt_message_to_recipient_bytes(PLAIN, certificate(), version="seipd-v2")
    assert named[2:5] == b"\x06\x15\x04"
    other = named[:20] + bytes([named[20] ^ 1]) + named[21:]
    for body, expected in ((hidden, "envelope.unsupported"), (other, "key.refused")):
        assert await refused(stored(body), held) == expected
    for place, value in ((2, 4), (3, 0x14), (4, 6)):
        changed = named[:place] + bytes([value]) + named[place + 1 :]
        assert await refused(stored(changed), held) == "envelope.unsupported"


async def test_a_session_key_of_another_kind_than_the_key_is_refused(held: MemoryKeys) -> None:
    good = message(packet(11, literal(PLAIN)))
    assert good[1:3] == session_packet()[1:3]
    for algorithm in (1, 16, 25, 99):
        changed = good[:11] + bytes([algorithm]) + good[12:]
        assert good[11] == 18
        assert await refused(stored(changed), held) == "envelope.tag-mismatch"
