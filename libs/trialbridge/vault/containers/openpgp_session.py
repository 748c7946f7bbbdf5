"""Session keys of OpenPGP messages (RFC 9580, sections 5.1 and 11.5): RSA, ECDH, X25519 and X448, by `cryptography`'s ciphers.

Whatever fails once a key was found becomes a random session key: the content then fails as changed content does, and nobody
learns whether a padding fitted.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, Hash, HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trialbridge.vault.containers.openpgp_head import BY_KEY_ID, SessionKey
from trialbridge.vault.containers.openpgp_secret import Fields, SecretKey, rsa_key

AES_256: Final = 9
KEY_BYTES: Final[Mapping[int, int]] = {7: 16, 8: 24, AES_256: 32}
"""AES by the format's number of the cipher; others are not taken."""
HASHES: Final[Mapping[int, type[HashAlgorithm]]] = {8: SHA256, 9: SHA384, 10: SHA512}
CURVES: Final[Mapping[bytes, type[EllipticCurve]]] = {
    bytes.fromhex("2a8648ce3d030107"): SECP256R1,
    bytes.fromhex("2b81040022"): SECP384R1,
    bytes.fromhex("2b81040023"): SECP521R1,
}
CURVE25519: Final = bytes.fromhex("2b060104019755010501")
POINT: Final = b"\x40"
"""Stands before a point of Curve25519."""
X25519_BYTES: Final = 32


@dataclass(frozen=True, slots=True, repr=False)
class Session:
    """What a content is encrypted with."""

    key: bytes
    cipher: int
    """The format's number of the cipher; 0 where the content itself names it."""


def session_of(sealed: SessionKey, key: SecretKey) -> Session:
    """Return the session key, or a random one where it does not decrypt."""
    try:
        found = READERS[key.algorithm](sealed, key) if sealed.algorithm == key.algorithm else None
    except (ValueError, LookupError, OverflowError, keywrap.InvalidUnwrap):
        found = None
    if found is None or (sealed.version == BY_KEY_ID and len(found.key) != KEY_BYTES.get(found.cipher)):
        return Session(os.urandom(KEY_BYTES[AES_256]), AES_256)
    return found


def _checked(plain: bytes, version: int) -> Session | None:
    """Return the session key out of a cipher's number (in version 3), the key, and the sum of its bytes."""
    cipher, key = (plain[0], plain[1:-2]) if version == BY_KEY_ID else (0, plain[:-2])
    return Session(key, cipher) if sum(key) & 0xFFFF == int.from_bytes(plain[-2:]) else None


def _rsa(sealed: SessionKey, key: SecretKey) -> Session | None:
    private = rsa_key(key)
    number = Fields(sealed.content).integer()
    # OpenSSL answers a padding that does not fit with random bytes, so that it takes as long and tells as little.
    plain = private.decrypt(number.to_bytes(private.key_size // 8), PKCS1v15())
    return _checked(plain, sealed.version)


def _ecdh(sealed: SessionKey, key: SecretKey) -> Session | None:
    public, given = Fields(key.public), Fields(sealed.content)
    curve, _, parameters = public.counted(), public.number(), public.counted()
    point, wrapped = given.number(), given.counted()
    secret = Fields(key.secret).integer()
    if curve == CURVE25519:
        shared = X25519PrivateKey.from_private_bytes(secret.to_bytes(X25519_BYTES, "little")).exchange(
            X25519PublicKey.from_public_bytes(point.removeprefix(POINT))
        )
    elif curve in CURVES:
        kind = CURVES[curve]()
        shared = derive_private_key(secret, kind).exchange(
            ECDH(), EllipticCurvePublicKey.from_encoded_point(kind, point)
        )
    else:
        return None
    _, digest, cipher = parameters
    told = bytes([len(curve)]) + curve + bytes([key.algorithm, len(parameters)]) + parameters
    hasher = Hash(HASHES[digest]())
    hasher.update(b"\0\0\0\1" + shared + told + b"Anonymous Sender    " + key.fingerprint)
    padded = keywrap.aes_key_unwrap(hasher.finalize()[: KEY_BYTES[cipher]], wrapped)
    padding = padded[-1]
    if not 1 <= padding <= 8 or padded[-padding:] != bytes([padding]) * padding:  # noqa: PLR2004 - of blocks of 8 bytes
        return None
    return _checked(padded[:-padding], sealed.version)


def _x25519(sealed: SessionKey, key: SecretKey) -> Session | None:
    size = X25519_BYTES
    ephemeral = sealed.content[:size]
    shared = X25519PrivateKey.from_private_bytes(key.secret[:size]).exchange(
        X25519PublicKey.from_public_bytes(ephemeral)
    )
    kek = HKDF(SHA256(), 16, None, b"OpenPGP X25519").derive(ephemeral + key.public[:size] + shared)
    return _unwrapped(sealed, size, kek)


def _x448(sealed: SessionKey, key: SecretKey) -> Session | None:
    size = 56
    ephemeral = sealed.content[:size]
    shared = X448PrivateKey.from_private_bytes(key.secret[:size]).exchange(X448PublicKey.from_public_bytes(ephemeral))
    kek = HKDF(SHA512(), 32, None, b"OpenPGP X448").derive(ephemeral + key.public[:size] + shared)
    return _unwrapped(sealed, size, kek)


def _unwrapped(sealed: SessionKey, at: int, kek: bytes) -> Session | None:
    """Return the session key of the newer curves: the cipher's number stands before it, in clear."""
    rest = Fields(sealed.content[at:]).counted()
    if sealed.version == BY_KEY_ID:
        return Session(keywrap.aes_key_unwrap(kek, rest[1:]), rest[0])
    return Session(keywrap.aes_key_unwrap(kek, rest), 0)


READERS: Final[Mapping[int, Callable[[SessionKey, SecretKey], Session | None]]] = {
    1: _rsa, 2: _rsa, 18: _ecdh, 25: _x25519, 26: _x448,
}  # fmt: skip
"""By the format's number of the public-key algorithm."""
