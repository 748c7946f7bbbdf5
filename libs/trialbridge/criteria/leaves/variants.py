"""Judges of small variants, wild type and whether a gene was tested."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Literal

from trialbridge.criteria import facts as f
from trialbridge.criteria import hgvs
from trialbridge.criteria import language as q
from trialbridge.criteria.finding import MET, NOT_MET, UNKNOWN, Finding, Settle, best, evidence_of, sentence, worst
from trialbridge.criteria.known import Known
from trialbridge.criteria.terminology import genes
from trialbridge.criteria.verdicts import Verdict

Alteration = Literal["mutation", "copy_number", "fusion"]
_BENIGN = frozenset({"benign", "likely benign"})


def sequencing(gene: str, what: str = "sequencing") -> Settle:
    """Return the test that would settle a question about a gene."""
    return Settle(f"{what} that covers {gene}", "sequencing")


def shown_gene(asked: str) -> str:
    """Return the approved symbol, with the alias that was asked for where they differ."""
    approved = genes.canonical(asked)
    return approved if approved == asked.strip().upper() else f"{approved} (asked as {asked})"


def coverage(known: Known, gene: str, alteration: Alteration, source: str | None = None) -> list[f.Coverage]:
    """Return the tests that looked at a gene for a kind of alteration (of germline or tumour, where asked)."""
    return [
        fact
        for fact in known.of(f.Coverage)
        if alteration in fact.alterations
        and gene in {genes.canonical(name) for name in fact.genes}
        and (source is None or fact.source_class in (source, "unknown"))
    ]


def counts(fact: f.Variant) -> bool:
    """Return whether a variant counts where none is named: benign and synonymous ones do not."""
    silent = fact.protein_change is not None and hgvs.is_synonymous(fact.protein_change)
    return not silent and (fact.significance or "").casefold() not in _BENIGN


def _is(value: object, wanted: object) -> Verdict:
    return UNKNOWN if value is None else MET if value == wanted else NOT_MET


def _change(leaf: q.Variant, fact: f.Variant) -> Iterator[Verdict]:
    change = fact.protein_change
    if leaf.protein_change is not None:
        yield UNKNOWN if not change else _is(hgvs.normal(change) or "", hgvs.normal(leaf.protein_change))
    if leaf.position is not None:
        yield UNKNOWN if not change else _is(hgvs.substitution_at(change) or "", hgvs.position(leaf.position))
    if leaf.codons is not None:
        touched = hgvs.codon_of(change) if change else None
        inside = touched is not None and leaf.codons[0] <= touched[0] and touched[1] <= leaf.codons[1]
        yield UNKNOWN if not change else MET if inside else NOT_MET
    if leaf.coding_change is not None:
        yield _is(_coding(fact.coding_change), _coding(leaf.coding_change))


def _coding(text: str | None) -> str | None:
    return None if not text else text.rsplit(":", 1)[-1].removeprefix("c.").replace(" ", "")


def _word(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip()).casefold()


def _qualities(leaf: q.Variant, fact: f.Variant) -> Iterator[Verdict]:
    if leaf.exon is not None:
        yield _is(fact.exon, leaf.exon)
    if leaf.effects:
        yield UNKNOWN if not fact.effect else _is(_word(fact.effect) in {_word(e) for e in leaf.effects}, wanted=True)
    if leaf.source is not None:
        yield UNKNOWN if fact.source_class == "unknown" else _is(fact.source_class, leaf.source)
    if leaf.min_allele_fraction is not None:
        fraction: Decimal | None = fact.allele_fraction
        yield UNKNOWN if fraction is None else MET if fraction >= leaf.min_allele_fraction else NOT_MET
    if leaf.oncogenic is not None:
        yield _is(fact.oncogenic, leaf.oncogenic)
    if leaf.significance:
        said = (fact.significance or "").casefold()
        yield UNKNOWN if not said else _is(said in {word.casefold() for word in leaf.significance}, wanted=True)
    if leaf.function is not None:
        yield _is(fact.molecular_function, leaf.function)


def _fits(leaf: q.Variant, fact: f.Variant) -> Verdict:
    return worst((*_change(leaf, fact), *_qualities(leaf, fact)))


def words(leaf: q.Variant) -> str:
    """Return what is asked for, in words."""
    named = leaf.protein_change or leaf.position or leaf.coding_change
    codons = f"codons {leaf.codons[0]} to {leaf.codons[1]}" if leaf.codons else None
    exon = f"exon {leaf.exon}" if leaf.exon else None
    function = f"{leaf.function}" if leaf.function else None
    parts = (named, codons, exon, " or ".join(leaf.effects), leaf.source, " or ".join(leaf.significance), function)
    return " ".join((shown_gene(leaf.gene), "mutation", *(part for part in parts if part)))


def _said(fact: f.Variant) -> str:
    return " ".join(filter(None, (fact.gene, fact.protein_change or fact.coding_change or "mutation")))


def _reported_negative(leaf: q.Variant, fact: f.Variant) -> bool:
    if fact.present:
        return False
    named = fact.protein_change or fact.coding_change
    return not named or _fits(leaf, fact) is MET


def judge_variant(leaf: q.Variant, known: Known) -> Finding:
    """Judge the gene's variants one by one; the best fit decides, absence only where the gene was looked at."""
    gene, wanted = genes.canonical(leaf.gene), words(leaf)
    mine = [fact for fact in known.of(f.Variant) if genes.canonical(fact.gene) == gene]
    named = leaf.protein_change or leaf.coding_change or leaf.significance or leaf.effects
    present = [fact for fact in mine if fact.present and (named or counts(fact))]
    checks = [(fact, _fits(leaf, fact)) for fact in present]
    verdict = best(v for _, v in checks) if checks else UNKNOWN
    if verdict is MET or (checks and verdict is UNKNOWN):
        decisive = [fact for fact, v in checks if v is verdict]
        said = ", ".join(dict.fromkeys(_said(fact) for fact in decisive))
        if verdict is MET:
            return Finding(MET, False, sentence(f"{said} was found", wanted), evidence_of(decisive))
        open_words = f"{said} was found, without all that is asked"
        return Finding(UNKNOWN, True, sentence(open_words, wanted), evidence_of(decisive), _detail(gene))
    negative = [fact for fact in mine if _reported_negative(leaf, fact)]
    looked = coverage(known, gene, "mutation", leaf.source)
    grounds: list[f.Fact] = [*present, *negative, *looked]
    if grounds:
        said = ", ".join(dict.fromkeys(_said(fact) for fact in present))
        found = f"only {said} was found" if said else f"{gene} was tested and no such mutation was found"
        return Finding(NOT_MET, False, sentence(found, wanted), evidence_of(grounds))
    return Finding(UNKNOWN, True, sentence(f"no test covers {gene}", wanted), (), sequencing(gene))


