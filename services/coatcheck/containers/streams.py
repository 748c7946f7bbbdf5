"""Compressed streams: gzip (RFC 1952) and Zstandard (RFC 8878), a little at a time, each step counted before it is kept."""

import zlib
from collections.abc import Iterator
from typing import Final

import zstandard

from services.coatcheck.containers.flows import STEP, Feed
from services.coatcheck.containers.limits import Budget, broken

GZIP_OUT: Final = 256 * 1024
ZSTD_IN: Final = 512
"""A compressed block of a few bytes may give 128 KiB, so a step of this size gives 16 MiB at most."""
WINDOW_LIMIT: Final = 64 * 1024 * 1024
GZIP_WRAPPER: Final = 31
"""zlib's word for: 32 KiB window, gzip header and checksum required."""
ZSTD_HEADER: Final = 18
SKIPPABLE: Final = 0x184D2A50


def gunzip(pieces: Iterator[bytes | memoryview], budget: Budget) -> Iterator[bytes]:
    """Yield the content of all members; raise `Refused` ``container.broken`` or a cap's error."""
    feed = Feed(pieces)
    first = True
    while piece := feed.take(STEP):
        # Tapes and block devices pad with zeros.
        rest = piece if first else piece.lstrip(b"\0")
        first = False
        if rest:
            feed.back(rest)
            budget.enter()
            yield from _gzip_member(feed, budget)


def _gzip_member(feed: Feed, budget: Budget) -> Iterator[bytes]:
    """Yield one member's content; leave the feed where the next one begins."""
    inflate = zlib.decompressobj(GZIP_WRAPPER)
    try:
        while not inflate.eof:
            piece = inflate.unconsumed_tail or feed.take(STEP)
            given = inflate.decompress(piece, GZIP_OUT)
            if not piece and not given:
                raise broken("gzip")
            budget.spend(len(given))
            yield given
    except zlib.error:
        raise broken("gzip") from None
    feed.back(inflate.unused_data)


def unzstd(pieces: Iterator[bytes | memoryview], budget: Budget) -> Iterator[bytes]:
    """Yield the content of all frames; raise `Refused` ``container.broken`` or a cap's error."""
    feed = Feed(pieces)
    try:
        while head := feed.peek(ZSTD_HEADER):
            budget.enter()
            if int.from_bytes(head[:4], "little") & 0xFFFFFFF0 == SKIPPABLE:
                _skip_frame(feed)
            else:
                yield from _zstd_frame(feed, head, budget)
    except zstandard.ZstdError:
        raise broken("zstd") from None


def _zstd_frame(feed: Feed, head: bytes, budget: Budget) -> Iterator[bytes]:
    """Yield one frame's content; leave the feed where the next one begins."""
    announced = zstandard.frame_content_size(head)
    if announced > 0:
        budget.foresee(announced)
    inflate = zstandard.ZstdDecompressor(max_window_size=WINDOW_LIMIT).decompressobj()
    while not inflate.eof:
        piece = feed.take(ZSTD_IN)
        if not piece:
            raise broken("zstd")
        given = inflate.decompress(piece)
        budget.spend(len(given))
        yield given
    feed.back(inflate.unused_data)


def _skip_frame(feed: Feed) -> None:
    head = feed.read(8)
    size = int.from_bytes(head[4:], "little")
    if len(head) < 8 or sum(len(piece) for piece in feed.part(size)) < size:  # noqa: PLR2004 - magic number and length
        raise broken("zstd")
