"""Integrity-protected OpenPGP content (RFC 9580, section 5.13): CFB with its SHA-1, and the chunks of OCB, EAX and GCM."""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESOCB3
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trialbridge.vault.containers.model import changed, refused
from trialbridge.vault.containers.openpgp_packets import Bytes, Source
from trialbridge.vault.containers.openpgp_session import KEY_BYTES, Session

BLOCK: Final = 16
PREFIX: Final = BLOCK + 2
"""Random bytes before the content, of which two come twice; whether they do is not looked at: that answer would tell too much."""
CODE_HEAD: Final = b"\xd3\x14"
CODE: Final = len(CODE_HEAD) + 20
"""Bytes of the modification detection code's packet."""
TAG: Final = 16
SALT: Final = 32
LARGEST_CHUNK: Final = 16
"""As an exponent: 4 MiB."""
VERSION_2_HEAD: Final = b"\xd2\x02"

Decrypt = Callable[[bytes, bytes, bytes], bytes]
"""From nonce, ciphertext with its tag, and additional data to the plaintext; raises InvalidTag."""


def with_code(sealed: Iterator[Bytes], session: Session) -> Iterator[bytes]:
    """Yield the plaintext of version 1; raise `Refused` ``envelope.tag-mismatch`` at its end: nothing of it counts before."""
    cipher = Cipher(AES(session.key), CFB(bytes(BLOCK))).decryptor()
    hasher = hashlib.sha1(usedforsecurity=False)
    rest, skip = b"", PREFIX
    for piece in sealed:
        rest += cipher.update(piece)
        if len(rest) <= CODE:
            continue
        plain, rest = rest[:-CODE], rest[-CODE:]
        hasher.update(plain)
        if skip:
            plain, skip = plain[skip:], max(0, skip - len(plain))
        if plain:
            yield plain
    hasher.update(CODE_HEAD)
    if skip or rest[: len(CODE_HEAD)] != CODE_HEAD or not hmac.compare_digest(hasher.digest(), rest[len(CODE_HEAD) :]):
        raise changed()


def in_chunks(sealed: Iterator[Bytes], session: Session) -> Iterator[bytes]:
    """Yield the plaintext of version 2, each chunk once it is verified; the last tag says that none is missing.

    Raises:
        Refused: ``envelope.unsupported`` (another cipher than AES, a mode or chunk size that is none), ``envelope.broken``,
            ``envelope.tag-mismatch``.
    """
    source = Source(sealed)
    cipher, mode, exponent = source.exactly(3)
    if cipher not in KEY_BYTES or mode not in MODES or exponent > LARGEST_CHUNK:
        raise refused("unsupported", "The content must be encrypted with AES, in EAX, OCB or GCM.")
    info = VERSION_2_HEAD + bytes((cipher, mode, exponent))
    size, free = KEY_BYTES[cipher], MODES[mode].nonce - 8
    derived = HKDF(SHA256(), size + free, source.exactly(SALT), info).derive(session.key)
    chunks = _Chunks(MODES[mode].of(derived[:size]), derived[size:], info)
    whole = (1 << exponent + 6) + TAG
    block = source.read(whole + TAG)
    while len(block) == whole + TAG:
        yield chunks.next(block[:whole])
        block = block[whole:] + source.read(whole)
    if len(block) > TAG:
        yield chunks.next(block[:-TAG])
    chunks.end(block[-TAG:])


class _Chunks:
    """Decrypts one chunk after the other."""

    def __init__(self, decrypt: Decrypt, start: bytes, info: bytes) -> None:
        self._decrypt, self._start, self._info = decrypt, start, info
        self._number = self._total = 0

    def _opened(self, sealed: bytes, extra: bytes) -> bytes:
        nonce = self._start + self._number.to_bytes(8)
        self._number += 1
        try:
            return self._decrypt(nonce, sealed, extra)
        except (InvalidTag, ValueError):
            raise changed() from None

    def next(self, sealed: bytes) -> bytes:
        plain = self._opened(sealed, self._info)
        self._total += len(plain)
        return plain

    def end(self, tag: bytes) -> None:
        self._opened(tag, self._info + self._total.to_bytes(8))


@dataclass(frozen=True, slots=True)
class _Mode:
    of: Callable[[bytes], Decrypt]
    """Makes the decryption of a key."""
    nonce: int
    """Bytes."""


def eax(key: bytes) -> Decrypt:
    """Return EAX over AES (Bellare, Rogaway, Wagner 2004), which `cryptography` has the parts of."""

    def code(kind: int, data: bytes) -> bytes:
        found = CMAC(AES(key))
        found.update(bytes((*bytes(BLOCK - 1), kind)) + data)
        return found.finalize()

    def decrypt(nonce: bytes, sealed: bytes, extra: bytes) -> bytes:
        start, body = code(0, nonce), sealed[:-TAG]
        parts = zip(start, code(1, extra), code(2, body), strict=True)
        if not hmac.compare_digest(bytes(a ^ b ^ c for a, b, c in parts), sealed[-TAG:]):
            raise InvalidTag
        cipher = Cipher(AES(key), CTR(start)).decryptor()
        return cipher.update(body) + cipher.finalize()

    return decrypt


MODES: Final[Mapping[int, _Mode]] = {
    1: _Mode(eax, 16),
    2: _Mode(lambda key: AESOCB3(key).decrypt, 15),
    3: _Mode(lambda key: AESGCM(key).decrypt, 12),
}
"""By the format's number of the mode."""
