"""Which format a file is in: by its first bytes; the ending of its name decides only what they leave open."""

import re
import zlib
from collections.abc import Callable
from typing import Final

JSON: Final = "application/fhir+json"
NDJSON: Final = "application/fhir+ndjson"
XML: Final = "application/fhir+xml"
HL7V2: Final = "x-application/hl7-v2+er7"
CCDA: Final = "application/cda+xml"
CSV: Final = "text/csv"
VCF: Final = "text/vcf"
MAF: Final = "text/maf"
UNKNOWN: Final = "application/octet-stream"
ENDINGS: Final = {
    ".json": JSON,
    ".ndjson": NDJSON,
    ".jsonl": NDJSON,
    ".hl7": HL7V2,
    ".er7": HL7V2,
    ".v2": HL7V2,
    ".csv": CSV,
    ".tsv": CSV,
    ".vcf": VCF,
    ".maf": MAF,
}
"""What a file is whose bytes do not say it: a broken one, for example."""
_V2_STARTS: Final = (b"MSH", b"FHS", b"BHS", b"M\x00S", b"\xff\xfeM", b"\xfe\xff\x00M", b"\x00M\x00S")
_HEAD: Final = 4096
_XML_HEAD: Final = 65_536
"""A document may begin with long comments."""
_PROLOG: Final = ((b"<?", b"?>"), (b"<!--", b"-->"), (b"<!DOCTYPE", b">"))
_ROOT: Final = re.compile(rb"<(?:[\w.-]{1,99}:)?([\w.-]{1,99})([^>]*)")
_XML_ENDINGS: Final = frozenset({".xml", ".cda", ".ccda"})
_FHIR: Final = re.compile(rb"""xmlns(?::[\w.-]+)?\s*=\s*["']http://hl7\.org/fhir["']""")


def _is_v2(head: bytes, body: bytes, ending: str) -> bool:
    del body, ending
    return head.startswith(_V2_STARTS)


def _is_ccda(head: bytes, body: bytes, ending: str) -> bool:
    root, _ = _root_of(body[:_XML_HEAD])
    # Without a root the remarks before it are longer than what is looked at.
    unseen = not root and head.startswith(b"<") and ending in _XML_ENDINGS
    return root == b"ClinicalDocument" or unseen


def _is_fhir_xml(head: bytes, body: bytes, ending: str) -> bool:
    del head, ending
    root, attributes = _root_of(body[:_XML_HEAD])
    return bool(root) and root != b"ClinicalDocument" and _FHIR.search(attributes) is not None


def _is_ndjson(head: bytes, body: bytes, ending: str) -> bool:
    if not head.startswith(b"{"):
        return False
    first, broken, rest = body.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    if not broken:
        # One line, or the beginning of a long one: the name may say that more follow.
        return ENDINGS.get(ending) == NDJSON
    following = rest[:_HEAD].lstrip()
    if first.rstrip().endswith(b"}"):
        return ENDINGS.get(ending) == NDJSON or following.startswith(b"{")
    return ENDINGS.get(ending) == NDJSON and following.startswith(b"{")


def _is_json(head: bytes, body: bytes, ending: str) -> bool:
    del body
    # A row of a table, or a line, may begin with a bracket too.
    return head.startswith(b"{") or (head.startswith(b"[") and ENDINGS.get(ending) in (None, JSON))


def _is_vcf(head: bytes, body: bytes, ending: str) -> bool:
    """Whether a file is VCF, also compressed (bgzip), where its first bytes are there."""
    del ending
    start = head
    if body.startswith(b"\x1f\x8b"):
        try:
            start = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body[:_HEAD], _HEAD)
        except zlib.error:
            return False
    return start.startswith(b"##fileformat=VCF")


def _is_maf(head: bytes, body: bytes, ending: str) -> bool:
    del body, ending
    lines = (line for line in re.split(rb"[\r\n]+", head) if line and not line.startswith(b"#"))
    names = next(lines, b"").split(b"\t")
    return b"Hugo_Symbol" in names and b"Tumor_Sample_Barcode" in names


def _is_table(head: bytes, body: bytes, ending: str) -> bool:
    """Whether a file is a table by its name, or names a column mrn (or that and others) first."""
    del body
    if head.startswith((b"{", b"[", b"<")):
        return False
    first = re.split(rb"[\r\n]", head.replace(b"\x00", b"").lstrip(b"\xff\xfe"), maxsplit=1)[0]
    names = re.split(rb"[,;\t|]", first.lower().replace(b'"', b""))
    return ENDINGS.get(ending) == CSV or names[0].strip() == b"mrn"


Sign = Callable[[bytes, bytes, str], bool]
"""Whether a file is of a format, by its first bytes (no byte order mark, no blanks), its whole content and the ending of its name."""
SIGNS: Final[tuple[tuple[str, Sign], ...]] = (
    (CCDA, _is_ccda),
    (XML, _is_fhir_xml),
    (HL7V2, _is_v2),
    (NDJSON, _is_ndjson),
    (JSON, _is_json),
    (VCF, _is_vcf),
    (MAF, _is_maf),
    (CSV, _is_table),
)
"""The first sign that fits says the media type: a new format is one more row."""


def media_type_of(name: str, body: bytes) -> str:
    """Return the media type of a file's content, ``application/octet-stream`` where neither bytes nor name tell.

    ``body`` may be the file's beginning only.
    """
    head = body[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x0b\x1c")
    ending = "." + name.rpartition(".")[2].lower()
    found = next((media for media, fits in SIGNS if fits(head, body, ending)), None)
    return found or ENDINGS.get(ending, UNKNOWN)


def _root_of(head: bytes) -> tuple[bytes, bytes]:
    """Return the name of an XML document's root element without its prefix and its attributes; empty where this is no XML."""
    # UTF-16 has a zero byte beside each character of the markup.
    text = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").lstrip()
    while text.startswith((b"<?", b"<!")):
        end = next((closing for opening, closing in _PROLOG if text.startswith(opening)), b">")
        text = text.partition(end)[2].lstrip(b" \t\r\n]>")
    found = _ROOT.match(text)
    return (found[1], found[2]) if found else (b"", b"")
