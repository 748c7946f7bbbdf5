"""Wrapping of data keys by wrapping keys: AES-256-GCM with the context as additional data, so that a key opens only where it belongs.

A wrapped key says in clear by which wrapping key, as the ciphertext blob of a key management service does:
format (1 byte, 1), length of the name (1 byte), the name, nonce (12 bytes), ciphertext and tag. The name is authenticated too.
"""

import os
from collections.abc import Mapping
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trialbridge.contracts.errors import Refused

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
FORMAT: Final = 1
HEAD_BYTES: Final = 2
NAME_LIMIT: Final = 255
"""Bytes of the longest name of a wrapping key."""


def new_key() -> bytes:
    """Return 256 fresh random bits."""
    return os.urandom(KEY_BYTES)


def context_bytes(context: Mapping[str, str]) -> bytes:
    """Return the context as canonical bytes: the same pairs in any order give the same bytes."""
    return msgspec.json.encode(dict(context), order="deterministic")


def wrap(key_id: str, wrapping_key: bytes, data_key: bytes, context: Mapping[str, str]) -> bytes:
    """Return a data key wrapped by the key that ``key_id`` names, bound to ``context``."""
    head, nonce = _head(key_id), os.urandom(NONCE_BYTES)
    return head + nonce + AESGCM(wrapping_key).encrypt(nonce, data_key, head + context_bytes(context))


def wrapped_by(wrapped: bytes) -> str:
    """Return the name of the wrapping key; raise `Refused` ``key.refused`` where the bytes do not say."""
    end = HEAD_BYTES + (wrapped[1] if len(wrapped) > 1 else 0)
    try:
        name = wrapped[HEAD_BYTES:end].decode()
    except UnicodeDecodeError:
        raise _refused() from None
    if not name or wrapped[:end] != _head(name):
        raise _refused()
    return name


def unwrap(wrapping_key: bytes, wrapped: bytes, context: Mapping[str, str]) -> bytes:
    """Return the data key; raise `Refused` ``key.refused`` for a wrong key, context or byte."""
    head = _head(wrapped_by(wrapped))
    nonce, sealed = wrapped[len(head) :][:NONCE_BYTES], wrapped[len(head) + NONCE_BYTES :]
    try:
        data_key = AESGCM(wrapping_key).decrypt(nonce, sealed, head + context_bytes(context))
    except (InvalidTag, ValueError):
        raise _refused() from None
    if len(data_key) != KEY_BYTES:
        raise _refused()
    return data_key


def _head(key_id: str) -> bytes:
    name = key_id.encode()
    if len(name) > NAME_LIMIT:
        raise ValueError("the name of a wrapping key is too long")
    return bytes((FORMAT, len(name))) + name


def _refused() -> Refused:
    return Refused("key.refused", "The wrapped data key does not open: wrong key, wrong context or changed bytes.")
