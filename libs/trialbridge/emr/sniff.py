"""Which format a file is in: by its first bytes, then by the ending of its name."""

import re
from typing import Final

JSON: Final = "application/fhir+json"
NDJSON: Final = "application/fhir+ndjson"
HL7V2: Final = "x-application/hl7-v2+er7"
CCDA: Final = "application/cda+xml"
UNKNOWN: Final = "application/octet-stream"
ENDINGS: Final = {".json": JSON, ".ndjson": NDJSON, ".jsonl": NDJSON, ".hl7": HL7V2, ".er7": HL7V2, ".v2": HL7V2}
_V2_STARTS: Final = (b"MSH", b"FHS", b"BHS", b"M\x00S", b"\xff\xfeM", b"\xfe\xff\x00M", b"\x00M\x00S")
_HEAD: Final = 4096
_XML_HEAD: Final = 65_536
"""A document may begin with long comments."""
_PROLOG: Final = ((b"<?", b"?>"), (b"<!--", b"-->"), (b"<!DOCTYPE", b">"))
_ROOT: Final = re.compile(rb"<(?:[\w.-]{1,99}:)?([\w.-]{1,99})")
_XML_ENDINGS: Final = frozenset({".xml", ".cda", ".ccda"})
_XML: Final = {b"ClinicalDocument": CCDA}
"""Media types by the name of the root element."""


def media_type_of(name: str, body: bytes) -> str:
    """Return the media type of a file's content, ``application/octet-stream`` where neither bytes nor name tell."""
    head = body[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x0b\x1c")
    ending = "." + name.rpartition(".")[2].lower()
    found = _of_xml(head, body, ending)
    if found is not None:
        return found
    if head.startswith(_V2_STARTS):
        return HL7V2
    if ending in ENDINGS:
        return ENDINGS[ending]
    if head.startswith(b"{"):
        return NDJSON if _one_line_each(body) else JSON
    return JSON if head.startswith(b"[") else UNKNOWN


def _one_line_each(body: bytes) -> bool:
    """Whether every line that holds something is an object of its own."""
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    return len(lines) > 1 and all(line.startswith(b"{") and line.endswith(b"}") for line in lines[:20])


def _of_xml(head: bytes, body: bytes, ending: str) -> str | None:
    root = _root_of(body[:_XML_HEAD])
    # Without a root the remarks before it are longer than what is looked at.
    unseen = not root and head.startswith(b"<") and ending in _XML_ENDINGS
    return _XML.get(root, CCDA if unseen else None)


def _root_of(head: bytes) -> bytes:
    """Return the name of an XML document's root element without its prefix; empty where this is no XML."""
    # UTF-16 has a zero byte beside each character of the markup.
    text = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").lstrip()
    while text.startswith((b"<?", b"<!")):
        end = next((closing for opening, closing in _PROLOG if text.startswith(opening)), b">")
        text = text.partition(end)[2].lstrip(b" \t\r\n]>")
    found = _ROOT.match(text)
    return found[1] if found else b""