def _detail(gene: str) -> Settle:
    return Settle(f"the full report of the {gene} mutation", "record")


def _looked(known: Known, gene: str) -> list[f.Fact]:
    """Return what says that the gene was looked at for mutations as a whole."""
    negative = [
        fact
        for fact in known.of(f.Variant)
        if genes.canonical(fact.gene) == gene and not fact.present and not (fact.protein_change or fact.coding_change)
    ]
    return [*negative, *coverage(known, gene, "mutation")]


def judge_wild_type(leaf: q.WildType, known: Known) -> Finding:
    """Judge that a gene was looked at and no variant that counts was found."""
    gene = genes.canonical(leaf.gene)
    wanted = f"{shown_gene(leaf.gene)} wild type"
    found = [x for x in known.of(f.Variant) if genes.canonical(x.gene) == gene and x.present and counts(x)]
    if found:
        said = ", ".join(dict.fromkeys(_said(fact) for fact in found))
        return Finding(NOT_MET, False, sentence(f"{said} was found", wanted), evidence_of(found))
    looked = _looked(known, gene)
    if looked:
        return Finding(
            MET, False, sentence(f"{gene} was tested and no mutation was found", wanted), evidence_of(looked)
        )
    return Finding(UNKNOWN, True, sentence(f"no test covers {gene}", wanted), (), sequencing(gene))


_FINDINGS: dict[Alteration, Callable[[Known, str], list[f.Fact]]] = {
    "mutation": lambda known, gene: [x for x in known.of(f.Variant) if genes.canonical(x.gene) == gene],
    "copy_number": lambda known, gene: [x for x in known.of(f.CopyNumber) if genes.canonical(x.gene) == gene],
    "fusion": lambda known, gene: [
        x for x in known.of(f.Fusion) if gene in {genes.canonical(x.gene), genes.canonical(x.partner or "")}
    ],
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
