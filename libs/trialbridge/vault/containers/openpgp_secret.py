"""Private keys of OpenPGP (RFC 9580, section 5.5) as numbers: what rPGP has read and checked, for `cryptography` to decrypt with."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)

from trialbridge.vault.containers.gcm import sliced
from trialbridge.vault.containers.openpgp_packets import Source, packets
from trialbridge.vault.recipients import openpgp_key

if TYPE_CHECKING:
    from openpgp.packet import SecretKey as PrimaryPacket
    from openpgp.packet import SecretSubkey as SubkeyPacket

VERSION_6: Final = 6
PUBLIC_SIZES: Final = {25: 32, 26: 56}
"""Bytes of a public key, where they are written without a length."""


class Fields:
    """Reads what packets of keys are made of; raises ValueError where there is less."""

    def __init__(self, content: bytes) -> None:
        """Begin at the first byte."""
        self._content = content
        self.at = 0

    def take(self, size: int) -> bytes:
        """Return bytes."""
        found = self._content[self.at : self.at + size]
        if len(found) != size:
            raise ValueError("cut short")
        self.at += size
        return found

    def counted(self) -> bytes:
        """Return bytes with their count, one octet, before them."""
        return self.take(self.take(1)[0])

    def number(self) -> bytes:
        """Return a multiprecision integer's bytes, the highest first."""
        return self.take((int.from_bytes(self.take(2)) + 7) // 8)

    def integer(self) -> int:
        """Return a multiprecision integer."""
        return int.from_bytes(self.number())

    def since(self, start: int) -> bytes:
        """Return what was read since a place."""
        return self._content[start : self.at]

    def rest(self) -> bytes:
        """Return what was not read yet."""
        return self._content[self.at :]


@dataclass(frozen=True, slots=True, repr=False)
class SecretKey:
    """A private key or subkey."""

    key_id: bytes
    fingerprint: bytes
    algorithm: int
    public: bytes
    secret: bytes


@lru_cache(maxsize=16)
def secret_keys(secret: bytes) -> tuple[SecretKey, ...]:
    """Return a private key and its subkeys, as far as anything is encrypted to keys of their kind.

    Raises:
        ValueError: it is none that rPGP reads, or is locked.
    """
    private = openpgp_key(secret)
    parts: list[PrimaryPacket | SubkeyPacket] = [private.primary_key, *(one.key for one in private.secret_subkeys)]
    return tuple(found for part in parts if (found := _read(part)) is not None)


def _read(part: "PrimaryPacket | SubkeyPacket") -> SecretKey | None:
    packet = next(packets(Source(sliced(part.to_bytes()))))
    fields = Fields(b"".join(packet.body))
    version, _, algorithm = fields.take(1)[0], fields.take(4), fields.take(1)[0]
    if version == VERSION_6:
        fields.take(4)
    start = fields.at
    if algorithm in {1, 2}:
        fields.number(), fields.number()
    elif algorithm == 18:  # noqa: PLR2004 - ECDH: curve, point, and what keys are derived with
        fields.counted(), fields.number(), fields.counted()
    elif algorithm in PUBLIC_SIZES:
        fields.take(PUBLIC_SIZES[algorithm])
    else:
        return None
    public = fields.since(start)
    fields.take(1)  # how it is locked: not at all, which was checked before
    return SecretKey(bytes.fromhex(part.key_id), bytes.fromhex(part.fingerprint), algorithm, public, fields.rest())


@lru_cache(maxsize=16)
def rsa_key(key: SecretKey) -> RSAPrivateKey:
    """Return an RSA key; it was checked when it was taken into the ring."""
    public, secret = Fields(key.public), Fields(key.secret)
    n, e = public.integer(), public.integer()
    d, p, q = (secret.integer() for _ in range(3))
    numbers = RSAPrivateNumbers(
        p, q, d, rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q), RSAPublicNumbers(e, n)
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)
