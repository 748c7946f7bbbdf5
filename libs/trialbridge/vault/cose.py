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


class Recipient(msgspec.Struct, frozen=True):
    """How a data key travels: whose it is, which wrapping key wraps it, and the wrapped bytes."""

    network: str
    key_id: str
    wrapped: bytes


class Sealed(msgspec.Struct, frozen=True):
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
    return cbor2.dumps(["Encrypt", protected, context.encode()])


def write(sealed: Sealed) -> bytes:
    """Return the COSE_Encrypt bytes."""
    to = sealed.recipient
    recipient = [b"", {ALGORITHM: KEY_SERVICE, KEY_ID: to.key_id.encode()}, to.wrapped]
    return cbor2.dumps([sealed.protected, {IV: sealed.nonce}, sealed.ciphertext, [recipient]])


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
