"""Writes OpenPGP messages whose content is whatever a test wants it to be, well-formed or not."""

import hashlib
import os
from functools import cache

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from openpgp.composed import SignedPublicKey
from openpgp.util import encrypt_session_key_to_recipient

from tests.unit.vault.sealed import secret
from trialbridge.vault.recipients import openpgp_key

KEY = bytes(range(32))


@cache
def certificate() -> SignedPublicKey:
    """Return what senders of north encrypt to."""
    return openpgp_key(secret("openpgp", "north")).to_public_key()


def packet(tag: int, body: bytes) -> bytes:
    """Return a packet with a length of five octets."""
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4) + body


def in_parts(tag: int, body: bytes, exponent: int) -> bytes:
    """Return a packet in parts of two to the power of ``exponent`` bytes."""
    size, found = 1 << exponent, bytes([0xC0 | tag])
    while len(body) > size:
        found, body = found + bytes([224 + exponent]) + body[:size], body[size:]
    return found + b"\xff" + len(body).to_bytes(4) + body


def open_ended(tag: int, body: bytes) -> bytes:
    """Return a packet of the old form whose length is not said."""
    return bytes([0x83 | tag << 2]) + body


def literal(plain: bytes, name: bytes = b"a.json", kind: bytes = b"b") -> bytes:
    """Return a literal packet's body."""
    return kind + bytes([len(name)]) + name + bytes(4) + plain


@cache
def session_packet() -> bytes:
    """Return `KEY`, encrypted for north."""
    return encrypt_session_key_to_recipient(KEY, certificate(), version="seipd-v1").to_bytes()


def enciphered(content: bytes, *, code: bytes | None = None) -> bytes:
    """Return the body of an encrypted packet of version 1; ``code`` replaces its modification detection code."""
    start = os.urandom(16)
    plain = start + start[-2:] + content + b"\xd3\x14"
    plain += hashlib.sha1(plain, usedforsecurity=False).digest() if code is None else code
    cipher = Cipher(AES(KEY), CFB(bytes(16))).encryptor()
    return b"\x01" + cipher.update(plain) + cipher.finalize()


def message(content: bytes, *, code: bytes | None = None) -> bytes:
    """Return a message for north."""
    return session_packet() + packet(18, enciphered(content, code=code))
