"""Facts out of genomic observations (Genomics Reporting guide): variants, copy number, fusions, coverage."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, cast

from trialbridge.criteria import facts as f
from trialbridge.emr.facts.biomarkers import said
from trialbridge.emr.facts.read import answer, codings, decimal, exact, mapping, objects, text, when, words
from trialbridge.emr.genomics.finding import terms
from trialbridge.emr.genomics.resources import ALTERATIONS
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import limit, listed

GENE, PROTEIN, CODING, GENOMIC = "48018-6", "48005-3", "48004-6", "81290-9"
CHANGE, CLASS, FRACTION, COPIES, SIGNIFICANCE, EXON = "48019-4", "48002-0", "81258-6", "82155-3", "53037-8", "47999-8"
CONSEQUENCE = "molecular-consequence"
_ALTERATIONS: tuple[Literal["mutation", "copy_number", "fusion"], ...] = ("mutation", "copy_number", "fusion")
_LOOKED_FOR = _ALTERATIONS[:1]


def components(resource: Resource) -> dict[str, list[dict[str, Any]]]:
    """Return the components by LOINC code."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in objects(resource.get("component")):
        for coding in codings(one.get("code")):
            if coding.code:
                found.setdefault(coding.code, []).append(one)
                break
    return found


def _symbol(component: dict[str, Any]) -> str | None:
    """Return a gene symbol: the display or text; a bare HGNC number is no symbol."""
    concept = component.get("valueCodeableConcept")
    for coding in codings(concept):
        for value in (coding.text, coding.code):
            if value and not value.upper().startswith("HGNC:") and not value.isdigit():
                return value
    return words(concept)


def _concept_text(parts: dict[str, list[dict[str, Any]]], code: str) -> str | None:
    for one in parts.get(code, ()):
        concept = mapping(one.get("valueCodeableConcept"))
        coded = next((c.code for c in codings(concept) if c.code), None)
        return coded or words(concept) or text(one.get("valueString"))
    return None


def _word(parts: dict[str, list[dict[str, Any]]], code: str, name: str) -> str | None:
    return next((word for one in parts.get(code, ()) if (word := answer(name, one.get("valueCodeableConcept")))), None)


