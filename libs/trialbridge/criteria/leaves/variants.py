"""Judges of small variants, wild type and whether a gene was tested."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from trialbridge.criteria import facts as f
from trialbridge.criteria import hgvs
from trialbridge.criteria import language as q
from trialbridge.criteria.bounds import finite
from trialbridge.criteria.finding import (
    MET,
    NOT_MET,
    UNKNOWN,
    Finding,
    Settle,
    best,
    evidence_of,
    overlap,
    sentence,
    worst,
)
from trialbridge.criteria.known import Known
from trialbridge.criteria.terminology import effects, genes
from trialbridge.criteria.terminology.source import kept
from trialbridge.criteria.verdicts import Verdict

Alteration = Literal["mutation", "copy_number", "fusion"]
_BENIGN = frozenset({"benign", "likely benign"})
_SILENT = frozenset({"silent", "intron"})
_ANY = frozenset({"any"})


def sequencing(gene: str, what: str = "sequencing") -> Settle:
    """Return the test that would settle a question about a gene."""
    return Settle(f"{what} that covers {gene}", "sequencing")


def shown_gene(asked: str) -> str:
    """Return the approved symbol, with the alias that was asked for where they differ."""
    approved = genes.canonical(asked)
    return approved if approved == asked.strip().upper() else f"{approved} (asked as {asked})"


def looked_at(source: str, wanted: str | None) -> bool:
    """Return whether a test of this source would have seen what is wanted: a germline test says nothing of the tumour."""
    return source in ("unknown", wanted or "somatic")


def coverage(known: Known, gene: str, alteration: Alteration, source: str | None = None) -> list[f.Coverage]:
    """Return the tests that looked at a gene for a kind of alteration, in germline or (where not asked) in the tumour."""
    return [
        fact for fact in known.looked(gene) if alteration in fact.alterations and looked_at(fact.source_class, source)
    ]


def counts(fact: f.Variant) -> bool:
    """Return whether a variant counts where none is named: benign and synonymous ones do not, nor those whose effect alone says so."""
    if fact.protein_change:
        silent = hgvs.is_synonymous(fact.protein_change)
    else:
        silent = bool(fact.effect) and (effects.classes(fact.effect or "") or _ANY) <= _SILENT
    return not silent and (fact.significance or "").casefold() not in _BENIGN


def _is(value: object, wanted: object) -> Verdict:
    return UNKNOWN if value is None else MET if value == wanted else NOT_MET


def _among(value: str | None, wanted: Iterable[str | None]) -> Verdict:
    return UNKNOWN if value is None else MET if value in set(wanted) else NOT_MET


def _change(leaf: q.Variant, fact: f.Variant) -> Iterator[Verdict]:
    change = fact.protein_change or None
    if leaf.protein_change:
        yield UNKNOWN if not change else _among(hgvs.normal(change) or "", map(hgvs.normal, leaf.protein_change))
    if leaf.position:
        yield UNKNOWN if not change else _among(hgvs.substitution_at(change) or "", map(hgvs.position, leaf.position))
    if leaf.codons is not None:
        touched = hgvs.codon_of(change) if change else None
        inside = touched is not None and leaf.codons[0] <= touched[0] and touched[1] <= leaf.codons[1]
        yield UNKNOWN if not change else MET if inside else NOT_MET
    if leaf.coding_change:
        found = hgvs.coding(fact.coding_change) or "" if fact.coding_change else None
        yield _among(found, map(hgvs.coding, leaf.coding_change))


def _exon(text: str | None) -> str | None:
    """Return the exon's number out of ``19``, ``exon 19`` or ``19/28``."""
    found = re.search(r"\d+", text or "")
    return str(int(found[0])) if found else None


