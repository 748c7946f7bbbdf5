"""The table of containers, and the one way through it: choose, open, verify to the end, and only then hand out."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trialbridge.vault.containers.age import Age
from trialbridge.vault.containers.cms import Cms
from trialbridge.vault.containers.esdk import EncryptionSdk
from trialbridge.vault.containers.model import Chunks, Container, KeyHolder, Stored, too_large
from trialbridge.vault.containers.openpgp import OpenPgp
from trialbridge.vault.containers.s3 import S3Version2, S3Version3

CONTAINERS: Final[tuple[Container, ...]] = (S3Version3(), S3Version2(), Age(), EncryptionSdk(), Cms(), OpenPgp())
"""In the order in which they are asked: headers say more than first bytes do."""
BY_NAME: Final = {one.name: one for one in CONTAINERS}
KEPT: Final = 32 * 1024 * 1024
"""Bytes of plaintext up to which it is kept from the verification; a larger one is decrypted again as it is read."""


@dataclass(frozen=True, slots=True, repr=False)
class Plain:
    """A verified plaintext. Never logged: no repr."""

    size: int
    container: str
    _chunks: Chunks

    def pieces(self) -> Iterator[bytes]:
        """Yield it from its beginning, a piece at a time."""
        return self._chunks()

    def whole(self) -> bytes:
        """Return it in one piece."""
        return b"".join(self._chunks())


def container_of(stored: Stored) -> Container:
    """Return the container that an object claims to be; one that claims nothing is told what the default one lacks."""
    return next((one for one in CONTAINERS if one.fits(stored)), BY_NAME["s3-v2"])


async def open_bundle(stored: Stored, keys: KeyHolder) -> Plain:
    """Return an object's plaintext once all of it is verified, or fail closed.

    Raises:
        Refused: ``envelope.missing`` (nothing says how it is encrypted), ``envelope.unsupported`` (a format, algorithm or
            recipient that is not taken), ``envelope.wrong-tenant``, ``envelope.broken`` (not readable as its format),
            ``envelope.tag-mismatch`` (changed bytes), ``envelope.commitment-mismatch``, ``envelope.length-mismatch``,
            ``envelope.unauthenticated``, ``envelope.too-large`` (over ``stored.most``); ``key.unknown``, ``key.refused``.
        Unavailable: the key service is away, or no process can be started.
    """
    container = container_of(stored)
    chunks = await container.open(stored, keys)
    size, kept = await asyncio.to_thread(_verified, chunks, stored.most)
    return Plain(size, container.name, chunks if kept is None else lambda: iter((kept,)))


def _verified(chunks: Chunks, most: int) -> tuple[int, bytes | None]:
    """Decrypt to the end; return how much it was, and all of it where that is little."""
    kept: list[bytes] | None = []
    size = 0
    for piece in chunks():
        size += len(piece)
        if size > most:
            raise too_large(most)
        if size > KEPT:
            kept = None
        elif kept is not None:
            kept.append(piece)
    return size, None if kept is None else b"".join(kept)
