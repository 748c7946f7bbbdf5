"""Bytes to the texts of messages: charset by each message's MSH-18, any line end, MLLP bytes, batch wrappers left out."""

import codecs
import re
from collections.abc import Iterator
from typing import Final

from trialbridge.emr.tables.rows import pairs

_ENDS: Final = re.compile(rb"\r\n|\r|\n")
_TEXT_ENDS: Final = re.compile(r"\r\n|\r|\n")
_WRAPPERS: Final = (b"FHS", b"BHS", b"BTS", b"FTS")
_FRAME: Final = b"\x0b\x1c"
_COMMON: Final = (b"OBX", b"NTE")
"""Segments that most lines are."""
_SPACE: Final = 0x20
_WIDE: Final = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
                (codecs.BOM_UTF16_BE, "utf-16"), (b"M\x00S\x00", "utf-16-le"), (b"\x00M\x00S", "utf-16-be"))  # fmt: skip
"""How texts of more than one byte for each character begin."""
_CHARSET: Final = 17
_CONTROLS: Final = bytes([*range(9), 11, 12, *range(14, 32), 127])
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def split(body: bytes) -> Iterator[str]:
    """Yield the text of each message, segments parted by CR. What comes before the first MSH is yielded too."""
    lines: list[bytes] = []
    narrow = _narrow(body)
    for line in _ENDS.split(narrow) if b"\n" in narrow else narrow.split(b"\r"):
        if line.startswith(_COMMON) and line[-1] > _SPACE:
            lines.append(line)
            continue
        plain = line.strip(_FRAME).removeprefix(codecs.BOM_UTF8)
        if plain[:3] in _WRAPPERS or not plain.strip():
            continue
        if plain.startswith(b"MSH") and lines:
            yield _decoded(lines)
            lines = []
        lines.append(plain)
    if lines:
        yield _decoded(lines)


def _narrow(body: bytes) -> bytes:
    """Return a text in UTF-16 or UTF-32 as UTF-8, any other as it is."""
    for start, codec in _WIDE:
        if body.startswith(start):
            return body.decode(codec, "replace").encode("utf-8", "replace")
    return body


def _decoded(lines: list[bytes]) -> str:
    raw = b"\r".join(lines)
    text = _text(raw, _codec(lines[0]))
    # A charset may bring line ends of its own; control characters have no place in a message, and none in FHIR.
    if not raw.isascii() or len(raw.translate(None, _CONTROLS)) < len(raw):
        text = _CONTROL.sub("", text)
    return _TEXT_ENDS.sub("\r", text) if "\n" in text else text


def _text(raw: bytes, codec: str) -> str:
    if raw.isascii() and codec != "iso-2022-jp":
        return raw.decode("ascii")
    for name in (codec, "utf-8"):
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    return raw.decode("iso-8859-1")


def _codec(head: bytes) -> str:
    """Return the codec that a header's MSH-18 names; UTF-8 for a name that the table does not have."""
    fields = head.split(head[3:4] or b"|", _CHARSET + 1)
    named = fields[_CHARSET].split(b"~")[0].strip().upper().decode("ascii", "replace") if len(fields) > _CHARSET else ""
    found = pairs("v2_charsets").get(named, "utf-8")
    return "utf-8" if found.startswith(("utf-16", "utf-32")) else found