def _effect(leaf: q.Variant, fact: f.Variant) -> Verdict:
    """Compare by the elementary classes that the record leaves possible; without a classification the protein change tells."""
    recorded = effects.classes(fact.effect) if fact.effect else None
    if recorded is None and fact.protein_change:
        recorded = hgvs.effect(fact.protein_change)
    if recorded is None:
        return UNKNOWN
    wanted = frozenset(one for word in leaf.effects for one in effects.classes(word) or ())
    return overlap(recorded, wanted)


def _qualities(leaf: q.Variant, fact: f.Variant) -> Iterator[Verdict]:
    if leaf.exon:
        yield _among(_exon(fact.exon), map(_exon, leaf.exon))
    if leaf.effects:
        yield _effect(leaf, fact)
    if leaf.source is not None:
        yield UNKNOWN if fact.source_class == "unknown" else _is(fact.source_class, leaf.source)
    if leaf.min_allele_fraction is not None:
        fraction = finite(fact.allele_fraction)
        yield UNKNOWN if fraction is None else MET if fraction >= leaf.min_allele_fraction else NOT_MET
    if leaf.max_allele_fraction is not None:
        fraction = finite(fact.allele_fraction)
        yield UNKNOWN if fraction is None else MET if fraction <= leaf.max_allele_fraction else NOT_MET
    if leaf.oncogenic is not None:
        yield _is(fact.oncogenic, leaf.oncogenic)
    if leaf.significance:
        said = (fact.significance or "").strip().casefold()
        yield UNKNOWN if not said else _is(said in {word.casefold() for word in leaf.significance}, wanted=True)
    if leaf.tiers:
        yield _among(fact.tier, leaf.tiers)
    if leaf.function is not None:
        yield _is(fact.molecular_function, leaf.function)


def _fits(leaf: q.Variant, fact: f.Variant) -> Verdict:
    return worst((*_change(leaf, fact), *_qualities(leaf, fact)))


@kept(maxsize=65536)
def words(leaf: q.Variant) -> str:
    """Return what is asked for, in words."""
    named = " or ".join((*leaf.protein_change, *leaf.position, *leaf.coding_change))
    codons = f"codons {leaf.codons[0]} to {leaf.codons[1]}" if leaf.codons else ""
    exon = f"exon {' or '.join(leaf.exon)}" if leaf.exon else ""
    fraction = f"allele fraction from {leaf.min_allele_fraction}" if leaf.min_allele_fraction is not None else ""
    if leaf.max_allele_fraction is not None:
        fraction = f"{fraction} allele fraction up to {leaf.max_allele_fraction}".strip()
    oncogenic = "" if leaf.oncogenic is None else "oncogenic" if leaf.oncogenic else "not oncogenic"
    tier = f"tier {' or '.join(leaf.tiers)}" if leaf.tiers else ""
    parts = (named, codons, exon, " or ".join(leaf.effects), leaf.source, " or ".join(leaf.significance), oncogenic,
             leaf.function, tier, fraction)  # fmt: skip
    return " ".join((shown_gene(leaf.gene), "mutation", *(part for part in parts if part)))


def _said(fact: f.Variant) -> str:
    gene = genes.canonical(fact.gene)
    shown = gene if gene == fact.gene.strip().upper() else f"{gene} (recorded as {fact.gene})"
    return f"{shown} {fact.protein_change or fact.coding_change or 'mutation'}"


def _reported_negative(leaf: q.Variant, fact: f.Variant) -> bool:
    """Return whether a reported absence rules out all that is asked for."""
    if fact.present or not looked_at(fact.source_class, leaf.source):
        return False
    if not (fact.protein_change or fact.coding_change):
        return True
    # A named change rules out that change alone.
    exact = len(leaf.protein_change) == 1 or (not leaf.protein_change and len(leaf.coding_change) == 1)
    return exact and worst(_change(leaf, fact)) is MET


