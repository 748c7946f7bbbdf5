"""Which format a file is in: by its first bytes, then by the ending of its name."""

from typing import Final

JSON: Final = "application/fhir+json"
NDJSON: Final = "application/fhir+ndjson"
HL7V2: Final = "x-application/hl7-v2+er7"
UNKNOWN: Final = "application/octet-stream"
ENDINGS: Final = {".json": JSON, ".ndjson": NDJSON, ".jsonl": NDJSON, ".hl7": HL7V2, ".er7": HL7V2, ".v2": HL7V2}
_V2_STARTS: Final = (b"MSH", b"FHS", b"BHS", b"M\x00S", b"\xff\xfeM", b"\xfe\xff\x00M", b"\x00M\x00S")
_HEAD: Final = 4096


def media_type_of(name: str, body: bytes) -> str:
    """Return the media type of a file's content, ``application/octet-stream`` where neither bytes nor name tell."""
    head = body[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x0b\x1c")
    ending = "." + name.rpartition(".")[2].lower()
    if head.startswith(_V2_STARTS):
        return HL7V2
    if ending in ENDINGS:
        return ENDINGS[ending]
    if head.startswith(b"["):
        return JSON
    if head.startswith(b"{"):
        return NDJSON if _one_line_each(body) else JSON
    return UNKNOWN


def _one_line_each(body: bytes) -> bool:
    """Whether every line that holds something is an object of its own."""
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    return len(lines) > 1 and all(line.startswith(b"{") and line.endswith(b"}") for line in lines[:20])
