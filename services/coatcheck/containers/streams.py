"""Compressed streams: gzip (RFC 1952) and Zstandard (RFC 8878), a little at a time, each step counted before it is kept."""

import zlib
from typing import Final

import zstandard

from services.coatcheck.containers.limits import Budget, broken

GZIP_IN: Final = 64 * 1024
GZIP_OUT: Final = 256 * 1024
ZSTD_IN: Final = 512
"""A compressed block of a few bytes may give 128 KiB, so a step of this size gives 16 MiB at most."""
WINDOW_LIMIT: Final = 64 * 1024 * 1024
GZIP_WRAPPER: Final = 31
"""zlib's word for: 32 KiB window, gzip header and checksum required."""


def gunzip(body: memoryview, budget: Budget) -> bytes:
    """Return the content of all members; raise `Refused` ``container.broken`` or a cap's error."""
    out = bytearray()
    start = 0
    while start < len(body) and any(body[start : start + GZIP_IN]):
        budget.enter()
        start = _gzip_member(body, start, out, budget)
    return bytes(out)


def _gzip_member(body: memoryview, start: int, out: bytearray, budget: Budget) -> int:
    """Append one member's content to ``out``; return where the next one begins."""
    inflate = zlib.decompressobj(GZIP_WRAPPER)
    try:
        while not inflate.eof:
            piece: bytes | memoryview = inflate.unconsumed_tail
            if not piece:
                piece = body[start : start + GZIP_IN]
                start += len(piece)
            given = inflate.decompress(piece, GZIP_OUT)
            if not piece and not given:
                raise broken("gzip")
            budget.spend(len(given))
            out += given
    except zlib.error:
        raise broken("gzip") from None
    return start - len(inflate.unused_data)


def unzstd(body: memoryview, budget: Budget) -> bytes:
    """Return the content of all frames; raise `Refused` ``container.broken`` or a cap's error."""
    out = bytearray()
    start = 0
    try:
        while start < len(body):
            budget.enter()
            start = _zstd_frame(body, start, out, budget)
    except zstandard.ZstdError:
        raise broken("zstd") from None
    return bytes(out)


def _zstd_frame(body: memoryview, start: int, out: bytearray, budget: Budget) -> int:
    """Append one frame's content to ``out``; return where the next one begins."""
    if int.from_bytes(body[start : start + 4], "little") & 0xFFFFFFF0 == 0x184D2A50:  # noqa: PLR2004 - a skippable frame's magic number
        return _skip_frame(body, start)
    announced = zstandard.frame_content_size(bytes(body[start : start + 18]))
    if announced > 0:
        budget.foresee(announced)
    inflate = zstandard.ZstdDecompressor(max_window_size=WINDOW_LIMIT).decompressobj()
    while not inflate.eof:
        piece = body[start : start + ZSTD_IN]
        if not piece:
            raise broken("zstd")
        start += len(piece)
        given = inflate.decompress(piece)
        budget.spend(len(given))
        out += given
    return start - len(inflate.unused_data)


def _skip_frame(body: memoryview, start: int) -> int:
    end = start + 8 + int.from_bytes(body[start + 4 : start + 8], "little")
    if len(body) < start + 8 or end > len(body):
        raise broken("zstd")
    return end
