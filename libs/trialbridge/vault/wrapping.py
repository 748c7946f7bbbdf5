"""Wrapping of data keys by wrapping keys: AES-256-GCM with the context as additional data, so that a key opens only where it belongs."""

import os
from collections.abc import Mapping
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trialbridge.contracts.errors import Refused

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


def new_key() -> bytes:
    """Return 256 fresh random bits."""
    return os.urandom(KEY_BYTES)


def context_bytes(context: Mapping[str, str]) -> bytes:
    """Return the context as canonical bytes: the same pairs in any order give the same bytes."""
    return msgspec.json.encode(dict(context), order="deterministic")


def wrap(wrapping_key: bytes, data_key: bytes, context: Mapping[str, str]) -> bytes:
    """Return nonce and ciphertext of a data key, bound to ``context``."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(wrapping_key).encrypt(nonce, data_key, context_bytes(context))


def unwrap(wrapping_key: bytes, wrapped: bytes, context: Mapping[str, str]) -> bytes:
    """Return the data key; raise `Refused` ``key.refused`` for a wrong key, context or byte."""
    try:
        data_key = AESGCM(wrapping_key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context_bytes(context))
    except (InvalidTag, ValueError):
        data_key = b""
    if len(data_key) != KEY_BYTES:
        raise Refused("key.refused", "The wrapped data key does not open: wrong key, wrong context or changed bytes.")
    return data_key
