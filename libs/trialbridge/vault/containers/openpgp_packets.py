"""The framing of OpenPGP packets (RFC 9580, section 4), read a piece at a time: headers of both forms, partial and open lengths."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trialbridge.contracts.errors import Refused
from trialbridge.vault.containers.gcm import sliced
from trialbridge.vault.containers.model import CHUNK, refused

ARMOUR: Final = b"-----BEGIN PGP MESSAGE-----"
ARMOUR_END: Final = b"-----END PGP MESSAGE-----"
ARMOUR_HEAD: Final = 4096
"""Bytes within which the armour's own headers end; so many, its end and spaces, may stand behind the content."""
LEAST_PART: Final = 512
"""Bytes of a partial body but the last: the format asks it of the first one; smaller ones would cost time and hold nothing."""
NEW: Final = 0x40
PACKET: Final = 0x80
TWO_OCTETS: Final = 192
PARTIAL: Final = 224
FIVE_OCTETS: Final = 255
OLD_SIZES: Final = (1, 2, 4)

Bytes = bytes | memoryview


class Source:
    """Takes bytes out of pieces of any size, and holds one piece at a time."""

    def __init__(self, pieces: Iterator[Bytes]) -> None:
        """Begin at the first."""
        self._pieces = pieces
        self._rest = memoryview(b"")

    def take(self, most: int) -> memoryview:
        """Return from one to ``most`` bytes; none at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return memoryview(b"")
            self._rest = memoryview(piece)
        taken, self._rest = self._rest[:most], self._rest[most:]
        return taken

    def read(self, count: int) -> bytes:
        """Return ``count`` bytes, fewer only at the end."""
        first = self.take(count) if count else b""
        if len(first) == count:
            return bytes(first)
        found = bytearray(first)
        while len(found) < count and (piece := self.take(count - len(found))):
            found += piece
        return bytes(found)

    def exactly(self, count: int) -> bytes:
        """Return ``count`` bytes; raise `Refused` ``envelope.broken`` where there are fewer."""
        found = self.read(count)
        if len(found) != count:
            raise cut()
        return found

    def rest(self) -> Iterator[Bytes]:
        """Yield what is left."""
        while piece := self.take(CHUNK):
            yield piece


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet: its body is read before the next one is asked for, and what is not read is passed over."""

    tag: int
    body: Iterator[Bytes]
    length: int | None
    """Of the body, where its header says it."""


def packets(source: Source) -> Iterator[Packet]:
    """Yield packets to the source's end; raise `Refused` ``envelope.broken``, also out of their bodies."""
    while first := source.read(1):
        packet = _packet(source, first[0])
        yield packet
        for _ in packet.body:
            pass


def _packet(source: Source, first: int) -> Packet:
    if not first & PACKET:
        raise refused("broken", "The message is not made of OpenPGP packets.")
    if first & NEW:
        length, partial = _length(source)
        body = _parts(source, length) if partial else _fixed(source, length)
        return Packet(first & 0x3F, body, None if partial else length)
    if first & 3 == len(OLD_SIZES):
        return Packet(first >> 2 & 0x0F, source.rest(), None)
    length = int.from_bytes(source.exactly(OLD_SIZES[first & 3]))
    return Packet(first >> 2 & 0x0F, _fixed(source, length), length)


def _length(source: Source) -> tuple[int, bool]:
    """Return a length of the new form, and whether more parts follow."""
    octet = source.exactly(1)[0]
    if octet < TWO_OCTETS:
        return octet, False
    if octet < PARTIAL:
        return (octet - TWO_OCTETS << 8) + source.exactly(1)[0] + TWO_OCTETS, False
    if octet == FIVE_OCTETS:
        return int.from_bytes(source.exactly(4)), False
    length = 1 << (octet & 0x1F)
    if length < LEAST_PART:
        raise refused("broken", f"A part of a packet has less than {LEAST_PART} bytes.")
    return length, True


def _fixed(source: Source, length: int) -> Iterator[Bytes]:
    while length:
        piece = source.take(min(length, CHUNK))
        if not piece:
            raise cut()
        length -= len(piece)
        yield piece


def _parts(source: Source, length: int) -> Iterator[Bytes]:
    partial = True
    while partial:
        yield from _fixed(source, length)
        length, partial = _length(source)
    yield from _fixed(source, length)


def cut() -> Refused:
    """Return the error of a message that ends too early."""
    return refused("broken", "The message ends inside of a packet.")


def binary(body: bytes) -> Iterator[Bytes]:
    """Yield a message without its armour; raise `Refused` ``envelope.broken`` where that is damaged."""
    return _unarmoured(body) if body.startswith(ARMOUR) else sliced(body)


def _unarmoured(body: bytes) -> Iterator[Bytes]:
    """Yield what the armour holds. Its checksum is not looked at (RFC 9580, section 6.1): the content has a better one."""
    head = body[:ARMOUR_HEAD]
    gap = next((found + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if (found := head.find(mark)) >= 0), 0)
    end = body.rfind(ARMOUR_END, max(0, len(body) - ARMOUR_HEAD))
    if not gap or end < gap or body[end + len(ARMOUR_END) :].strip():
        raise damaged()
    check = body.rfind(b"\n=", max(gap, end - 16), end)
    end = check if check >= 0 else end
    rest, padded = b"", False
    for start in range(gap, end, CHUNK):
        text = rest + body[start : min(start + CHUNK, end)].translate(None, b"\r\n\t ")
        if text and padded:
            raise damaged()
        whole = len(text) & ~3 if start + CHUNK < end else len(text)
        text, rest = text[:whole], text[whole:]
        padded = text.endswith(b"=")
        try:
            yield base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise damaged() from None


def damaged() -> Refused:
    """Return the error of an armour that does not read."""
    return refused("broken", "The OpenPGP armour is damaged.")
