"""The outer packets of an OpenPGP message (RFC 9580): whom it is encrypted to, and that it is encrypted and nothing else."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trialbridge.vault.containers.model import refused

ARMOUR: Final = b"-----BEGIN PGP MESSAGE-----"
ARMOUR_END: Final = b"-----END PGP MESSAGE-----"
PUBLIC_KEY_SESSION: Final = 1
PASSPHRASE_SESSION: Final = 3
UNPROTECTED: Final = 9
PROTECTED: Final = 18
MARKER: Final = 10
HEAD_LIMIT: Final = 64 * 1024
"""Bytes before the encrypted packet: room for some dozens of recipients."""
BY_KEY_ID: Final = b"\x03"
BY_FINGERPRINT: Final = b"\x06"
KEY_VERSION_6: Final = 6
ANYONE: Final = bytes(8)
KEY_ID: Final = slice(1, 9)
PARTIAL: Final = range(224, 255)
FIVE_OCTETS: Final = 255


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet's tag, and where its (first) body lies."""

    tag: int
    start: int
    length: int
    partial: bool
    """More pieces follow after this one."""


def is_message(body: bytes) -> bool:
    """Return whether it begins as an OpenPGP message does: armoured, or with a packet that such messages begin with."""
    if body.startswith(ARMOUR):
        return True
    first = body[0] if body else 0
    tag = first & 0x3F if first & 0x40 else first >> 2 & 0x0F
    return bool(first & 0x80) and tag in {PUBLIC_KEY_SESSION, PASSPHRASE_SESSION, UNPROTECTED, PROTECTED, MARKER}


def unarmoured(body: bytes) -> bytes:
    """Return the binary message; raise `Refused` ``envelope.broken`` where the armour is damaged."""
    if not body.startswith(ARMOUR):
        return body
    text = body.replace(b"\r\n", b"\n")
    _, gap, rest = text.partition(b"\n\n")
    content, end, tail = rest.partition(ARMOUR_END)
    if not gap or not end or tail.strip():
        raise refused("broken", "The OpenPGP armour is damaged.")
    lines = content.strip().split(b"\n")
    if lines[-1].startswith(b"="):
        lines.pop()
    try:
        return base64.b64decode(b"".join(lines), validate=True)
    except (binascii.Error, ValueError):
        raise refused("broken", "The OpenPGP armour is damaged.") from None


def recipients(body: bytes) -> set[str]:
    """Return the key ids (hex, lower case) that a message is encrypted to.

    Raises:
        Refused: ``envelope.unsupported`` (a passphrase, no integrity protection, anything but one encrypted packet),
            ``envelope.broken``.
    """
    found: set[str] = set()
    for packet in _packets(body):
        if packet.tag == PROTECTED:
            if body[packet.start : packet.start + 1] not in (b"\x01", b"\x02"):
                raise refused("unsupported", "The message's integrity is protected in a way that is not taken.")
            if not found:
                raise refused("broken", "The message says of no key that it is encrypted to it.")
            return found
        if packet.tag == PASSPHRASE_SESSION:
            raise refused("unsupported", "A passphrase is not taken; encrypt to the tenant's OpenPGP key.")
        if packet.tag != PUBLIC_KEY_SESSION:
            raise refused("unsupported", "Only an encrypted and integrity-protected message is taken.")
        session = body[packet.start : packet.start + packet.length]
        if packet.partial:
            raise refused("broken", "The message's session key comes in pieces.")
        found.add(_key_id(session))
    raise refused("broken", "The message has no encrypted content.")


def _key_id(session: bytes) -> str:
    """Return whom a session key is for; raise `Refused` ``envelope.unsupported`` where it does not say, or not as we read it."""
    version, told = session[:1], session[KEY_ID]
    if version == BY_FINGERPRINT and len(session) > 2 + session[1] and session[1]:
        fingerprint = session[3 : 2 + session[1]]
        told = fingerprint[:8] if session[2] == KEY_VERSION_6 else fingerprint[-8:]
    elif version != BY_KEY_ID:
        raise refused("unsupported", "The message's session key is written in a version that is not taken.")
    if len(told) != len(ANYONE) or told == ANYONE:
        raise refused("unsupported", "The message does not say whom it is for; encrypt without hidden recipients.")
    return told.hex()


def _packets(body: bytes) -> Iterator[Packet]:
    at = 0
    while at < min(len(body), HEAD_LIMIT):
        packet = _packet(body, at)
        yield packet
        at = packet.start + packet.length
    raise refused("broken", "The message has no encrypted content.")


def _packet(body: bytes, at: int) -> Packet:
    """Return the packet at a place; raise `Refused` ``envelope.broken``."""
    first = body[at]
    if not first & 0x80:
        raise refused("broken", "The message is not made of OpenPGP packets.")
    head = body[at + 1 : at + 6]
    if not first & 0x40:
        size = (1, 2, 4, 0)[first & 3]
        length = int.from_bytes(head[:size]) if size else len(body) - at - 1
        return _within(body, Packet(first >> 2 & 0x0F, at + 1 + size, length, partial=False))
    octet = head[0] if head else 0
    tag = first & 0x3F
    if octet in PARTIAL:
        return _within(body, Packet(tag, at + 2, 1 << (octet & 0x1F), partial=True))
    if octet == FIVE_OCTETS:
        return _within(body, Packet(tag, at + 6, int.from_bytes(head[1:]), partial=False))
    if octet >= 192:  # noqa: PLR2004 - two-octet lengths begin here
        return _within(
            body, Packet(tag, at + 3, (octet - 192 << 8) + head[1] + 192 if len(head) > 1 else 0, partial=False)
        )
    return _within(body, Packet(tag, at + 2, octet, partial=False))


def _within(body: bytes, packet: Packet) -> Packet:
    if packet.start + packet.length > len(body):
        raise refused("broken", "The message ends inside of a packet.")
    return packet
