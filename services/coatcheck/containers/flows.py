"""Contents that are read a piece at a time: a feed to take bytes from, and a flow that can be read as often as is needed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from services.coatcheck.containers.limits import MIB, Budget

KEPT: Final = 32 * MIB
"""Bytes up to which content is held in memory as a whole."""
STEP: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Flow:
    """Content over `KEPT`, verified once, and made again each time that it is read."""

    pieces: Callable[[], Iterator[bytes]]


Content = memoryview | Flow


def pieces_of(content: Content) -> Iterator[bytes | memoryview]:
    """Yield content a piece at a time."""
    if isinstance(content, Flow):
        yield from content.pieces()
        return
    for start in range(0, len(content), STEP):
        yield content[start : start + STEP]


class Feed:
    """Takes bytes out of pieces of any size."""

    def __init__(self, pieces: Iterator[bytes | memoryview]) -> None:
        """Read from ``pieces``."""
        self._pieces = pieces
        self._rest = memoryview(b"")

    def _fill(self) -> bool:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._rest = memoryview(piece)
        return True

    def take(self, most: int) -> bytes:
        """Return from one to ``most`` bytes; none at the end."""
        self._fill()
        taken, self._rest = bytes(self._rest[:most]), self._rest[most:]
        return taken

    def peek(self, most: int) -> bytes:
        """Return the next bytes, fewer than ``most`` only at the end, and leave them where they are."""
        self._fill()
        if len(self._rest) < most:
            self._rest = memoryview(self.read(most) + bytes(self._rest))
        return bytes(self._rest[:most])

    def read(self, count: int) -> bytes:
        """Return ``count`` bytes, fewer only at the end."""
        found = bytearray()
        while len(found) < count and (piece := self.take(count - len(found))):
            found += piece
        return bytes(found)

    def back(self, data: bytes) -> None:
        """Put bytes back in front."""
        self._rest = memoryview(data + bytes(self._rest)) if data else self._rest

    def part(self, size: int) -> Iterator[bytes]:
        """Yield the next ``size`` bytes a piece at a time, fewer only at the end."""
        while size and (piece := self.take(min(size, STEP * 4))):
            size -= len(piece)
            yield piece


def verified(make: Callable[[Budget], Iterator[bytes]], budget: Budget) -> Content:
    """Read content to its end, checksums and caps with it; return it, or where it is large how it is made again.

    Raises what ``make`` raises: nothing of broken content is handed on.
    """
    kept: list[bytes] | None = []
    size = 0
    for piece in make(budget):
        size += len(piece)
        if size > KEPT:
            kept = None
        elif kept is not None:
            kept.append(piece)
    return Flow(lambda: make(budget.anew())) if kept is None else memoryview(b"".join(kept))
