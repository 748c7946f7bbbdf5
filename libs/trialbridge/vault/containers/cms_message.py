"""The structure of CMS enveloped messages (RFC 5652, 5083, 5084): whom they are for, and where their ciphertext lies."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trialbridge.vault.containers import der
from trialbridge.vault.containers.der import Value
from trialbridge.vault.containers.model import refused

ENVELOPED: Final = bytes.fromhex("06092a864886f70d010703")
AUTH_ENVELOPED: Final = bytes.fromhex("060b2a864886f70d0109100117")
DATA: Final = bytes.fromhex("06092a864886f70d010701")
AES_256_GCM: Final = bytes.fromhex("060960864801650304012e")
AES_256_CBC: Final = bytes.fromhex("060960864801650304012a")
OAEP: Final = bytes.fromhex("06092a864886f70d010107")
OAEP_SHA1: Final = (b"0\x00", b"")
OAEP_SHA256: Final = bytes.fromhex(
    "302fa00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500"
)
OAEP_SHA256_SHORT: Final = bytes.fromhex(
    "302ba00d300b0609608648016503040201a11a301806092a864886f70d010108300b0609608648016503040201"
)
VERSION_0: Final = b"\x02\x01\x00"
VERSION_2: Final = b"\x02\x01\x02"
RECIPIENT_LIMIT: Final = 64
IMPLICIT_0: Final = 0x80
ORIGINATOR: Final = 0xA0
GCM_NONCE: Final = 12
TAG_BYTES: Final = 16
TAG_LENGTH: Final = der.written(der.INTEGER, bytes([TAG_BYTES]))
CBC_NONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Recipient:
    """A key transport: which key it is for, how the content key is encrypted, and to what."""

    rid: bytes
    """DER of issuer and serial number, or of the subject key identifier with tag [0]."""
    sha256: bool
    """OAEP with SHA-256; else with SHA-1."""
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """An enveloped message."""

    recipients: tuple[Recipient, ...]
    gcm: bool
    """Authenticated (AES-256-GCM); else AES-256-CBC, which is not."""
    nonce: bytes
    content: Value
    attributes: bytes
    """What GCM authenticates beside the content: the DER of the attributes as a SET; else empty."""
    mac: bytes


def is_enveloped(body: bytes) -> bool:
    """Return whether it begins as DER or BER of an enveloped message does."""
    head = body[:24]
    return head[:1] == b"\x30" and (ENVELOPED in head or AUTH_ENVELOPED in head)


def read(body: bytes) -> Message:
    """Return the message; raise `Refused` ``envelope.broken`` or ``envelope.unsupported``."""
    view = memoryview(body)
    outer = der.value_at(view, 0, len(view))
    if outer.tag != der.SEQUENCE or outer.after != len(body):
        raise der.broken()
    kind, explicit = _exactly(outer, 2)
    gcm = kind.whole == AUTH_ENVELOPED
    if explicit.tag != ORIGINATOR or not (gcm or kind.whole == ENVELOPED):
        raise der.broken()
    (enveloped,) = _exactly(explicit, 1)
    parts = list(_limited(enveloped, 8))
    if (
        enveloped.tag != der.SEQUENCE
        or not parts
        or parts[0].whole not in ((VERSION_0,) if gcm else (VERSION_0, VERSION_2))
    ):
        raise der.broken()
    rest = parts[1:]
    if rest and rest[0].tag == ORIGINATOR:
        raise refused("unsupported", "Originator information is not taken.")
    if len(rest) < 2 or rest[0].tag != der.SET or rest[1].tag != der.SEQUENCE:  # noqa: PLR2004 - recipients and content
        raise der.broken()
    nonce, content = _content(rest[1], gcm=gcm)
    attributes, mac = _tail(rest[2:], gcm=gcm)
    return Message(tuple(_recipients(rest[0])), gcm, nonce, content, attributes, mac)


def _recipients(values: Value) -> Iterator[Recipient]:
    for one in _limited(values, RECIPIENT_LIMIT):
        if one.tag != der.SEQUENCE:
            continue  # key agreement, passphrases and others: not for us
        version, rid, algorithm, wrapped = _exactly(one, 4)
        if (
            version.whole != (VERSION_0 if rid.tag == der.SEQUENCE else VERSION_2)
            or algorithm.tag != der.SEQUENCE
            or wrapped.tag != der.OCTETS
        ):
            raise der.broken()
        name, *parameters = _limited(algorithm, 2)
        if name.whole != OAEP:
            yield Recipient(rid.whole, sha256=False, wrapped=b"")
            continue
        told = parameters[0].whole if parameters else b""
        if told not in {*OAEP_SHA1, OAEP_SHA256, OAEP_SHA256_SHORT}:
            raise refused("unsupported", "RSA-OAEP is taken with SHA-256 (for both hashes), or with its defaults.")
        yield Recipient(rid.whole, told not in OAEP_SHA1, bytes(wrapped.inner))


def _content(value: Value, *, gcm: bool) -> tuple[bytes, Value]:
    """Return nonce and ciphertext; refuse other ciphers."""
    kind, algorithm, content = _exactly(value, 3)
    if kind.whole != DATA or algorithm.tag != der.SEQUENCE or content.tag & ~der.CONSTRUCTED != IMPLICIT_0:
        raise der.broken()
    name, parameters = _exactly(algorithm, 2)
    if name.whole != (AES_256_GCM if gcm else AES_256_CBC):
        raise refused("unsupported", "The content must be encrypted with AES-256-GCM (or AES-256-CBC).")
    if not gcm:
        if parameters.tag != der.OCTETS or len(parameters.inner) != CBC_NONCE:
            raise der.broken()
        return bytes(parameters.inner), content
    if parameters.tag != der.SEQUENCE:
        raise der.broken()
    nonce, *length = _limited(parameters, 2)
    # Absent, the length of the tag is 12 bytes; shorter tags than 16 are easier to forge.
    if [one.whole for one in length] != [TAG_LENGTH] or nonce.tag != der.OCTETS:
        raise refused("unsupported", "The tag of AES-256-GCM must have 16 bytes.")
    if len(nonce.inner) != GCM_NONCE:
        raise refused("unsupported", "The nonce of AES-256-GCM must have 12 bytes.")
    return bytes(nonce.inner), content


def _tail(values: list[Value], *, gcm: bool) -> tuple[bytes, bytes]:
    """Return what stands behind the content: authenticated attributes and the code; nothing else is taken."""
    attributes = b""
    if gcm and values and values[0].tag == 0xA1:  # noqa: PLR2004 - [1], authenticated attributes
        attributes = bytes([der.SET]) + values.pop(0).whole[1:]
    if not gcm and not values:
        return b"", b""
    if not gcm or len(values) != 1 or values[0].tag != der.OCTETS:
        raise refused("unsupported", "Attributes that are not authenticated are not taken.")
    return attributes, bytes(values[0].inner)


def _limited(value: Value, most: int) -> Iterator[Value]:
    if not value.tag & der.CONSTRUCTED:
        raise der.broken()
    for number, one in enumerate(value.values()):
        if number >= most:
            raise refused("unsupported", "The message has more parts or recipients than are taken.")
        yield one


def _exactly(value: Value, count: int) -> list[Value]:
    found = list(_limited(value, count))
    if len(found) != count:
        raise der.broken()
    return found
