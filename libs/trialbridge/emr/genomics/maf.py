"""MAF 2.4 (Mutation Annotation Format, docs.gdc.cancer.gov) to variant resources: row by row, also under a hospital's own columns."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import Account, Leaf, Made, drop, made
from trialbridge.emr.csv.layouts import plain
from trialbridge.emr.csv.mapping import Column, Table
from trialbridge.emr.csv.reading import BadLine, Line
from trialbridge.emr.csv.rows import clean
from trialbridge.emr.genomics import hgvs
from trialbridge.emr.genomics.alleles import copies_of
from trialbridge.emr.genomics.delivery import Delivery
from trialbridge.emr.genomics.finding import Cell, Finding, fraction_of, genomic_change, word_of
from trialbridge.emr.genomics.vcf_text import text_lines
from trialbridge.emr.records import Entry, Feed, Found, SetAside, Warnings

MEDIA_TYPE: Final = "text/maf"
MEDIA_TYPES: Final = (MEDIA_TYPE, "text/x-maf", "application/maf")
ROW: Final = "text/maf; one row"
SAMPLE: Final = "Tumor_Sample_Barcode"
GENE: Final = "Hugo_Symbol"
"""The two columns that every MAF has."""
COLUMNS: Final = (
    GENE, SAMPLE, "NCBI_Build", "Chromosome", "Start_Position", "End_Position", "Variant_Classification", "Variant_Type",
    "Reference_Allele", "Tumor_Seq_Allele1", "Tumor_Seq_Allele2", "dbSNP_RS", "Mutation_Status", "HGVSc", "HGVSp", "HGVSp_Short",
    "HGVSg", "Transcript_ID", "Exon_Number", "t_depth", "t_ref_count", "t_alt_count", "Consequence", "CLIN_SIG", "FILTER", "HGNC_ID",
    "Fusion", "Copy_Number", "t_vaf", "INTRON",
)  # fmt: skip
"""The columns that are read; the others are kept as they are written."""
_DENIED: Final = {
    "mutation_status": frozenset({"none", "wildtype", "uncalled"}),
    "validation_status": frozenset({"wildtype", "invalid"}),
}
"""Words that take a row's variant back: of the MAF specification, and those of portals for calls that were not made."""
_SHOWN: Final = ("t_depth", "t_ref_count", "FILTER")
_NOTHING: Final = frozenset({"", ".", "na", "n/a", "null", "none"})
_LONGEST: Final = 2000
MOST_ERRORS: Final = 1000
_DIGITS: Final = 10
_DIPLOID: Final = 2
_FUSION: Final = re.compile(r"([A-Za-z0-9.]{2,20})(?:::|--?|:)([A-Za-z0-9.]{2,20})(?:[\s,;].*)?$")


