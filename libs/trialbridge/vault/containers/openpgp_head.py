"""The head of an OpenPGP message (RFC 9580): whom it is encrypted to, and that it is encrypted and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trialbridge.contracts.errors import Refused
from trialbridge.vault.containers.model import refused
from trialbridge.vault.containers.openpgp_packets import ARMOUR, Bytes, Packet, Source, packets

PUBLIC_KEY_SESSION: Final = 1
PASSPHRASE_SESSION: Final = 3
UNPROTECTED: Final = 9
MARKER: Final = 10
PROTECTED: Final = 18
BEGINNINGS: Final = {
    PUBLIC_KEY_SESSION: {bytes([version]) for version in range(2, 7)},
    PASSPHRASE_SESSION: {b"\x04", b"\x05", b"\x06"},
    UNPROTECTED: {bytes([any_byte]) for any_byte in range(256)},
    MARKER: {b"P"},
    PROTECTED: {b"\x01", b"\x02"},
}
"""Packets that a message may begin with, and what their bodies may begin with: most with a version."""
LONGEST_HEADER: Final = 6
"""Bytes of a packet before its body."""
HEAD_LIMIT: Final = 64 * 1024
"""Bytes before the encrypted packet: room for some dozens of recipients."""
BY_KEY_ID: Final = 3
BY_FINGERPRINT: Final = 6
FITTING: Final = {1: BY_KEY_ID, 2: BY_FINGERPRINT}
"""By the version of the encrypted packet: the version of the session keys that may stand before it."""
ID_BYTES: Final = 8
ANONYMOUS: Final = 0
FINGERPRINTS: Final = {b"\x15\x04": 20, b"\x21\x06": 32}
"""Bytes of a fingerprint, by how many bytes are told with the key's version, and that version."""


@dataclass(frozen=True, slots=True)
class SessionKey:
    """A session key, encrypted for someone."""

    recipient: bytes
    """The key's id; in version 6 its whole fingerprint."""
    version: int
    algorithm: int
    content: bytes
    """What follows after the algorithm."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the ciphertext, and where the ciphertext begins."""

    sessions: tuple[SessionKey, ...]
    version: int
    """1: CFB with a modification detection code; 2: an authenticating cipher."""
    sealed: Iterator[Bytes]
    """The encrypted packet's body behind its version, to the end of the message."""


def is_message(body: bytes) -> bool:
    """Return whether it begins as an OpenPGP message does: armoured, or with a packet that such messages begin with.

    One byte in ten could begin such a packet, so its length and its version must be possible too: what lacks another container's
    headers is to be told so, and not to be taken for a message.
    """
    if body.startswith(ARMOUR):
        return True
    try:
        packet = next(packets(Source(iter((memoryview(body),)))), None)
        start = next(packet.body, b"") if packet else b""
    except Refused:
        return False
    if packet is None or packet.tag not in BEGINNINGS or start[:1] not in BEGINNINGS[packet.tag]:
        return False
    if packet.tag == UNPROTECTED:
        return packet.length is None or 0 < len(body) - packet.length <= LONGEST_HEADER
    return packet.tag == PROTECTED or 0 < (packet.length or 0) < len(body)


def read_head(message: Iterator[Bytes]) -> Head:
    """Return a message's head.

    Raises:
        Refused: ``envelope.unsupported`` (a passphrase, no integrity protection, anything but one encrypted packet),
            ``envelope.broken``; the latter also out of the ciphertext, where the message is cut or goes on behind it.
    """
    sessions: list[SessionKey] = []
    size = 0
    source = Source(message)
    found = packets(source)
    for packet in found:
        if packet.tag == PROTECTED:
            return _sealed(packet, source, sessions)
        if packet.tag == PASSPHRASE_SESSION:
            raise refused("unsupported", "A passphrase is not taken; encrypt to the tenant's OpenPGP key.")
        if packet.tag != PUBLIC_KEY_SESSION:
            raise refused("unsupported", "Only an encrypted and integrity-protected message is taken.")
        size += packet.length if packet.length is not None else HEAD_LIMIT
        if size >= HEAD_LIMIT:
            raise refused("broken", "The message's session keys are too long, too many, or come in pieces.")
        sessions.append(_session(b"".join(packet.body)))
    raise _nothing()


def _sealed(packet: Packet, source: Source, sessions: list[SessionKey]) -> Head:
    body = Source(packet.body)
    version = body.exactly(1)[0]
    if version not in FITTING:
        raise refused("unsupported", "The message's integrity is protected in a way that is not taken.")
    if not any(one.version == FITTING[version] for one in sessions):
        raise refused("broken", "The message says of no key that it is encrypted to it.")

    def sealed() -> Iterator[Bytes]:
        yield from body.rest()
        if source.take(1):
            raise refused("broken", "The message goes on behind its encrypted content.")

    return Head(tuple(sessions), version, sealed())


def _session(body: bytes) -> SessionKey:
    """Return a session key; raise `Refused` ``envelope.unsupported`` where it does not say for whom, or not as we read it."""
    version, at = body[0] if body else 0, 1
    if version == BY_FINGERPRINT:
        told, at = body[1:3], 3
        size = FINGERPRINTS.get(told, ANONYMOUS)
    elif version == BY_KEY_ID:
        size = ID_BYTES
    else:
        raise refused("unsupported", "The message's session key is written in a version that is not taken.")
    recipient, at = body[at : at + size], at + size
    if not any(recipient):
        raise refused("unsupported", "The message does not say whom it is for; encrypt without hidden recipients.")
    if len(body) <= at:
        raise refused("broken", "The message's session key is cut short.")
    return SessionKey(recipient, version, body[at], body[at + 1 :])


def _nothing() -> Refused:
    return refused("broken", "The message has no encrypted content.")
