"""The bytes of a sealed value: COSE_Encrypt (RFC 9052), A256GCM, one recipient that carries the wrapped data key.

Exactly one encoding is taken, the deterministic one that `write` makes: any other bytes are refused, so nothing about a
sealed value can be changed unseen.
"""

from functools import lru_cache
from typing import Final

import cbor2
import msgspec

from trialbridge.contracts.errors import Undecodable

ALGORITHM: Final = 1
KEY_ID: Final = 4
IV: Final = 5
NETWORK: Final = -65537
"""Header label of the key's scope; labels below -65536 are for private use."""
A256GCM: Final = 3
KEY_SERVICE: Final = -65537
"""Algorithm of the recipient: a key service wrapped the data key, with the network as its context (private use)."""
NONCE_BYTES: Final = 12
SMALL: Final = 4096
"""Bytes of a recipient's parts up to which its encoding is kept."""
ARRAY_OF_3, ARRAY_OF_4, MAP_OF_1, BYTES = b"\x83", b"\x84", b"\xa1", 0x40
"""Heads of CBOR items (RFC 8949, 3.1)."""


class Recipient(msgspec.Struct, frozen=True, gc=False):
    """How a data key travels: whose it is, which wrapping key wraps it, and the wrapped bytes."""

    network: str
    key_id: str
    wrapped: bytes


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """A parsed value."""

    protected: bytes
    nonce: bytes
    ciphertext: bytes
    recipient: Recipient


@lru_cache(maxsize=1024)
def protected_header(network: str) -> bytes:
    """Return the protected header's bytes."""
    return cbor2.dumps({ALGORITHM: A256GCM, NETWORK: network})


def additional_data(protected: bytes, context: str) -> bytes:
    """Return the Enc_structure of RFC 9052, section 5.3, with ``context`` as the external data."""
    external = context.encode()
    return _structure(protected) + _byte_string(len(external)) + external


@lru_cache(maxsize=1024)
def _structure(protected: bytes) -> bytes:
    """Return the Enc_structure's bytes as far as they are the same for every context: an array of three, all but the last."""
    return ARRAY_OF_3 + cbor2.dumps("Encrypt") + cbor2.dumps(protected)


def _byte_string(length: int) -> bytes:
    """Return the head of a byte string (RFC 8949, 3.1), in the shortest form (4.2.1)."""
    if length < 24:  # noqa: PLR2004 - so the standard counts
        return bytes((BYTES + length,))
    if length < 1 << 8:
        return bytes((BYTES + 24, length))
    if length < 1 << 16:
        return bytes((BYTES + 25, length >> 8, length & 255))
    return bytes((BYTES + 26,)) + length.to_bytes(4, "big")


@lru_cache(maxsize=1024)
def _head(protected: bytes) -> bytes:
    """Return what stands before the nonce: an array of four, the protected header, a map of one, its label."""
    return ARRAY_OF_4 + cbor2.dumps(protected) + MAP_OF_1 + cbor2.dumps(IV) + _byte_string(NONCE_BYTES)


def _tail(to: Recipient) -> bytes:
    """Return what stands behind the ciphertext: an array of one recipient."""
    # What comes from elsewhere may be of any size, and is not kept then.
    return _small_tail(to) if len(to.wrapped) + len(to.key_id) <= SMALL else _small_tail.__wrapped__(to)


@lru_cache(maxsize=1024)
def _small_tail(to: Recipient) -> bytes:
    return cbor2.dumps([[b"", {ALGORITHM: KEY_SERVICE, KEY_ID: to.key_id.encode()}, to.wrapped]])


def write(sealed: Sealed) -> bytes:
    """Return the COSE_Encrypt bytes; what all values under one data key share of them is made once."""
    body = sealed.ciphertext
    return b"".join((_head(sealed.protected), sealed.nonce, _byte_string(len(body)), body, _tail(sealed.recipient)))


def read(value: bytes) -> Sealed:
    """Return the parts of a sealed value; raise `Undecodable` ``seal.not-cose``."""
    try:
        protected, unprotected, ciphertext, [[_, header, wrapped]] = cbor2.loads(value)
        recipient = Recipient(_network(protected), str(header[KEY_ID], "utf-8"), wrapped)
        sealed = Sealed(protected, unprotected[IV], ciphertext, recipient)
        same = len(sealed.nonce) == NONCE_BYTES and write(sealed) == value
    except (cbor2.CBORError, ValueError, TypeError, LookupError, AttributeError):
        raise _not_cose() from None
    kinds = type(ciphertext) is type(wrapped) is type(protected) is type(sealed.nonce) is bytes
    if not same or not kinds:
        raise _not_cose()
    return sealed


@lru_cache(maxsize=1024)
def _network(protected: bytes) -> str:
    """Return the network that a protected header names; raise `ValueError` where it is not exactly what we write."""
    header = cbor2.loads(protected)
    network = header[NETWORK]
    if not isinstance(network, str) or protected != protected_header(network):
        raise ValueError("not a header of ours")
    return network


def _not_cose() -> Undecodable:
    return Undecodable("seal.not-cose", "A sealed value is not the COSE_Encrypt that it should be.")
