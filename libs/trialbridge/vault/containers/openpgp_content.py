"""What an OpenPGP message holds once it is decrypted: one literal, compressed or not, signed or not (RFC 9580, section 10.3)."""

import bz2
import zlib
from collections.abc import Iterator
from typing import Final

from trialbridge.contracts.errors import Refused
from trialbridge.vault.containers.model import CHUNK, refused, too_large
from trialbridge.vault.containers.openpgp_packets import Bytes, Packet, Source, packets

SIGNATURE: Final = 2
ONE_PASS: Final = 4
COMPRESSED: Final = 8
MARKER: Final = 10
LITERAL: Final = 11
PADDING: Final = 21
BESIDE: Final = frozenset({SIGNATURE, ONE_PASS, MARKER, PADDING})
"""Packets that may stand beside the content, and are not read: whose a message is, the ticket's digest binds."""
BESIDE_LIMIT: Final = 64
DEPTH: Final = 4
"""Compressions inside one another."""
KINDS: Final = frozenset(b"btu1l")
DATE: Final = 4
PLAIN: Final = 0
BZIP2: Final = 3
WINDOWS: Final = {1: -15, 2: 15}
"""What zlib calls deflate alone and with its header, by compression algorithm."""


class Deflated:
    """Deflate, decompressed as `bz2.BZ2Decompressor` does it: what it has not come to it keeps."""

    def __init__(self, window: int) -> None:
        """Begin at nothing."""
        self._inflate = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        """Whether it has come to the end of its stream."""
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        """Whether nothing is left of what it was given."""
        return not self._inflate.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        """What it was given beyond that end."""
        return self._inflate.unused_data

    def decompress(self, data: Bytes, max_length: int) -> bytes:
        """Return so many bytes at most; ``data`` only where it needs them."""
        return self._inflate.decompress(self._inflate.unconsumed_tail or data, max_length)


def content(plain: Iterator[Bytes], most: int, depth: int = 0) -> Iterator[Bytes]:
    """Yield a literal's bytes.

    Args:
        plain: The decrypted packets.
        most: Bytes that any of the compressions in it may give.
        depth: How many compressions it lies in.

    Raises:
        Refused: ``envelope.broken``, ``envelope.too-large``.
    """
    beside = literals = 0
    for packet in packets(Source(plain)):
        if packet.tag in BESIDE:
            beside += 1
        elif packet.tag == COMPRESSED and depth < DEPTH:
            literals += 1
            yield from () if literals > 1 else content(_inflated(packet, most), most, depth + 1)
        elif packet.tag == LITERAL:
            literals += 1
            yield from () if literals > 1 else _literal(packet)
        else:
            raise broken()
        if beside > BESIDE_LIMIT or literals > 1:
            raise broken()
    if not literals:
        raise broken()


def _literal(packet: Packet) -> Iterator[Bytes]:
    source = Source(packet.body)
    kind, name = source.exactly(2)
    if kind not in KINDS:
        raise broken()
    source.exactly(name + DATE)
    yield from source.rest()


def _inflated(packet: Packet, most: int) -> Iterator[Bytes]:
    """Yield what a compressed packet holds, counted before it is handed on."""
    source = Source(packet.body)
    algorithm = source.exactly(1)[0]
    if algorithm == PLAIN:
        yield from source.rest()
        return
    total = 0
    try:
        for piece in _poured(source, _inflater(algorithm)):
            total += len(piece)
            if total > most:
                raise too_large(most)
            yield piece
    except (zlib.error, OSError, EOFError):
        raise broken() from None
    if source.take(1):
        raise broken()


def _inflater(algorithm: int) -> bz2.BZ2Decompressor | Deflated:
    if algorithm == BZIP2:
        return bz2.BZ2Decompressor()
    if algorithm not in WINDOWS:
        raise refused("unsupported", "The content is compressed in a way that is not taken; zip, zlib and bzip2 are.")
    return Deflated(WINDOWS[algorithm])


def _poured(source: Source, inflate: bz2.BZ2Decompressor | Deflated) -> Iterator[bytes]:
    while not inflate.eof:
        waits = inflate.needs_input
        given = source.take(CHUNK) if waits else b""
        found = inflate.decompress(given, CHUNK)
        if waits and not given and not found:
            raise broken()
        yield found
    if inflate.unused_data:
        raise broken()


def broken() -> Refused:
    """Return the error of a content that is no OpenPGP message: it is what its sender encrypted."""
    return refused("broken", "What is encrypted is not one OpenPGP literal, compressed or not.")
