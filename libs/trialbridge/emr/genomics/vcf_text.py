"""The text of a VCF file (4.1 to 4.3, samtools.github.io/hts-specs): decompression with a cap, header lines, columns."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import made
from trialbridge.emr.genomics.finding import word_of

MOST_BYTES: Final = 2 * 1024 * 1024 * 1024
"""Decompressed; read in pieces, never all at once."""
MOST_RATIO: Final = 400
LONGEST_LINE: Final = 16 * 1024 * 1024
MOST_HEADER: Final = 100_000
MOST_SAMPLES: Final = 1000
_FREE: Final = 16 * 1024 * 1024
_CHUNK: Final = 256 * 1024
GZIP: Final = b"\x1f\x8b"
FIXED: Final = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_META: Final = re.compile(r"##([A-Za-z0-9_.-]{1,80})=(.*)", re.DOTALL)
_PAIR: Final = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)')
_ENDS: Final = re.compile(rb"\r\n|\n|\r")
_PATIENT_KEYS: Final = ("patient", "patientid", "patient_id", "mrn", "individual", "individualid", "donor")


def inflate(body: bytes, place: Place) -> Iterator[bytes]:
    """Yield a file's content in pieces; gzip and bgzip (many members) are read. Raises `Poison` ``vcf.broken-gzip``, ``vcf.too-large``."""
    if not body.startswith(GZIP):
        yield from (body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK))
        return
    total, view = 0, memoryview(body)
    most = min(MOST_BYTES, max(_FREE, MOST_RATIO * len(body)))
    while view:
        reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not reader.eof:
            try:
                piece = reader.decompress(view, _CHUNK)
            except zlib.error:
                raise Poison("vcf.broken-gzip", "The file is compressed, and its bytes are damaged.", place) from None
            view = memoryview(reader.unconsumed_tail) if not reader.eof else memoryview(reader.unused_data)
            total += len(piece)
            if total > most:
                raise Poison("vcf.too-large", "The file unfolds to more than a variant file may hold.", place)
            if piece:
                yield piece
            elif not reader.eof and not view:
                raise Poison("vcf.broken-gzip", "The file is compressed, and its end is missing.", place)
        if not view.tobytes().strip(b"\x00"):
            return


def text_lines(body: bytes, place: Place) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, with their numbers from 1; any line end. Raises `Poison` as `inflate` does."""
    rest, number = b"", 0
    for piece in inflate(body, place):
        rest += piece
        if len(rest) > LONGEST_LINE:
            raise Poison("vcf.long-line", "A line is longer than 16 MiB.", place)
        # A CR at the end may have its LF in the next piece.
        held = b"\r" if rest.endswith(b"\r") else b""
        parts = _ENDS.split(rest[: len(rest) - len(held)])
        rest = parts.pop() + held
        for raw in parts:
            number += 1
            if raw.strip():
                yield number, _text(raw)
    for raw in _ENDS.split(rest):
        number += 1
        if raw.strip():
            yield number, _text(raw)


def _text(raw: bytes) -> str:
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


@dataclass(slots=True)
class Header:
    """What a VCF's header says."""

    version: str = ""
    assembly: str | None = None
    csq: tuple[str, ...] = ()
    """Names of the parts of VEP's CSQ."""
    ann: tuple[str, ...] = ()
    """Names of the parts of SnpEff's ANN."""
    samples: tuple[str, ...] = ()
    patients: dict[str, str] = field(default_factory=dict)
    """Patients by sample, where ``##SAMPLE`` or ``##PEDIGREE`` says."""
    normals: set[str] = field(default_factory=set)
    """Samples that another one is derived from: the healthy tissue of a pair."""
    derived: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return all header lines, by which a mapping may know the kind of file."""
        return "\n".join(self.lines)

    def patient_of(self, sample: str) -> str | None:
        """Return the patient that the file names for a sample, or for the sample that it is derived from."""
        return self.patients.get(sample) or self.patients.get(self.derived.get(sample, ""))

    def take(self, line: str) -> None:
        """Read one line that begins with ``##``."""
        self.lines.append(line)
        found = _META.fullmatch(line)
        if found is None:
            return
        key, value = found[1].casefold(), found[2].strip()
        if key == "fileformat":
            self.version = value
        elif key == "reference":
            self._assemble(value)
        elif key in ("contig", "assembly"):
            self._assemble(_pairs(value).get("assembly", "") or (value if key == "assembly" else ""))
        elif key == "info":
            self._describe(_pairs(value))
        elif key == "sample":
            self._sample(_pairs(value))
        elif key == "pedigree":
            self._pedigree(_pairs(value))

    def _assemble(self, text: str) -> None:
        for word in re.split(r"[^A-Za-z0-9]+", text.replace("GRCh", " GRCh").replace("hg", " hg")):
            # A number alone (37) is of MAF files; here it says nothing.
            if not word.isdigit():
                self.assembly = self.assembly or word_of("assembly", made(word))

    def _describe(self, pairs: dict[str, str]) -> None:
        name, words = pairs.get("id", ""), pairs.get("description", "")
        if name in ("CSQ", "vep", "BCSQ") and "Format:" in words and name != "BCSQ":
            self.csq = tuple(part.strip() for part in words.partition("Format:")[2].split("|"))
        elif name == "ANN":
            parts = words.partition("'")[2].rpartition("'")[0] or ""
            self.ann = tuple(part.strip() for part in parts.split("|")) if parts else ()

    def _sample(self, pairs: dict[str, str]) -> None:
        patient = next((pairs[key] for key in _PATIENT_KEYS if pairs.get(key)), None)
        if patient and pairs.get("id"):
            self.patients[pairs["id"]] = patient

    def _pedigree(self, pairs: dict[str, str]) -> None:
        child = pairs.get("derived") or pairs.get("id") or ""
        origin = pairs.get("original", "")
        if child and origin:
            self.derived[child] = origin
            self.normals.add(origin)


def _pairs(text: str) -> dict[str, str]:
    """Return keys (in lower case) and values of a header line's ``<…>``."""
    inner = text.strip().removeprefix("<").removesuffix(">")
    return {one[1].casefold(): one[2].strip('"').replace('\\"', '"') for one in _PAIR.finditer(inner)}


def unescaped(text: str) -> str:
    """Return a value of VCF 4.3 without its percent signs (``%3D`` is ``=``)."""
    return unquote(text) if "%" in text else text


def columns(line: str, place: Place) -> tuple[str, ...]:
    """Return the names of the samples out of the line ``#CHROM``; raise `Poison` ``vcf.no-columns`` or ``vcf.too-many-samples``."""
    names = line.split("\t") if "\t" in line else line.split()
    if tuple(names[: len(FIXED)]) != FIXED:
        raise Poison("vcf.no-columns", "The line #CHROM does not name the eight columns of VCF.", place)
    if len(names) > len(FIXED) + 1 + MOST_SAMPLES:
        raise Poison("vcf.too-many-samples", f"The file has more than {MOST_SAMPLES} samples.", place)
    found = tuple(names[len(FIXED) + 1 :])
    if len(set(found)) < len(found):
        raise Poison("vcf.duplicate-sample", "Two columns are named after the same sample.", place)
    return found
