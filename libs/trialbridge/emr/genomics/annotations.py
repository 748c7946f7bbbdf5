"""What annotators say of an allele in INFO: VEP's CSQ and SnpEff's ANN, transcript by transcript, and which of them stands for a gene."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import Leaf, made
from trialbridge.emr.genomics.finding import Cell, rank_of, terms
from trialbridge.emr.genomics.vcf_text import Header, unescaped

MOST_TRANSCRIPTS: Final = 5000
"""Of one record."""
_ANN: Final = (
    "Allele", "Annotation", "Annotation_Impact", "Gene_Name", "Gene_ID", "Feature_Type", "Feature_ID", "Transcript_BioType", "Rank",
    "HGVS.c", "HGVS.p", "cDNA.pos / cDNA.length", "CDS.pos / CDS.length", "AA.pos / AA.length", "Distance", "ERRORS / WARNINGS / INFO",
)  # fmt: skip
"""The parts of ANN by its specification, where a header does not name them."""
_VEP: Final = {
    "gene": "SYMBOL", "hgnc": "HGNC_ID", "consequence": "Consequence", "transcript": "Feature", "coding": "HGVSc", "protein": "HGVSp",
    "exon": "EXON", "intron": "INTRON", "significance": "CLIN_SIG", "genomic": "HGVSg",
}  # fmt: skip
_SNPEFF: Final = {
    "gene": "Gene_Name", "consequence": "Annotation", "transcript": "Feature_ID", "coding": "HGVS.c", "protein": "HGVS.p", "exon": "Rank",
}  # fmt: skip


@dataclass(slots=True)
class Transcript:
    """One annotation of one allele."""

    parts: Mapping[str, Leaf]
    """By the annotator's names; only those that hold something."""
    names: Mapping[str, str]
    """The annotator's name of what is asked for (``gene``, ``protein``)."""
    path: str

    def get(self, name: str) -> Cell | None:
        """Return a part without escapes, None where it is absent."""
        leaf = self.parts.get(self.names.get(name, ""))
        if leaf is None:
            return None
        text = unescaped(leaf).strip()
        return (leaf if text == leaf else made(text, leaf)) if text else None

    def flag(self, name: str) -> bool:
        """Return whether a part of the annotator's holds something but NO."""
        return self.parts.get(name, "").upper() not in ("", "0", "NO")

    def consequences(self) -> list[Cell]:
        """Return the terms, the most severe first."""
        found = self.get("consequence")
        listed = [made(part, found) for part in found.split("&") if part] if found is not None else []
        return sorted(listed, key=rank_of)

    def order(self) -> tuple[bool, bool, bool, int]:
        """Return what the best of a gene's transcripts has least of: picked, MANE, canonical, severe."""
        mane = self.flag("MANE_SELECT") or self.flag("MANE")
        terms_found = self.consequences()
        return (
            not self.flag("PICK"),
            not mane,
            not self.flag("CANONICAL"),
            rank_of(terms_found[0]) if terms_found else 10**6,
        )


def transcripts(info: Mapping[str, str], header: Header, place: Place) -> Iterator[Transcript]:
    """Yield the annotations of a record; raise `Poison` ``vcf.too-many-transcripts``."""
    sources = (("CSQ", header.csq, _VEP), ("vep", header.csq, _VEP), ("ANN", header.ann or _ANN, _SNPEFF))
    for key, names, wanted in sources:
        entries = info.get(key, "").split(",") if names and info.get(key) else []
        if len(entries) > MOST_TRANSCRIPTS:
            message = f"The record has more than {MOST_TRANSCRIPTS} annotations."
            raise Poison("vcf.too-many-transcripts", message, place)
        for entry in entries:
            values = zip(names, entry.split("|"), strict=False)
            parts = {name: Leaf(text) for name, text in values if text.strip(" .-") or (name == "Allele" and text)}
            if parts:
                yield Transcript(parts, wanted, f"vcf.INFO.{key}")


def of_allele(found: Sequence[Transcript], number: int, reference: str, alternates: Sequence[str]) -> list[Transcript]:
    """Return the annotations of one allele (counted from 1), by its number, or by how VEP and SnpEff write it."""
    if len(alternates) == 1:
        return list(found)
    alternate = alternates[number - 1]
    words = {alternate, _vep_allele(reference, alternates, number)}
    return [
        one
        for one in found
        if (
            one.parts["ALLELE_NUM"] == str(number)
            if "ALLELE_NUM" in one.parts
            else one.parts.get("Allele", "") in words
        )
    ]


def _vep_allele(reference: str, alternates: Sequence[str], number: int) -> str:
    """Return an allele as VEP writes it: without the base that all of a record's alleles begin with, where one is longer."""
    plain = [one for one in (reference, *alternates) if one.isalpha()]
    alternate = alternates[number - 1]
    trimmed = len({one[0] for one in plain}) == 1 and len({len(one) for one in plain}) > 1
    return (alternate[1:] or "-") if trimmed and alternate.isalpha() else alternate


def chosen(found: Sequence[Transcript]) -> list[Transcript]:
    """Return the annotation that stands for each gene that the allele alters; where it alters none, the best of all."""
    by_gene: dict[str, list[Transcript]] = {}
    for one in found:
        by_gene.setdefault(str(one.get("gene") or ""), []).append(one)
    best = [min(group, key=Transcript.order) for group in by_gene.values()]
    altering = [one for one in best if one.get("gene") and _alters(one)]
    best.sort(key=lambda one: (one.get("gene") is None, one.order()[3], str(one.get("gene"))))
    return sorted(altering, key=lambda one: str(one.get("gene"))) or best[:1]


def _alters(one: Transcript) -> bool:
    known = (terms().get(term.casefold()) for term in one.consequences())
    return any(term is not None and term.says == "alters" for term in known)
