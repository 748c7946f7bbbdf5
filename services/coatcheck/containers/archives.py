"""Archives in memory: tar (POSIX ustar and pax, GNU long names) and zip (stored and deflated members). Nothing touches a disk.

The tar reader is our own: the standard library's loops on negative sizes in Python versions that are still in use, and
only names and bytes are wanted here.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from services.coatcheck.containers.flows import KEPT, STEP, Content, Feed, Flow, pieces_of, verified
from services.coatcheck.containers.limits import Budget, broken, unsupported

BLOCK: Final = 512
CHECKSUM: Final = slice(148, 156)
ZIP_CHUNK: Final = 256 * 1024
END_RECORD: Final = b"PK\x05\x06"
END_BYTES: Final = 22
HEADER_LIMIT: Final = 1024 * 1024
"""Bytes of an extended header or a long name."""
ZIP64_LOCATOR: Final = b"PK\x06\x07"
DIRECTORY_ENTRY: Final = 46
"""Least bytes of a member in a zip's directory."""
LONGEST_NAME: Final = 512
ENCRYPTED: Final = 0x1
ZIP_FAULTS: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, LookupError, RuntimeError, OverflowError,
)  # fmt: skip
"""What the standard library raises on directories and heads that are not as they should be."""


class Once(Protocol):
    """Content over `KEPT` that can be read once, in its turn."""

    def head(self, count: int) -> bytes:
        """Return the first bytes and leave them there."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """Yield it."""
        ...


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A file in an archive."""

    name: str
    body: "memoryview | Flow | Once"


def is_tar(body: bytes) -> bool:
    """Return whether the first block is a tar header: its checksum fits."""
    header = body[:BLOCK]
    if len(header) < BLOCK or not header[0]:
        return False
    try:
        stated = _octal(header[CHECKSUM])
    except ValueError:
        return False
    return stated == sum(header) - sum(header[CHECKSUM]) + 8 * 0x20


def untar(content: Content, budget: Budget) -> Iterator[ArchiveMember]:
    """Yield the regular files, each to be read before the next.

    Raises:
        Refused: ``container.broken``, ``container.unsupported`` or a cap's error.
    """
    feed = Feed(pieces_of(content))
    told: dict[str, str] = {}
    while (header := feed.read(BLOCK)) and any(header):
        if not is_tar(header):
            raise broken("tar")
        size = _size(told.get("size"), header)
        part = _Part(feed, size)
        kind = header[156:157]
        if kind in b"xg" or kind == b"L":
            if size > HEADER_LIMIT:
                raise broken("tar")
            body = part.whole()
            told = told | (_pax(body) if kind != b"L" else {"path": _text(body)})
            budget.enter()
            part.leave()
            continue
        if kind in b"0\x007":
            if any(name.startswith("GNU.sparse") for name in told):
                raise unsupported("tar", "sparse files")
            budget.enter()
            name = told.get("path") or _text(header[:100])
            yield ArchiveMember(name, memoryview(part.whole()) if size <= KEPT else part)
        elif kind not in b"5K":
            raise unsupported("tar", "links, devices or sparse files")
        part.leave()
        told = told if kind == b"K" else {}


class _Part:
    """A tar member's content: read once, in its turn (implements `Once`)."""

    def __init__(self, feed: Feed, size: int) -> None:
        """Begin at the member's first byte."""
        self._feed = feed
        self._left = size
        self._padding = -size % BLOCK

    def head(self, count: int) -> bytes:
        """Return the first bytes and leave them there."""
        return self._feed.peek(min(count, self._left))

    def pieces(self) -> Iterator[bytes]:
        """Yield what was not read yet; raise `Refused` ``container.broken`` where the archive ends before."""
        while self._left:
            piece = self._feed.take(min(self._left, STEP * 4))
            if not piece:
                raise broken("tar")
            self._left -= len(piece)
            yield piece

    def whole(self) -> bytes:
        """Return what was not read yet."""
        return b"".join(self.pieces())

    def leave(self) -> None:
        """Go to the next header."""
        for _ in self.pieces():
            pass
        self._feed.read(self._padding)
        self._padding = 0


def _octal(field: bytes) -> int:
    text = field.strip(b" \0")
    if text and not text.isdigit():
        raise ValueError("not octal")
    return int(text, 8) if text else 0


def _size(told: str | None, header: bytes) -> int:
    field = header[124:136]
    try:
        size = int(told) if told else int.from_bytes(field[1:]) if field[0] == 0x80 else _octal(field)  # noqa: PLR2004 - GNU's base 256
    except ValueError:
        raise broken("tar") from None
    if size < 0:
        raise broken("tar")
    return size


def _pax(content: bytes) -> dict[str, str]:
    """Return the records (length, space, key=value, newline) of an extended header."""
    found: dict[str, str] = {}
    while content.strip(b"\0"):
        digits, _, _ = content.partition(b" ")
        if not digits.isdigit() or len(digits) > 9 or not len(digits) < int(digits) <= len(content):  # noqa: PLR2004 - no header is a gigabyte
            raise broken("tar")
        record, content = content[len(digits) + 1 : int(digits) - 1], content[int(digits) :]
        key, _, value = record.partition(b"=")
        found[_text(key)] = _text(value)
    return found


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").partition(b"\0")[0].decode("utf-8", "replace")


def unzip(body: memoryview, budget: Budget) -> Iterator[ArchiveMember]:
    """Yield the files; raise `Refused` ``container.broken``, ``container.unsupported`` or a cap's error."""
    _check_directory(body, budget)
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for info in archive.infolist():
                # Not `is_dir`, which fails on a name of no letters.
                if info.filename.endswith("/"):
                    continue
                budget.enter()
                budget.foresee(info.file_size)
                yield ArchiveMember(info.filename, verified(partial(_inflate, archive, info), budget))
    except ZIP_FAULTS:
        raise broken("zip") from None


def _inflate(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Iterator[bytes]:
    if info.flag_bits & ENCRYPTED:
        raise unsupported("zip", "its own encryption")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise unsupported("zip", "another compression than deflate")
    with archive.open(info) as file:
        while piece := file.read(ZIP_CHUNK):
            budget.spend(len(piece))
            yield piece


def _check_directory(body: memoryview, budget: Budget) -> None:
    """Refuse a directory so large that only reading it would be the bomb."""
    tail = bytes(body[-(END_BYTES + 0xFFFF) :])
    at = tail.rfind(END_RECORD)
    if at < 0 or len(tail) < at + END_BYTES:
        raise broken("zip")
    if ZIP64_LOCATOR in tail[max(0, at - 20) : at]:
        raise unsupported("zip", "the form for files over 4 GB")
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    if size > budget.limits.entries * LONGEST_NAME:
        budget.entries = max(budget.entries, budget.limits.entries)
        budget.enter()
