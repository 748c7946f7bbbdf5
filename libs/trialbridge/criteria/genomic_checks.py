"""The compiler's checks of the genomic leaves: genes, protein changes, exons, effects, copy numbers, signatures."""

import re
from decimal import Decimal
from typing import Any, Final

import msgspec

from trialbridge.criteria import hgvs
from trialbridge.criteria import language as q
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.leaf_words import asked, known_words
from trialbridge.criteria.terminology import effects, genes
from trialbridge.criteria.terminology.nearest import hint

STATUSES: Final = {
    "msi": ("high", "low", "stable", "indeterminate"),
    "mmr": ("proficient", "deficient"),
    "tmb": ("high", "low"),
}
"""The statuses of each signature; of the others, present and absent."""
INTERGENIC: Final = "intergenic"
"""What stands for a fusion partner that is no gene."""
PER_MEGABASE: Final = "1/1000000{Base}"
_PER_MEGABASE: Final = frozenset({PER_MEGABASE.casefold(), "mut/mb", "muts/mb", "mutations/mb", "mutations/megabase"})
_SIGNIFICANCE: Final = ("pathogenic", "likely pathogenic", "uncertain significance", "likely benign", "benign")
_EXON: Final = re.compile(r"(?:exon\s*)?(\d{1,3})", re.IGNORECASE)


def gene(symbol: str, place: str, problems: Problems) -> str:
    """Return the approved symbol; an unknown one is noted."""
    approved = genes.approved(symbol)
    if approved is None and (several := genes.choices(symbol)):
        message = f"Several genes have the name {symbol!r}: name the one that is meant."
        problems.error("ambiguous-gene", place, message, f"did you mean {' or '.join(map(repr, several))}?")
        return symbol
    if approved is None:
        message = f"The gene table has no {symbol!r}."
        problems.error("unknown-gene", place, message, hint(symbol.upper(), genes.known()))
        return symbol
    return approved


def variant(node: q.Variant, place: str, problems: Problems) -> q.Variant:
    """Return the variant leaf in standard form."""
    for name, read, example in (("protein_change", hgvs.normal, "p.V600E"), ("position", hgvs.position, "p.V600")):
        for number, text in enumerate(getattr(node, name)):
            if read(text) is None:
                message = f"{text!r} is not a protein {'change' if name == 'protein_change' else 'position'}."
                problems.error("bad-hgvs", f"{place}.{name}[{number}]", message, f"write it like {example}")
    for number, text in enumerate(node.coding_change):
        if hgvs.coding(text) is None:
            message = f"{text!r} is not a coding change."
            problems.error("bad-hgvs", f"{place}.coding_change[{number}]", message, "write it like c.1799T>A")
    _check_numbers(node, place, problems)
    _check_places(node, place, problems)
    return msgspec.structs.replace(
        node,
        gene=gene(node.gene, f"{place}.gene", problems),
        exon=tuple(_exon(text, f"{place}.exon[{n}]", problems) for n, text in enumerate(node.exon)),
        effects=tuple(_effect(text, f"{place}.effects[{n}]", problems) for n, text in enumerate(node.effects)),
        significance=known_words(node.significance, _SIGNIFICANCE, f"{place}.significance", problems),
    )


def _check_numbers(node: q.Variant, place: str, problems: Problems) -> None:
    if node.codons and not 1 <= node.codons[0] <= node.codons[1]:
        problems.error("contradiction", f"{place}.codons", "The first codon comes after the last, or before codon 1.")
    for name in ("min_allele_fraction", "max_allele_fraction"):
        fraction: Decimal | None = getattr(node, name)
        if fraction is not None and not 0 <= fraction <= 1:
            problems.error("bad-number", f"{place}.{name}", "An allele fraction is from 0 to 1.", "write 0.05 for 5 %")


def _check_places(node: q.Variant, place: str, problems: Problems) -> None:
    """Note protein changes that lie nowhere where the variant is asked for."""
    changes = [change for change in node.protein_change if hgvs.normal(change) is not None]
    if len(changes) < len(node.protein_change) or not changes:
        return
    positions = {hgvs.position(one) for one in node.position}
    if positions and not any(hgvs.substitution_at(change) in positions for change in changes):
        problems.error(
            "contradiction", f"{place}.position", "No such protein change is a substitution at the position."
        )
    if node.codons is not None:
        spans = [found for change in changes if (found := hgvs.codon_of(change)) is not None]
        if spans and not any(node.codons[0] <= first and last <= node.codons[1] for first, last in spans):
            problems.error("contradiction", f"{place}.codons", "No such protein change lies inside of the codons.")


def _exon(text: str, place: str, problems: Problems) -> str:
    found = _EXON.fullmatch(text.strip())
    if found is None:
        problems.error("bad-number", place, f"{text!r} is no exon.", "write its number")
        return text
    return str(int(found[1]))


def _effect(text: str, place: str, problems: Problems) -> str:
    if effects.classes(text) is None:
        problems.error("unknown-term", place, f"There is no effect {text!r}.", hint(text, effects.known()))
        return text
    return effects.standard(text)


def one_gene(node: Any, place: str, problems: Problems) -> Any:
    """Return a leaf on one gene with its approved symbol."""
    return msgspec.structs.replace(node, gene=gene(node.gene, f"{place}.gene", problems))


def copy_number(node: q.CopyNumber, place: str, problems: Problems) -> q.CopyNumber:
    """Return the copy number leaf in standard form."""
    for name in ("min_copies", "max_copies"):
        copies: Decimal | None = getattr(node, name)
        if copies is not None and copies.is_finite() and copies < 0:
            problems.error("bad-number", f"{place}.{name}", "There are no negative copies.")
    checked: q.CopyNumber = one_gene(node, place, problems)
    return checked


def fusion(node: q.Fusion, place: str, problems: Problems) -> q.Fusion:
    """Return the fusion leaf in standard form."""
    partner = node.partner.strip() if node.partner else None
    if partner is not None:
        region = partner.casefold() == INTERGENIC
        partner = INTERGENIC if region else gene(partner, f"{place}.partner", problems)
    symbol = gene(node.gene, f"{place}.gene", problems)
    if partner == symbol:
        problems.warn("self-partner", f"{place}.partner", "The gene is its own partner.")
    return msgspec.structs.replace(node, gene=symbol, partner=partner)


def signature(node: q.Signature, place: str, problems: Problems) -> q.Signature:
    """Return the signature leaf in standard form."""
    asked(node, ("any_of", "min", "max", "above", "below"), place, problems)
    bounds = {name: getattr(node, name) for name in ("min", "max", "above", "below")}
    if any(bound is not None for bound in bounds.values()):
        if node.name in ("msi", "mmr"):
            problems.error("bad-number", place, f"{node.name} is asked for by any_of.")
        for name, bound in bounds.items():
            if bound is not None and bound < 0:
                problems.error("bad-number", f"{place}.{name}", f"{node.name} is not negative.")
    unit = node.unit
    if node.name == "tmb" and unit is None and any(bound is not None for bound in bounds.values()):
        unit = PER_MEGABASE
    if node.name == "tmb" and unit is not None:
        if "".join(unit.split()).casefold() not in _PER_MEGABASE:
            message = "Mutational burden is compared in mutations per megabase only."
            problems.error("bad-unit", f"{place}.unit", message, f"write {PER_MEGABASE}")
        unit = PER_MEGABASE
    words = known_words(node.any_of, STATUSES.get(node.name, ("present", "absent")), f"{place}.any_of", problems)
    return msgspec.structs.replace(node, any_of=words, unit=unit)
