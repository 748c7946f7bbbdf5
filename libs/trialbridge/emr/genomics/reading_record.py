"""One record of a VCF: its columns as leaves of the source, and the findings that its alleles are in a sample."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from trialbridge.contracts.errors import Place, Poison
from trialbridge.criteria.terminology import genes
from trialbridge.emr.account import Leaf, Made, made
from trialbridge.emr.genomics import hgvs
from trialbridge.emr.genomics.alleles import Call, Sample, copies_of, kind_of
from trialbridge.emr.genomics.annotations import Transcript, chosen, of_allele, transcripts
from trialbridge.emr.genomics.finding import Cell, Finding, Kind, genomic_change, word_of
from trialbridge.emr.genomics.vcf_text import FIXED, Header

MOST_ALLELES: Final = 200
_ANNOTATIONS: Final = frozenset({"CSQ", "vep", "ANN", "LOF", "NMD"})
_POSITION: Final = re.compile(r"[0-9]{1,10}")
_STRUCTURAL: Final = frozenset({"dup", "inv", "bnd", "structural", "cnv"})
_LARGE: Final = 50
"""Bases from which a deletion or insertion counts as structural (VCF 4.3, SVLEN)."""
_SHOWN: Final = ("GT", "GQ", "DP", "PS")
_LONGEST: Final = 2000
_DIPLOID: Final = 2


@dataclass(slots=True)
class Record:
    """The columns that all samples share."""

    columns: dict[str, Leaf]
    """CHROM, POS, REF, QUAL and FILTER, as far as they hold something."""
    names: list[Leaf]
    alternates: list[Leaf]
    info: dict[str, Leaf]
    transcripts: list[Transcript] = field(default_factory=list)

    @property
    def filter(self) -> str | None:
        """Return FILTER."""
        return self.columns.get("FILTER")

    def genes(self) -> set[str]:
        """Return the genes that any annotation names, by their approved symbols."""
        named = (one.get("gene") for one in self.transcripts)
        return {genes.canonical(part) for one in named if one for part in one.split("&")}

    def leaves(self) -> Iterator[tuple[str, Leaf]]:
        """Yield all leaves with their paths."""
        yield from ((f"vcf.{name}", leaf) for name, leaf in self.columns.items())
        yield from (("vcf.ID", leaf) for leaf in self.names)
        yield from (("vcf.ALT", leaf) for leaf in self.alternates)
        yield from ((f"vcf.INFO.{name}", leaf) for name, leaf in self.info.items())
        for one in self.transcripts:
            yield from ((f"{one.path}.{name}", leaf) for name, leaf in one.parts.items())


def read_record(line: str, samples: int, header: Header, place: Place) -> tuple[Record, list[dict[str, Leaf]]]:
    """Return a record and the values of each sample; raise `Poison` ``vcf.short-record``, ``vcf.bad-position``, ``vcf.no-place``."""
    cells = line.split("\t")
    if len(cells) < len(FIXED) + 1 + samples:
        raise Poison("vcf.short-record", "The record has fewer columns than the header names.", place)
    fixed = {name.lstrip("#"): Leaf(cell) for name, cell in zip(FIXED, cells, strict=False) if cell not in ("", ".")}
    if not {"CHROM", "REF"} <= set(fixed):
        raise Poison("vcf.no-place", "CHROM or REF is missing.", place)
    if not _POSITION.fullmatch(fixed.get("POS", "")):
        raise Poison("vcf.bad-position", "POS is no number.", msgspec.structs.replace(place, field="POS"))
    alternates = [Leaf(one) for one in fixed.pop("ALT", "").split(",") if one]
    if len(alternates) > MOST_ALLELES:
        raise Poison("vcf.too-many-alleles", f"The record has more than {MOST_ALLELES} alleles.", place)
    names = [Leaf(one) for one in fixed.pop("ID", "").split(";") if one.strip()]
    info = {}
    for part in fixed.pop("INFO", "").split(";"):
        name, equals, value = part.partition("=")
        if name and (value not in ("", ".") or not equals):
            info[name[:80]] = Leaf(value or name)
    record = Record(fixed, names, alternates, {k: one for k, one in info.items() if k not in _ANNOTATIONS})
    record.transcripts = list(transcripts(info, header, place))
    keys = cells[len(FIXED)].split(":")
    values = [_values(keys, cell) for cell in cells[len(FIXED) + 1 : len(FIXED) + 1 + samples]]
    return record, values


def _values(keys: Sequence[str], cell: str) -> dict[str, Leaf]:
    pairs = zip(keys, cell.split(":"), strict=False)
    return {key[:80]: Leaf(one) for key, one in pairs if one and (one != "." or key == "GT")}


def findings(record: Record, sample: Sample, header: Header, place: Place) -> Iterator[tuple[Call, Finding | None]]:
    """Yield, for each allele of a record, whether the sample has it, and then what that is for each gene."""
    count = len(record.alternates)
    for number, alternate in enumerate(record.alternates, 1):
        change = kind_of(record.columns["REF"], alternate, msgspec.structs.replace(place, field="ALT"))
        if change is None:
            continue
        call = sample.call(number, count, place)
        if call != "present":
            yield call, None
            continue
        mine = chosen(of_allele(record.transcripts, number, record.columns["REF"], record.alternates))
        if not mine:
            yield call, _finding(record, sample, header, number, change, None)
        for one in mine:
            yield call, _finding(record, sample, header, number, change, one)


def _finding(
    record: Record, sample: Sample, header: Header, number: int, change: str, transcript: Transcript | None
) -> Finding:
    columns, alternate, count = record.columns, record.alternates[number - 1], len(record.alternates)
    found = Finding(
        (header.assembly or "", columns["CHROM"], columns["POS"], columns["REF"], alternate),
        assembly=header.assembly, chromosome=columns["CHROM"], start=columns["POS"], reference=columns["REF"], alternate=alternate,
        change=change, names=list(record.names), state=sample.state(number), fraction=sample.fraction(number, count),
        alternate_depth=sample.depth(number, count),
    )  # fmt: skip
    found.source = _source(record, sample)
    if transcript is not None:
        _annotate(found, transcript)
    significance = record.info.get("CLNSIG")
    if word_of("significance", significance) is not None:
        found.significance = significance
    if found.genomic is None and change in ("snv", "mnv"):
        found.genomic = genomic_change(header.assembly, columns["CHROM"], columns["POS"], columns["REF"], alternate)
    _structure(found, record, sample, change)
    found.local = [(key, sample.values[key]) for key in _SHOWN if key in sample.values]
    found.local += [(key, columns[key]) for key in ("QUAL", "FILTER") if key in columns]
    beside = [(f"INFO.{key}", one) for key, one in record.info.items()]
    beside += [(f"FORMAT.{key}", one) for key, one in sample.values.items() if key not in _SHOWN]
    found.kept = [(path, one) for path, one in beside if one.strip() and len(one) <= _LONGEST]
    found.key = (*found.key, str(found.gene or ""))
    return found


def _source(record: Record, sample: Sample) -> Leaf | None:
    """Return what says whether the variant is of the tumour: a flag of the record, or VarScan's status."""
    for flag in ("SOMATIC", "GERMLINE"):
        if flag in record.info:
            return record.info[flag]
    status = sample.values.get("SS") or record.info.get("SS")
    return status if status is not None and word_of("source", status) else None


