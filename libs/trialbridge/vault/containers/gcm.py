"""AES-256-GCM a piece at a time: what comes out counts only once the tag has been verified at the end."""

from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from trialbridge.vault.containers.model import CHUNK, changed

TAG_BYTES = 16


def decrypted(key: bytes, nonce: bytes, pieces: Iterator[memoryview], tag: bytes, extra: bytes) -> Iterator[bytes]:
    """Yield the plaintext of ciphertext pieces; raise `Refused` ``envelope.tag-mismatch`` at the end.

    Args:
        key: 32 bytes.
        nonce: 12 bytes.
        pieces: The ciphertext without its tag.
        tag: 16 bytes.
        extra: The additional authenticated data.
    """
    if len(tag) != TAG_BYTES:
        raise changed()
    cipher = Cipher(AES(key), GCM(nonce, tag)).decryptor()
    cipher.authenticate_additional_data(extra)
    for piece in pieces:
        yield cipher.update(piece)
    try:
        yield cipher.finalize()
    except InvalidTag:
        raise changed() from None


def sliced(body: bytes | memoryview) -> Iterator[memoryview]:
    """Yield the bytes in pieces of a chunk each, without copying them."""
    view = memoryview(body)
    for start in range(0, len(view), CHUNK):
        yield view[start : start + CHUNK]
