"""One variant of one sample, whatever file it was found in: what the resources are made of."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Final, Literal

from trialbridge.emr.account import Derived, Leaf, Made, made
from trialbridge.emr.tables.rows import rows, triples

Cell = Leaf | Derived
Kind = Literal["small", "copy_number", "fusion", "structural"]
_UNKNOWN_RANK: Final = 10_000


@dataclass(slots=True)
class Finding:
    """What a file says of a variant; texts are leaves of the source or made of them."""

    key: tuple[str, ...]
    """What names the variant for ever: place and alleles, and the gene."""
    kind: Kind = "small"
    gene: Cell | None = None
    hgnc: Cell | None = None
    partner: Cell | None = None
    coding: Cell | None = None
    """HGVS c., with its transcript where the file gives it."""
    protein: Cell | None = None
    """HGVS p., in three letters where the file gives that."""
    protein_short: Cell | None = None
    genomic: Cell | None = None
    transcript: Cell | None = None
    exon: Cell | None = None
    consequences: list[Cell] = field(default_factory=list)
    """Terms of the Sequence Ontology or of MAF, the most severe first."""
    source: Cell | str | None = None
    """somatic or germline."""
    significance: Cell | None = None
    change: Cell | str | None = None
    """A word of the table ``change``."""
    fraction: Made | None = None
    alternate_depth: Made | None = None
    copies: Made | None = None
    state: Cell | None = None
    assembly: str | None = None
    chromosome: Cell | None = None
    start: Cell | Made | None = None
    end: Made | None = None
    reference: Cell | None = None
    alternate: Cell | None = None
    names: list[Cell] = field(default_factory=list)
    """Numbers in dbSNP or elsewhere."""
    local: list[tuple[str, Cell]] = field(default_factory=list)
    """What the file says of how it was found, by its own name (``DP``)."""
    kept: list[tuple[str, Leaf]] = field(default_factory=list)
    """What has no place in FHIR, with its path in the source: it is kept as it is written."""


@dataclass(frozen=True, slots=True)
class Term:
    """What a consequence's term means."""

    ontology: str
    says: str
    """alters, silent, regulates or outside."""
    rank: int
    """The lower the more severe."""
    known: str
    """The term that criteria know."""


@cache
def terms() -> dict[str, Term]:
    """Return all terms of consequences in lower case."""
    table = enumerate(rows("genomics_consequences"))
    return {term.casefold(): Term(so if so != "-" else "", says, n, known) for n, (term, so, says, known) in table}


def rank_of(term: str) -> int:
    """Return how severe a consequence is; the lower the more."""
    known = terms().get(term.casefold())
    return known.rank if known is not None else _UNKNOWN_RANK


def word_of(table: str, cell: Cell | str | None) -> str | None:
    """Return what a table has for a word, None where it has nothing."""
    return triples("genomics_words").get((table, cell.casefold())) if cell is not None else None


@cache
def accession(assembly: str, chromosome: str) -> str | None:
    """Return the RefSeq accession of a chromosome (``7``, ``chr7``), None where the table has none."""
    name = chromosome.removeprefix("chr").upper()
    return triples("genomics_chromosomes").get((assembly, "M" if name == "MT" else name))


def fraction_of(part: Cell, *counts: Cell) -> Made | None:
    """Return the share of reads of one allele among all counted, of four digits; None where nothing was counted."""
    try:
        total = sum(Decimal(int(one)) for one in counts)
        share = (Decimal(int(part)) / total).quantize(Decimal("0.0001")) if total > 0 else None
    except ValueError:
        return None
    return Made(share, (part, *counts)) if share is not None and 0 <= share <= 1 else None


def genomic_change(
    assembly: str | None, chromosome: Cell, start: Cell, reference: Cell, alternate: Cell
) -> Derived | None:
    """Return HGVS g. of a substitution of one base or of several; others need the reference's sequence to be told rightly."""
    number = accession(assembly, str(chromosome)) if assembly else None
    old, new = reference.upper(), alternate.upper()
    if number is None or not start.isdigit() or len(old) != len(new) or not set(old + new) <= set("ACGT"):
        return None
    if len(old) > 1 and (old[0] == new[0] or old[-1] == new[-1]):
        return None
    last = int(start) + len(old) - 1
    text = f"{number}:g.{start}{old}>{new}" if len(old) == 1 else f"{number}:g.{start}_{last}delins{new}"
    return made(text, chromosome, start, reference, alternate)
