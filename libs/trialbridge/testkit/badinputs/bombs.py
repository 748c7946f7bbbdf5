"""Bundles made to burst, and objects over the cap; refused under `model.CAPS` while they are small."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

import zstandard

from trialbridge.contracts.errors import Place
from trialbridge.testkit import packing
from trialbridge.testkit.badinputs import good
from trialbridge.testkit.badinputs.model import BadInput, Bundle, Group, changed, refused

MIB: Final = 1024 * 1024
RATIO: Final = "container.ratio"
TOO_LARGE: Final = "container.too-large"
TOO_MANY: Final = "container.too-many-entries"
TOO_DEEP: Final = "container.too-deep"
OVER_RATIO: Final = 20 * MIB
OVER_ALL: Final = 26 * MIB
ENTRIES: Final = 210


def zeros_gzipped(size: int, before: bytes = b"") -> bytes:
    """Return gzip of ``before`` and ``size`` zeros."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(
        [squeeze.compress(before), *(squeeze.compress(bytes(MIB)) for _ in range(size // MIB)), squeeze.flush()]
    )


def zeros_zstandardised(size: int, *, announced: bool) -> bytes:
    """Return Zstandard of zeros, with or without their number in front."""
    squeeze = zstandard.ZstdCompressor(level=3, write_content_size=announced).compressobj(size if announced else -1)
    return b"".join([*(squeeze.compress(bytes(MIB)) for _ in range(size // MIB)), squeeze.flush()])


def endless_tar() -> bytes:
    """Return a tar whose member claims a negative size, on which naive readers never move on."""
    block = bytearray(packing.tarred([("a", b"")])[:512])
    block[124:136] = b"\xff" * 12
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(1024)


def wrapped(times: int, *packers: Callable[[bytes], bytes]) -> bytes:
    """Return one good patient in ``times`` containers, ``packers`` in turn."""
    body = good.lines("too-deep")
    for number in range(times):
        body = packers[number % len(packers)](body)
    return body


def tar_of_one(body: bytes) -> bytes:
    """Return a tar archive of one member."""
    return packing.tarred([("a.ndjson", body)])


def zip_of_one(body: bytes) -> bytes:
    """Return a zip archive of one member."""
    return packing.zipped([("a.ndjson", body)])


def _bomb(name: str, plain: bytes, code: str, entry: str | None = None, group: Group = "bomb") -> BadInput:
    return refused(name, group, Bundle(plain=plain), code, Place(entry=entry))


def bombs(rng: Random) -> Iterator[BadInput]:
    """Yield bundles that unfold to too much, into too many, or too deep."""
    noise = rng.randbytes(600 * 1024)
    over = zeros_gzipped(OVER_RATIO)
    yield _bomb("gzip", over, RATIO)
    yield _bomb("gzip in gzip", packing.gzipped(over), RATIO)
    yield _bomb("gzip with noise in front", zeros_gzipped(OVER_ALL, noise), TOO_LARGE)
    yield _bomb("zstd, announced", zeros_zstandardised(OVER_RATIO, announced=True), RATIO)
    yield _bomb("zstd, silent", zeros_zstandardised(OVER_RATIO, announced=False), RATIO)
    yield _bomb("zstd over all, announced", zeros_zstandardised(OVER_ALL, announced=True), TOO_LARGE)
    yield _bomb("zip", packing.zipped([("a.ndjson", bytes(OVER_RATIO))]), RATIO)
    yield _bomb("zip over all", packing.zipped([("a.ndjson", bytes(OVER_ALL))]), TOO_LARGE)
    yield _bomb("tar in gzip", packing.gzipped(tar_of_one(bytes(OVER_RATIO))), RATIO)
    yield _bomb("gzip in tar", tar_of_one(over), RATIO, "1")
    yield _bomb("gzip in zip in tar", packing.tarred([("a.json", b"{}"), ("b.zip", zip_of_one(over))]), RATIO, "2/1")
    names = [(f"{number}.ndjson", b"") for number in range(ENTRIES)]
    yield _bomb("many in a zip", packing.zipped(names), TOO_MANY)
    yield _bomb("many in a tar", packing.gzipped(packing.tarred(names)), TOO_MANY)
    yield _bomb("many members of gzip", packing.gzipped(b"") * ENTRIES, TOO_MANY)
    yield _bomb("many frames of zstd", packing.zstandardised(b"") * ENTRIES, TOO_MANY)
    yield _bomb("a directory larger than its zip", packing.zipped([(str(n) * 60_000, b"") for n in range(3)]), TOO_MANY)
    yield _bomb("five times gzip", wrapped(5, packing.gzipped), TOO_DEEP)
    yield _bomb("five times zstd", wrapped(5, packing.zstandardised), TOO_DEEP)
    yield _bomb("gzip and zstd in turn", wrapped(6, packing.gzipped, packing.zstandardised), TOO_DEEP)
    yield _bomb("five times tar", wrapped(5, tar_of_one), TOO_DEEP, "1/1/1/1")
    yield _bomb("five times zip", wrapped(5, zip_of_one), TOO_DEEP, "1/1/1/1")
    yield _bomb("tar and zip in turn", wrapped(5, tar_of_one, zip_of_one), TOO_DEEP, "1/1/1/1")
    yield _bomb("gzip in tar, too deep", tar_of_one(wrapped(4, packing.gzipped)), TOO_DEEP, "1")
    yield _bomb("endless tar", endless_tar(), "container.broken")


def _tar_with(kind: bytes) -> bytes:
    """Return a tar with one good member and one that is a link, a device or the like."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        body = good.lines("beside-a-link")
        info = tarfile.TarInfo("a.ndjson")
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
        odd = tarfile.TarInfo("b.ndjson")
        odd.type, odd.linkname = kind, "/etc/passwd"
        archive.addfile(odd)
    return out.getvalue()


def _zip_with(method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("a.ndjson"), good.lines("packed-otherwise"), method)
    return out.getvalue()


def _locked_zip() -> bytes:
    """Return a zip whose member says that it is encrypted by zip's own cipher."""
    body = bytearray(zip_of_one(good.lines("locked")))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + flags] |= 1
    return bytes(body)


def _zip64() -> bytes:
    """Return a zip with the locator of the form for files over 4 GB in front of its end."""
    body = zip_of_one(good.lines("large-form"))
    end = body.rindex(b"PK\x05\x06")
    return body[:end] + b"PK\x06\x07" + struct.pack("<LQL", 0, end, 1) + body[end:]


def unusable() -> Iterator[BadInput]:
    """Yield containers with features that are not taken."""
    kinds = {
        "symbolic link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "character device": tarfile.CHRTYPE,
        "block device": tarfile.BLKTYPE, "pipe": tarfile.FIFOTYPE,
    }  # fmt: skip
    code, group = "container.unsupported", "unusable container"
    for name, kind in kinds.items():
        yield refused(f"tar with a {name}", "unusable container", Bundle(plain=_tar_with(kind)), code)
    yield refused("zip with bzip2", "unusable container", Bundle(plain=_zip_with(zipfile.ZIP_BZIP2)), code)
    yield refused("zip with LZMA", "unusable container", Bundle(plain=_zip_with(zipfile.ZIP_LZMA)), code)
    yield refused("zip with zip's encryption", "unusable container", Bundle(plain=_locked_zip()), code)
    yield refused("zip for large files", "unusable container", Bundle(plain=_zip64()), code)
    del group


def oversize(rng: Random) -> Iterator[BadInput]:
    """Yield objects over the cap, by what is stored or by what the ticket says, and a bundle of too many faults."""
    for extra in (1, 1000, MIB):
        body = rng.randbytes(MIB - 16 + extra)
        yield refused(f"{extra} bytes over", "oversize", Bundle(plain=body), "object.too-large")
    for size in (MIB + 1, 2**40, 2**45):
        bundle = Bundle(plain=good.lines("said-to-be-huge"), tickets=(changed(size=size),))
        yield refused(f"said to be {size} bytes", "oversize", bundle, "object.too-large")
    for count in (21, 150):
        yield refused(f"{count} bad lines", "oversize", Bundle(plain=b"no\n" * count), "bundle.too-many-faults")