def of_variant(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield what a variant observation found, or that it found nothing."""
    parts = components(resource)
    symbols = [symbol for one in parts.get(GENE, ()) if (symbol := _symbol(one))]
    change = _word(parts, CHANGE, "change")
    present = "absent" if change == "none" or _unchanged(parts) else _presence(resource)
    if not symbols or present not in ("present", "absent"):
        return
    effective = when(resource)
    effect, says = _consequence(parts)
    copies = next((exact(one.get("valueQuantity")) for one in parts.get(COPIES, ())), None)
    if COPIES in parts or change in ("gain", "loss"):
        call = _call(change, copies, _at_least(parts))
        for gene in dict.fromkeys(symbols):
            yield f.CopyNumber(
                evidence=evidence, effective=effective, gene=gene, present=present == "present", call=call, copies=copies
            )  # fmt: skip
    elif change in ("fusion", "structural") or len(symbols) > 1:
        partner = symbols[1] if len(symbols) > 1 else None
        kind: Literal["fusion", "structural_variant"] = "structural_variant" if change == "structural" else "fusion"
        yield f.Fusion(
            evidence=evidence, effective=effective, gene=symbols[0], partner=partner, present=present == "present", kind_of=kind
        )  # fmt: skip
    elif _counts(parts, says, present):
        yield _small(parts, symbols[0], effect, evidence, effective, present=present == "present")


def _presence(resource: Resource) -> str | None:
    """Return what a variant observation says of its variant; the guide lets one that was found go without saying so.

    An answer that no table has is none: it may as well be a negative.
    """
    unsaid = not any(key.startswith("value") for key in resource) and "dataAbsentReason" not in resource
    return said("presence", resource) or ("present" if unsaid else None)


def _consequence(parts: dict[str, list[dict[str, Any]]]) -> tuple[str | None, str]:
    """Return the molecular consequence in a term that criteria know, and whether it alters the gene (`genomics_consequences.tsv`)."""
    for one in parts.get(CONSEQUENCE, ()):
        concept = mapping(one.get("valueCodeableConcept"))
        for word in (text(concept.get("text")), *(coding.text for coding in codings(concept))):
            term = terms().get(word.casefold()) if word else None
            if term is not None:
                return term.known, term.says
    return None, ""


def _counts(parts: dict[str, list[dict[str, Any]]], says: str, present: str) -> bool:
    """Return whether a variant is a statement about the gene: one outside of what it codes for is none, unless a promoter's is named.

    Who asks for any mutation of a gene does not mean those in its introns or behind it.
    """
    if says == "regulates":
        return "c.-" in (_concept_text(parts, CODING) or "")
    return says != "outside" or present == "absent"


def _unchanged(parts: dict[str, list[dict[str, Any]]]) -> bool:
    """Return whether words stand where a change is named that say that there is none (``wild type``, ``not detected``)."""
    said = [one for code in (PROTEIN, CODING, GENOMIC) if (one := _concept_text(parts, code))]
    return bool(said) and all(map(_is_none, said))


def _is_none(change: str) -> bool:
    return " ".join(change.casefold().replace("-", " ").split()) in listed("no_change")


def _change(parts: dict[str, list[dict[str, Any]]], code: str) -> str | None:
    """Return a change that is named; None for words that say that there is none."""
    named = _concept_text(parts, code)
    return None if named is None or _is_none(named) else named


def _at_least(parts: dict[str, list[dict[str, Any]]]) -> Decimal | None:
    """Return the number of copies that there are at least, where the record says that there are more (``>10``)."""
    stated = next((mapping(one.get("valueQuantity")) for one in parts.get(COPIES, ())), {})
    return decimal(stated.get("value")) if stated.get("comparator") in (">", ">=") else None


def _call(change: str | None, copies: Decimal | None, least: Decimal | None) -> Any:
    """Return the call that a number of copies makes: six or more are an amplification; a gain without a number is no more than that."""
    many = copies if copies is not None else least
    if change == "loss" or (copies is not None and copies < limit("copies_diploid")):
        return "homozygous_deletion" if copies == 0 else "heterozygous_deletion" if copies == 1 else "deletion"
    if many is not None and many >= limit("copies_amplified"):
        return "amplification"
    if change == "gain" and copies is None:
        return "gain"
    return None if copies is None else "gain" if copies > limit("copies_diploid") else "neutral"


def _small(
    parts: dict[str, list[dict[str, Any]]],
    gene: str,
    effect: str | None,
    evidence: f.Evidence,
    effective: str | None,
    *,
    present: bool,
) -> f.Variant:
    fraction = next((exact(one.get("valueQuantity")) for one in parts.get(FRACTION, ())), None)
    return f.Variant(
        evidence=evidence,
        effective=effective,
        gene=gene,
        present=present,
        protein_change=_change(parts, PROTEIN),
        coding_change=_change(parts, CODING),
        genomic_change=_change(parts, GENOMIC),
        exon=_concept_text(parts, EXON),
        effect=effect,
        source_class=cast("Any", _word(parts, CLASS, "source_class") or "unknown"),
        allele_fraction=fraction,
        significance=_word(parts, SIGNIFICANCE, "significance"),
    )


def of_coverage(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield which genes a test looked at."""
    parts = components(resource)
    genes = tuple(symbol for one in parts.get(GENE, ()) if (symbol := _symbol(one)))
    if not genes:
        return
    # The guide's region-studied does not tell alterations apart. Every panel looks for mutations; that it would have found a fusion or
    # a copy number too is known where our extension says so, and not known otherwise.
    named = {one.get("valueCode") for one in objects(resource.get("extension")) if one.get("url") == ALTERATIONS}
    yield f.Coverage(
        evidence=evidence,
        effective=when(resource),
        genes=genes,
        alterations=tuple(one for one in _ALTERATIONS if one in named) or _LOOKED_FOR,
        assay=words(resource.get("method")),
        source_class=cast("Any", _word(parts, CLASS, "source_class") or "unknown"),
    )
