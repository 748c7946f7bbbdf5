"""Bundles made to burst: each is refused by a cap with its code, while memory stays small."""

import struct
import tracemalloc
import zlib
from collections.abc import Callable

import psutil
import pytest
import zstandard

from services.coatcheck.containers.limits import MIB, Limits
from services.coatcheck.containers.unpack import unpack
from trialbridge.contracts.errors import Refused
from trialbridge.testkit.packing import gzipped, ndjson, tarred, zipped, zstandardised

LIMITS = Limits(total_bytes=64 * MIB, entries=1000, depth=4, ratio=100, ratio_from=8 * MIB)
ZEROS = 400 * MIB


def gzip_of_zeros(size: int) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [squeeze.compress(bytes(MIB)) for _ in range(size // MIB)]
    return b"".join([*pieces, squeeze.flush()])


def zstd_of_zeros(size: int, *, announced: bool) -> bytes:
    squeeze = zstandard.ZstdCompressor(level=3, write_content_size=announced).compressobj(size if announced else -1)
    pieces = [squeeze.compress(bytes(MIB)) for _ in range(size // MIB)]
    return b"".join([*pieces, squeeze.flush()])


def overlapping_zip(count: int) -> bytes:
    """Many directory entries that all point at one kernel of deflated zeros."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = squeeze.compress(bytes(4 * MIB)) + squeeze.flush()
    crc = zlib.crc32(bytes(4 * MIB))
    sizes = struct.pack("<LLL", crc, len(kernel), 4 * MIB)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes + struct.pack("<HH", 1, 0) + b"a" + kernel
    entry = b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
    entry += struct.pack("<HHHHHLL", 1, 0, 0, 0, 0, 0, 0) + b"a"
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, count, count, len(entry) * count, len(local), 0)
    return local + entry * count + end


def endless_tar() -> bytes:
    """A tar whose member claims a negative size, on which naive readers never move on."""
    block = bytearray(tarred([("a", b"")])[:512])
    block[124:136] = b"\xff" * 12
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(1024)


def quine_like(depth: int) -> bytes:
    body = b'{"resourceType":"Patient"}'
    for _ in range(depth):
        body = gzipped(body)
    return body


BOMBS: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "gzip": (lambda: gzip_of_zeros(ZEROS), {"container.ratio", "container.too-large"}),
    "gzip in gzip": (lambda: gzipped(gzip_of_zeros(ZEROS)), {"container.ratio", "container.too-large"}),
    "zstd, announced": (lambda: zstd_of_zeros(ZEROS, announced=True), {"container.ratio", "container.too-large"}),
    "zstd, silent": (lambda: zstd_of_zeros(ZEROS, announced=False), {"container.ratio", "container.too-large"}),
    "zip": (lambda: zipped([("a", bytes(200 * MIB))]), {"container.ratio", "container.too-large"}),
    "zip, overlapping": (lambda: overlapping_zip(900), {"container.ratio", "container.too-large", "container.broken"}),
    "zip of many": (lambda: zipped([(str(n), b"") for n in range(1200)]), {"container.too-many-entries"}),
    "tar of many": (lambda: gzipped(tarred([("a", b"x")] * 1200)), {"container.too-many-entries"}),
    "gzip of many members": (lambda: gzipped(b"") * 1200, {"container.too-many-entries"}),
    "too deep": (lambda: quine_like(5), {"container.too-deep"}),
    "too deep in an archive": (lambda: tarred([("a", quine_like(4))]), {"container.too-deep"}),
    "bomb in a nested archive": (
        lambda: tarred([("a", b"{}"), ("b.zip", zipped([("c.gz", gzip_of_zeros(ZEROS))]))]),
        {"container.ratio", "container.too-large"},
    ),
    "endless tar": (endless_tar, {"container.broken"}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_while_it_is_small(name: str) -> None:
    make, codes = BOMBS[name]
    body = make()
    process = psutil.Process()
    before = process.memory_info().rss
    tracemalloc.start()
    try:
        with pytest.raises(Refused) as refused:
            for _ in unpack(body, LIMITS):
                pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.code in codes
    assert peak < LIMITS.total_bytes + 48 * MIB
    assert process.memory_info().rss - before < LIMITS.total_bytes + 128 * MIB


def test_a_directory_larger_than_its_zip_may_be_is_refused_before_it_is_read() -> None:
    honest = zipped([(str(n) * 60_000, b"") for n in range(9)])
    with pytest.raises(Refused) as refused:
        list(unpack(honest, LIMITS))
    assert refused.value.code == "container.too-many-entries"


@pytest.mark.parametrize("pack", [gzipped, zstandardised, lambda b: zipped([("a.ndjson", b)])])
def test_records_that_compress_fifty_times_are_let_through(pack: Callable[[bytes], bytes]) -> None:
    lines = ndjson({"resourceType": "Observation", "id": f"o{n}", "status": "final"} for n in range(200_000))
    body = pack(lines)
    (file,) = unpack(body, LIMITS)
    assert getattr(file, "body", None) == lines


def outcome(body: bytes) -> str:
    try:
        list(unpack(body, LIMITS))
    except Refused as error:
        return error.code
    return ""


def test_hostile_bytes_are_refused_or_pass_as_plain_files() -> None:
    seed = zipped([("a.json", b'{"a":1}' * 50), ("b.gz", gzipped(b"x" * 999))])
    for start in (seed, gzipped(seed), zstandardised(seed), tarred([("a", seed)])):
        for place in range(0, len(start), 3):
            spoiled = bytearray(start)
            spoiled[place] ^= 0xFF
            assert outcome(bytes(spoiled)).partition(".")[0] in {"container", ""}
