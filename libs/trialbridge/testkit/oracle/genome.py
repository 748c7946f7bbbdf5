"""The oracle on the tumour's genome: variants, copy numbers, fusions, wild type, and whether a gene was looked at."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.verdicts import Verdict
from trialbridge.testkit.oracle import protein
from trialbridge.testkit.oracle import tables as t
from trialbridge.testkit.oracle.answers import NO, OPEN, UNKNOWN, YES, Answer, among, either, firm, joined
from trialbridge.testkit.oracle.measures import number
from trialbridge.testkit.oracle.patient import Patient

Alteration = Literal["mutation", "copy_number", "fusion"]
_BENIGN = ("benign", "likely benign")
_EFFECTS = {
    "missense_mutation missense_variant missense": "missense",
    "nonsense_mutation stop_gained nonsense": "nonsense",
    "frame_shift_del": "frameshift_del",
    "frame_shift_ins": "frameshift_ins",
    "frameshift_variant frameshift": "frameshift_del frameshift_ins",
    "in_frame_del inframe_deletion": "inframe_del",
    "in_frame_ins inframe_insertion": "inframe_ins",
    "inframe_indel": "inframe_del inframe_ins",
    "splice_site splice_acceptor_variant splice_donor_variant": "splice_site",
    "splice_region splice_region_variant": "splice_region",
    "translation_start_site start_lost": "start_lost",
    "nonstop_mutation stop_lost": "stop_lost",
    "silent synonymous_variant": "silent",
    "intron intron_variant": "intron",
}
_CALLS = {
    "amplification": ["high_amplification", "low_amplification"],
    "deletion": ["homozygous_deletion", "heterozygous_deletion"],
}
_ALTERED = ["high_amplification", "low_amplification", "gain", "homozygous_deletion", "heterozygous_deletion"]


def _effect_words(text: str | None) -> list[str]:
    word = "_".join((text or "").replace("-", " ").replace("_", " ").split()).casefold()
    return next((parts.split() for names, parts in _EFFECTS.items() if word in names.split()), [])


def _seen_by(source: str, wanted: str | None) -> bool:
    """Return whether a test of this source sees what is wanted; without a wish the tumour is meant."""
    return source in ("unknown", wanted or "somatic")


def covered(gene: str, alteration: Alteration, source: str | None, patient: Patient) -> bool:
    """Return whether a panel looked at the gene for this kind of alteration, in this tissue."""
    return any(
        alteration in fact.alterations and _seen_by(fact.source_class, source) and gene in map(t.gene, fact.genes)
        for fact in patient.all(f.Coverage)
    )


def _variants(gene: str, patient: Patient) -> list[f.Variant]:
    return [fact for fact in patient.all(f.Variant) if t.gene(fact.gene) == gene]


def _harmless(fact: f.Variant) -> bool:
    if (fact.significance or "").strip().casefold() in _BENIGN:
        return True
    if fact.protein_change:
        read = protein.read(fact.protein_change)
        return read is not None and read.synonymous
    words = _effect_words(fact.effect)
    return bool(words) and all(word in ("silent", "intron") for word in words)


def _exon(text: str | None) -> int | None:
    found = re.search(r"\d+", text or "")
    return int(found[0]) if found else None


def _coding(text: str) -> str:
    return "".join(text.split()).rsplit(":", maxsplit=1)[-1].removeprefix("c.")


def _named(leaf: q.Variant, fact: f.Variant) -> Iterator[Verdict]:
    """Compare the change itself; text that is no HGVS is another change."""
    text = fact.protein_change
    if leaf.protein_change:
        found = protein.read(text)
        yield OPEN if not text else YES if found in map(protein.read, leaf.protein_change) and found else NO
    if leaf.position:
        places = [(one.first) for one in map(protein.read, leaf.position) if one]
        yield OPEN if not text else YES if protein.substituted_at(text) in places else NO
    if leaf.codons is not None:
        found = protein.read(text)
        low, high = leaf.codons
        yield OPEN if not text else YES if found and low <= found.first[1] <= found.last[1] <= high else NO
    if leaf.coding_change:
        said = fact.coding_change
        yield OPEN if not said else YES if _coding(said) in map(_coding, leaf.coding_change) else NO


def _described(leaf: q.Variant, fact: f.Variant) -> Iterator[Verdict]:
    if leaf.exon:
        exon = _exon(fact.exon)
        yield OPEN if exon is None else YES if exon in map(_exon, leaf.exon) else NO
    if leaf.effects:
        effects = _effect_words(fact.effect) or protein.effects(fact.protein_change)
        yield among(effects, [one for word in leaf.effects for one in _effect_words(word)]) if effects else OPEN
    if leaf.source is not None:
        yield OPEN if fact.source_class == "unknown" else YES if fact.source_class == leaf.source else NO
    fraction = number(fact.allele_fraction)
    if leaf.min_allele_fraction is not None:
        yield OPEN if fraction is None else YES if fraction >= Fraction(leaf.min_allele_fraction) else NO
    if leaf.max_allele_fraction is not None:
        yield OPEN if fraction is None else YES if fraction <= Fraction(leaf.max_allele_fraction) else NO
    if leaf.oncogenic is not None:
        yield OPEN if fact.oncogenic is None else YES if fact.oncogenic == leaf.oncogenic else NO
    if leaf.significance:
        said = (fact.significance or "").strip().casefold()
        yield OPEN if not said else YES if said in [" ".join(x.split()).casefold() for x in leaf.significance] else NO
    if leaf.tiers:
        yield OPEN if fact.tier is None else YES if fact.tier in leaf.tiers else NO
    if leaf.function is not None:
        function = fact.molecular_function
        yield OPEN if function is None else YES if function == leaf.function else NO


def _counts(leaf: q.Variant, fact: f.Variant) -> bool:
    """Benign and synonymous variants count only where the change, its significance or its effect is named."""
    return not _harmless(fact) or bool(leaf.protein_change or leaf.coding_change or leaf.significance or leaf.effects)


def _denies(leaf: q.Variant, fact: f.Variant) -> bool:
    """Return whether a reported absence answers the question: of the whole gene always, of a named change for that one alone."""
    if not _seen_by(fact.source_class, leaf.source):
        return False
    if not (fact.protein_change or fact.coding_change):
        return True
    single = len(leaf.protein_change or leaf.coding_change) == 1
    return single and joined(_named(leaf, fact)) is YES


def variant(leaf: q.Variant, patient: Patient) -> Answer:
    """All that is asked must hold for one and the same variant; none fails only where the gene was looked at."""
    gene = t.gene(leaf.gene)
    found = [fact for fact in _variants(gene, patient) if fact.present and _counts(leaf, fact)]
    absent = [fact for fact in _variants(gene, patient) if not fact.present]
    verdict = either(joined((*_named(leaf, fact), *_described(leaf, fact))) for fact in found)
    if verdict is not NO:
        return firm(verdict)
    looked = (
        covered(gene, "mutation", leaf.source, patient)
        or any(_denies(leaf, fact) for fact in absent)
        or any(_seen_by(fact.source_class, leaf.source) for fact in found)
    )
    return firm(NO) if looked else UNKNOWN


def wild_type(leaf: q.WildType, patient: Patient) -> Answer:
    """No variant that counts, in a gene that was looked at as a whole."""
    gene = t.gene(leaf.gene)
    mine = _variants(gene, patient)
    if any(fact.present and not _harmless(fact) for fact in mine):
        return firm(NO)
    denied = any(
        not (fact.present or fact.protein_change or fact.coding_change) and _seen_by(fact.source_class, None)
        for fact in mine
    )
    return firm(YES) if denied or covered(gene, "mutation", None, patient) else UNKNOWN


def copy_number(leaf: q.CopyNumber, patient: Patient) -> Answer:
    """The call and the number of copies; a gene that was looked at and has no alteration is neutral."""
    gene = t.gene(leaf.gene)
    mine = [fact for fact in patient.all(f.CopyNumber) if t.gene(fact.gene) == gene]
    bounded = leaf.min_copies is not None or leaf.max_copies is not None
    wanted = [one for call in leaf.calls for one in _CALLS.get(call, [call])]

    def fits(fact: f.CopyNumber) -> Verdict:
        parts = []
        if wanted or not bounded:
            possible = _CALLS.get(fact.call, [fact.call]) if fact.call else []
            parts.append(among(possible, wanted or _ALTERED) if possible else OPEN)
        if bounded:
            copies = number(fact.copies)
            low, high = number(leaf.min_copies), number(leaf.max_copies)
            inside = copies is not None and (low is None or copies >= low) and (high is None or copies <= high)
            parts.append(OPEN if copies is None else YES if inside else NO)
        return joined(parts)

    found = [fits(fact) for fact in mine if fact.present]
    if found and either(found) is not NO:
        return firm(either(found))
    absent = [fact for fact in mine if not fact.present]
    nothing = covered(gene, "copy_number", None, patient) or any(fact.call is None for fact in absent)
    if nothing and not found and "neutral" in wanted:
        return UNKNOWN if bounded else firm(YES)
    named = any(fact.call and set(wanted or _ALTERED) <= set(_CALLS.get(fact.call, [fact.call])) for fact in absent)
    return firm(NO) if found or nothing or named else UNKNOWN


def fusion(leaf: q.Fusion, patient: Patient) -> Answer:
    """The gene on either side; every fusion is a structural variant, not every structural variant is a fusion."""
    gene, partner = t.gene(leaf.gene), t.gene(leaf.partner) if leaf.partner else None
    mine = [fact for fact in patient.all(f.Fusion) if gene in (t.gene(fact.gene), t.gene(fact.partner or ""))]

    def partnered(fact: f.Fusion) -> Verdict:
        sides = [t.gene(fact.gene), t.gene(fact.partner) if fact.partner else None]
        sides.remove(gene)
        return YES if partner in (None, sides[0]) else OPEN if sides[0] is None else NO

    def fits(fact: f.Fusion) -> Verdict:
        unsure = leaf.type == "fusion" and fact.kind_of == "structural_variant"
        return joined((OPEN if unsure else YES, partnered(fact)))

    found = [fits(fact) for fact in mine if fact.present]
    if found and either(found) is not NO:
        return firm(either(found))
    denied = any(
        fact.partner is None or (partner is not None and partnered(fact) is YES) for fact in mine if not fact.present
    )
    return firm(NO) if found or denied or covered(gene, "fusion", None, patient) else UNKNOWN


def tested(leaf: q.Tested, patient: Patient) -> Answer:
    """A panel or any finding, positive or negative, of the tumour; other tests may exist, so it never fails."""
    gene = t.gene(leaf.gene)
    findings = {
        "mutation": [_seen_by(fact.source_class, None) for fact in _variants(gene, patient)],
        "copy_number": [t.gene(fact.gene) == gene for fact in patient.all(f.CopyNumber)],
        "fusion": [gene in (t.gene(fact.gene), t.gene(fact.partner or "")) for fact in patient.all(f.Fusion)],
    }[leaf.alteration]
    return firm(YES) if any(findings) or covered(gene, leaf.alteration, None, patient) else UNKNOWN
