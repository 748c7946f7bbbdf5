"""Archives in memory: tar (POSIX ustar and pax, GNU long names) and zip (stored and deflated members). Nothing touches a disk.

The tar reader is our own: the standard library's loops on negative sizes in Python versions that are still in use, and
only names and bytes are wanted here.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.coatcheck.containers.limits import Budget, broken, unsupported

BLOCK: Final = 512
CHECKSUM: Final = slice(148, 156)
ZIP_CHUNK: Final = 256 * 1024
END_RECORD: Final = b"PK\x05\x06"
END_BYTES: Final = 22
ZIP64_LOCATOR: Final = b"PK\x06\x07"
DIRECTORY_ENTRY: Final = 46
"""Least bytes of a member in a zip's directory."""
LONGEST_NAME: Final = 512
ENCRYPTED: Final = 0x1


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A file in an archive."""

    name: str
    body: memoryview


def is_tar(body: memoryview) -> bool:
    """Return whether the first block is a tar header: its checksum fits."""
    header = bytes(body[:BLOCK])
    if len(header) < BLOCK or not header[0]:
        return False
    try:
        stated = _octal(header[CHECKSUM])
    except ValueError:
        return False
    return stated == sum(header) - sum(header[CHECKSUM]) + 8 * 0x20


def untar(body: memoryview, budget: Budget) -> Iterator[ArchiveMember]:
    """Yield the regular files; raise `Refused` ``container.broken``, ``container.unsupported`` or a cap's error."""
    start = 0
    told: dict[str, str] = {}
    while start < len(body) and any(body[start : start + BLOCK]):
        if not is_tar(body[start:]):
            raise broken("tar")
        header = bytes(body[start : start + BLOCK])
        size = _size(told.get("size"), header)
        start += BLOCK
        content = body[start : start + size]
        if len(content) < size:
            raise broken("tar")
        start += -(-size // BLOCK) * BLOCK
        kind = header[156:157]
        if kind in b"xg" or kind == b"L":
            told = told | (_pax(bytes(content)) if kind != b"L" else {"path": _text(bytes(content))})
            budget.enter()
            continue
        if kind in b"0\x007":
            if any(name.startswith("GNU.sparse") for name in told):
                raise unsupported("tar", "sparse files")
            budget.enter()
            yield ArchiveMember(told.get("path") or _text(header[:100]), content)
        elif kind not in b"5K":
            raise unsupported("tar", "links, devices or sparse files")
        told = told if kind == b"K" else {}


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
                if info.is_dir():
                    continue
                budget.enter()
                budget.foresee(info.file_size)
                yield ArchiveMember(info.filename, memoryview(_inflate(archive, info, budget)))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, UnicodeDecodeError):
        raise broken("zip") from None


def _inflate(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> bytes:
    if info.flag_bits & ENCRYPTED:
        raise unsupported("zip", "its own encryption")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise unsupported("zip", "another compression than deflate")
    out = bytearray()
    with archive.open(info) as file:
        while piece := file.read(ZIP_CHUNK):
            budget.spend(len(piece))
            out += piece
    return bytes(out)


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