def convert(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Yield what a MAF file says of the patients whose samples it has."""
    place = Place(entry=entry.name)
    lines = text_lines(entry.body, place)
    head = None
    remarks: list[str] = []
    for number, line in lines:
        if not line.startswith("#"):
            head = Line(number, line.split("\t"))
            break
        remarks.append(line)
    if head is None:
        raise Poison("maf.no-header", "The file does not name its columns.", place)
    rows = (Line(number, line.split("\t")) for number, line in lines if not line.startswith("#"))
    yield from Reading(entry, feed, warnings, head, None, "\n".join(remarks)).rows(rows)


def convert_lines(
    entry: Entry, feed: Feed, warnings: Warnings, table: Table, head: Line, lines: Iterator[Line | BadLine]
) -> Iterator[Found]:
    """Yield what a table says whose columns the mapping gives in those of MAF."""
    yield from Reading(entry, feed, warnings, head, table, "").rows(lines)


class Reading:
    """One file while it is read."""

    def __init__(
        self, entry: Entry, feed: Feed, warnings: Warnings, head: Line, table: Table | None, remarks: str
    ) -> None:
        """Read the header; raise `Poison` ``maf.no-column`` or ``maf.duplicate-column``."""
        self._place = Place(entry=entry.name)
        self._warnings = warnings
        self._account = Account()
        self._head = tuple(clean_header(name, number) for number, name in enumerate(head.cells))
        self._delivery = Delivery(entry, feed, warnings, remarks + "\n" + "\t".join(head.cells))
        self._columns = self._named(head, table)
        self._unknown: set[str] = set()

    def _named(self, head: Line, table: Table | None) -> dict[str, int]:
        numbers: dict[str, int] = {}
        twice = set()
        for number, name in enumerate(head.cells):
            twice |= {plain(name)} & set(numbers)
            numbers.setdefault(plain(name), number)
        given = {plain(key): one for key, one in (table.columns if table else {}).items()}
        found = {}
        for column in COLUMNS:
            one = given.get(plain(column), column)
            name = plain(str(one.column)) if isinstance(one, Column) else plain(one)
            here = msgspec.structs.replace(self._place, segment=f"line[{head.number}]", field=column)
            if name in twice:
                raise Poison(
                    "maf.duplicate-column", "Two columns have this name; it is not clear which one is meant.", here
                )
            if name in numbers:
                found[column] = numbers[name]
            elif column in (SAMPLE, GENE):
                raise Poison("maf.no-column", "A column that MAF needs is not there; check the header.", here)
        return found

    def rows(self, lines: Iterator[Line | BadLine]) -> Iterator[Found]:
        """Yield the results of all samples, and what was set aside."""
        errors = 0
        for line in lines:
            place = msgspec.structs.replace(self._place, segment=f"line[{line.number}]")
            if isinstance(line, BadLine):
                error: Poison | None = Poison(line.code, line.message, place)
                payload = line.text
                self._account.enter_counts({"maf.row": 1}, "dropped", line.code)
            else:
                error, payload = self._row(line, place), "\t".join(line.cells)
            if error is None:
                continue
            self._delivery.spoiled = True
            errors += 1
            if errors > MOST_ERRORS:
                message = f"More than {MOST_ERRORS} rows cannot be read; the rest of the file was not looked at."
                yield SetAside(Poison("maf.too-many-faults", message, place), b"", ROW)
                break
            yield SetAside(error, payload.encode("utf-8", "replace"), ROW)
        yield from self._delivery.finish()
        self._warnings.account.add(self._account)

    def _row(self, line: Line, place: Place) -> Poison | None:
        leaves = {
            number: Leaf(cell) for number, cell in enumerate(line.cells) if cell.strip().casefold() not in _NOTHING
        }
        error = None
        try:
            why = self._found(leaves, line.cells, place)
        except Poison as caught:
            error, why = caught, caught.code
        if error is not None and error.code == "genomics.unknown-sample":
            # One report for each sample is enough.
            sample = leaves[self._columns[SAMPLE]]
            error = None if sample in self._unknown else error
            self._unknown.add(str(sample))
        for number, leaf in leaves.items():
            drop(leaf, why)
            name = self._head[number] if number < len(self._head) else "beyond the header"
            self._account.enter(f"maf.{name}", leaf)
        return error

    def _found(self, leaves: dict[int, Leaf], cells: Sequence[str], place: Place) -> str:
        """Take a row's variant; return why what is not in it is dropped."""
        if len(cells) > len(self._head) and any(number >= len(self._head) for number in leaves):
            raise Poison("maf.ragged-row", "The row has more cells than the header.", place)
        row = {
            name: one for name, number in self._columns.items() if (leaf := leaves.get(number)) and (one := clean(leaf))
        }
        here = msgspec.structs.replace(place, field=self._head[self._columns[SAMPLE]])
        sample, gene = row.get(SAMPLE), row.get(GENE)
        if sample is None:
            raise Poison("maf.no-sample", "The row does not say which sample it is of.", here)
        if gene is None:
            raise Poison(
                "maf.no-gene", "The row does not say which gene it is in.", msgspec.structs.replace(place, field=GENE)
            )
        subject = self._delivery.subject(str(sample), lambda _: None, here)
        allowed = {one.upper() for one in self._delivery.settings.filters}
        if not all(one.strip().upper() in allowed for one in row.get("FILTER", ".").replace(",", ";").split(";")):
            return "maf.filtered"
        if self._is_denied(cells):
            return "maf.no-variant"
        finding = _finding(row)
        read = set(self._columns.values())
        rest = [(self._head[n], one) for n, one in leaves.items() if n < len(self._head)]
        finding.kept = [
            (name, one) for (name, one), n in zip(rest, leaves, strict=False)
            if n not in read and len(one) <= _LONGEST and clean(one) is not None
        ]  # fmt: skip
        self._delivery.add(subject, finding, place)
        return "maf.not-needed"

    def _is_denied(self, cells: Sequence[str]) -> bool:
        """Return whether a row says that its variant was not called, or that another test did not find it.

        Of the cells as they are: the word ``None`` of Mutation_Status is no empty cell.
        """
        told = ((name.casefold(), cell.strip().casefold()) for name, cell in zip(self._head, cells, strict=False))
        return any(cell in _DENIED.get(name, ()) for name, cell in told)


def clean_header(name: str, number: int) -> str:
    """Return a column's name for accounts; one without a name by its number."""
    bare = " ".join("".join(one if one.isprintable() else " " for one in name).split())
    return bare[:60] or f"column {number + 1}"


def _finding(row: dict[str, Cell]) -> Finding:
    short = hgvs.plain(row.get("HGVSp_Short"))
    long = hgvs.protein(row.get("HGVSp"))
    reference, alternate = _alleles(row)
    assembly = word_of("assembly", row.get("NCBI_Build"))
    chromosome, start = row.get("Chromosome"), row.get("Start_Position")
    kind = word_of("maf-type", row.get("Variant_Type"))
    change = made(kind, row["Variant_Type"]) if kind else None
    found = Finding(
        ("maf", assembly or "", *(str(one or "") for one in (chromosome, start, reference, alternate, row[GENE], row.get("HGVSc")))),
        gene=row[GENE], hgnc=row.get("HGNC_ID"), change=change, protein=long or hgvs.protein(short), protein_short=short,
        transcript=row.get("Transcript_ID"), coding=hgvs.with_transcript(row.get("HGVSc"), row.get("Transcript_ID")),
        exon=_exon(row), genomic=hgvs.plain(row.get("HGVSg")), assembly=assembly, chromosome=chromosome,
        reference=reference, alternate=alternate,
    )  # fmt: skip
    if start is not None and start.isdigit():
        found.start = start
    found.consequences = _consequences(row)
    status = row.get("Mutation_Status")
    found.source = status if word_of("source-class", status) else None
    significance = row.get("CLIN_SIG")
    found.significance = significance if word_of("significance", significance) else None
    found.names = [row["dbSNP_RS"]] if str(row.get("dbSNP_RS", "")).startswith("rs") else []
    _amounts(found, row)
    if found.genomic is None and chromosome and start and reference and alternate and kind in ("snv", "mnv"):
        found.genomic = genomic_change(assembly, chromosome, start, reference, alternate)
    if any(one.casefold() == "fusion" for one in found.consequences):
        found.kind, found.change, found.partner = "fusion", "fusion", _partner(row)
    said = {
        "NCBI_Build",
        "Variant_Type",
        "End_Position",
        "Mutation_Status",
        "CLIN_SIG",
        "Fusion",
        "Tumor_Seq_Allele1",
        "dbSNP_RS",
    }
    found.local = [(name, row[name]) for name in (*_SHOWN, *sorted(said)) if name in row]
    return found


def _alleles(row: dict[str, Cell]) -> tuple[Cell | None, Cell | None]:
    """Return reference and alternate allele; the tumour's second allele is the variant one unless it is the reference."""
    reference, first, second = (
        row.get(name) for name in ("Reference_Allele", "Tumor_Seq_Allele1", "Tumor_Seq_Allele2")
    )
    return reference, first if second is None or second == reference else second


def _consequences(row: dict[str, Cell]) -> list[Cell]:
    """Return MAF's classification, and the terms of the Sequence Ontology where the file has them."""
    given = row.get("Consequence")
    terms = [made(one.strip(), given) for one in given.replace("&", ",").replace(";", ",").split(",")] if given else []
    classified = row.get("Variant_Classification")
    return [*([classified] if classified is not None else []), *(one for one in terms if one)]


def _exon(row: dict[str, Cell]) -> Cell | None:
    """Return the exon that a variant is in, or whose splice site it is at."""
    return row.get("Exon_Number") or hgvs.exon_beside(row.get("INTRON"), row.get("HGVSc"))


def _amounts(found: Finding, row: dict[str, Cell]) -> None:
    alternate, reference, depth = (row.get(name) for name in ("t_alt_count", "t_ref_count", "t_depth"))
    vaf = row.get("t_vaf")
    found.fraction = copies_of(vaf) if vaf is not None else None
    if found.fraction is not None and found.fraction.value > 1:
        found.fraction = None
    if alternate is not None and alternate.isdigit() and len(alternate) < _DIGITS:
        found.alternate_depth = Made(int(alternate), (alternate,))
        if found.fraction is None and reference is not None and reference.isdigit():
            found.fraction = fraction_of(alternate, alternate, reference)
        elif found.fraction is None and depth is not None and depth.isdigit():
            found.fraction = fraction_of(alternate, depth)
    found.copies = copies_of(row.get("Copy_Number"))
    if found.copies is not None:
        value = found.copies.value
        found.kind = "copy_number"
        found.change = made("gain" if value > _DIPLOID else "loss" if value < _DIPLOID else "cnv", *found.copies.of)


def _partner(row: dict[str, Cell]) -> Cell | None:
    """Return the other gene of a fusion that a row names as ``EML4-ALK`` or ``EML4::ALK``."""
    named = row.get("Fusion")
    pair = _FUSION.match(named) if named is not None else None
    if pair is None or row[GENE].upper() not in (pair[1].upper(), pair[2].upper()):
        return None
    return made(pair[2] if pair[1].upper() == row[GENE].upper() else pair[1], named)