def judge_variant(leaf: q.Variant, known: Known) -> Finding:
    """Judge the gene's variants one by one; the best fit decides, absence only where the gene was looked at."""
    gene, wanted = genes.canonical(leaf.gene), words(leaf)
    mine = known.about(f.Variant, gene)
    named = leaf.protein_change or leaf.coding_change or leaf.significance or leaf.effects
    present = [fact for fact in mine if fact.present and (named or counts(fact))]
    checks = [(fact, _fits(leaf, fact)) for fact in present]
    verdict = best(v for _, v in checks) if checks else UNKNOWN
    decisive = [fact for fact, v in checks if v is verdict]
    if verdict is MET:
        return Finding(MET, False, sentence(f"{_list(decisive)} was found", wanted), evidence_of(decisive))
    if decisive and verdict is UNKNOWN:
        said = f"{_list(decisive)} was found, without all that is asked"
        return Finding(UNKNOWN, True, sentence(said, wanted), evidence_of(decisive), _detail(gene))
    others = [fact for fact in present if looked_at(fact.source_class, leaf.source)]
    negative = [fact for fact in mine if _reported_negative(leaf, fact)]
    grounds: list[f.Fact] = [*others, *negative, *coverage(known, gene, "mutation", leaf.source)]
    if grounds:
        found = f"only {_list(others)} was found" if others else f"{gene} was tested and no such mutation was found"
        return Finding(NOT_MET, False, sentence(found, wanted), evidence_of(grounds))
    tissue = f" in the {'germline' if leaf.source == 'germline' else 'tumour'}" if present or leaf.source else ""
    return Finding(UNKNOWN, True, sentence(f"no test covers {gene}{tissue}", wanted), (), sequencing(gene))


def _list(facts: Iterable[f.Variant]) -> str:
    return ", ".join(dict.fromkeys(_said(fact) for fact in facts))


def _detail(gene: str) -> Settle:
    return Settle(f"the full report of the {gene} mutation", "record")


def _looked(known: Known, gene: str) -> list[f.Fact]:
    """Return what says that the gene was looked at for mutations as a whole."""
    negative = [
        fact
        for fact in known.about(f.Variant, gene)
        if not (fact.present or fact.protein_change or fact.coding_change) and looked_at(fact.source_class, None)
    ]
    return [*negative, *coverage(known, gene, "mutation")]


def judge_wild_type(leaf: q.WildType, known: Known) -> Finding:
    """Judge that a gene was looked at and no variant that counts was found."""
    gene = genes.canonical(leaf.gene)
    wanted = f"{shown_gene(leaf.gene)} wild type"
    found = [x for x in known.about(f.Variant, gene) if x.present and counts(x)]
    if found:
        return Finding(NOT_MET, False, sentence(f"{_list(found)} was found", wanted), evidence_of(found))
    looked = _looked(known, gene)
    if looked:
        return Finding(
            MET, False, sentence(f"{gene} was tested and no mutation was found", wanted), evidence_of(looked)
        )
    return Finding(UNKNOWN, True, sentence(f"no test covers {gene}", wanted), (), sequencing(gene))


_FINDINGS: dict[Alteration, Callable[[Known, str], list[f.Fact]]] = {
    "mutation": lambda known, gene: [x for x in known.about(f.Variant, gene) if looked_at(x.source_class, None)],
    "copy_number": lambda known, gene: list(known.about(f.CopyNumber, gene)),
    "fusion": lambda known, gene: list(known.about(f.Fusion, gene)),
}


def judge_tested(leaf: q.Tested, known: Known) -> Finding:
    """Judge that a gene was looked at; never fails, since other tests may exist."""
    gene = genes.canonical(leaf.gene)
    what = leaf.alteration.replace("_", " ")
    wanted = f"{shown_gene(leaf.gene)} tested for {what}"
    looked: list[f.Fact] = [*_FINDINGS[leaf.alteration](known, gene), *coverage(known, gene, leaf.alteration)]
    if looked:
        return Finding(MET, False, sentence(f"{gene} was tested", wanted), evidence_of(looked))
    return Finding(UNKNOWN, True, sentence(f"no test covers {gene}", wanted), (), sequencing(gene))