def _annotate(found: Finding, one: Transcript) -> None:
    gene = one.get("gene")
    found.gene, found.hgnc = gene, one.get("hgnc")
    found.transcript, found.exon = one.get("transcript"), _exon(one)
    found.consequences = one.consequences()
    found.coding = hgvs.with_transcript(one.get("coding"), found.transcript)
    found.protein = hgvs.protein(one.get("protein"))
    found.genomic = hgvs.plain(one.get("genomic"))
    significance = one.get("significance")
    if word_of("significance", significance) is not None:
        found.significance = significance
    if gene is not None and "&" in gene and any("fusion" in term for term in found.consequences):
        first, _, second = gene.partition("&")
        found.gene, found.partner, found.kind, found.change = made(first, gene), made(second, gene), "fusion", "fusion"


def _exon(one: Transcript) -> Cell | None:
    """Return the exon that a variant is in, or whose splice site it is at; SnpEff's rank counts introns where it is in one."""
    exon, intron, coding = one.get("exon"), one.get("intron"), one.get("coding")
    if "intron" not in one.names and hgvs.within_intron(coding):
        exon, intron = None, exon
    return exon if exon is not None else hgvs.exon_beside(intron, coding)


def _structure(found: Finding, record: Record, sample: Sample, change: str) -> None:
    """Say of a symbolic allele how far it goes and how many copies there are."""
    end = record.info.get("END")
    if end is not None and _POSITION.fullmatch(end):
        found.end = Made(int(end), (end,))
    symbolic = str(found.alternate).startswith("<") or change == "bnd"
    copies = sample.copies() or copies_of(record.info.get("CN"))
    if found.kind == "fusion":
        return
    if symbolic and copies is not None:
        found.copies, kind = copies, "copy_number"
        value = copies.value
        found.change = made("gain" if value > _DIPLOID else "loss" if value < _DIPLOID else "cnv", *copies.of)
    else:
        kind = "structural" if symbolic and (change in _STRUCTURAL or _is_large(found)) else "small"
    found.kind = _KINDS[kind]


def _is_large(found: Finding) -> bool:
    if found.end is None or not isinstance(found.start, str):
        return True
    return int(found.end.value) - int(found.start) >= _LARGE


_KINDS: Final[dict[str, Kind]] = {"copy_number": "copy_number", "structural": "structural", "small": "small"}
