"""Judges of copy number alterations and fusions."""

import msgspec

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.bounds import finite
from trialbridge.criteria.finding import MET, NOT_MET, UNKNOWN, Finding, best, evidence_of, overlap, sentence, worst
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves.variants import coverage, sequencing, shown_gene
from trialbridge.criteria.terminology import genes
from trialbridge.criteria.verdicts import Verdict

_CALLS = {
    "amplification": frozenset({"high_amplification", "low_amplification"}),
    "deletion": frozenset({"homozygous_deletion", "heterozygous_deletion"}),
}
_ALTERED = frozenset(
    {"high_amplification", "low_amplification", "gain", "homozygous_deletion", "heterozygous_deletion"}
)


def _possible(call: str) -> frozenset[str]:
    return _CALLS.get(call, frozenset({call}))


def _call(leaf: q.CopyNumber, fact: f.CopyNumber) -> Verdict:
    wanted = frozenset(word for call in leaf.calls for word in _possible(call))
    if not wanted:
        if leaf.min_copies is not None or leaf.max_copies is not None:
            return MET
        wanted = _ALTERED
    return overlap(_possible(fact.call), wanted) if fact.call else UNKNOWN


def _copies(leaf: q.CopyNumber, fact: f.CopyNumber) -> Verdict:
    if leaf.min_copies is None and leaf.max_copies is None:
        return MET
    copies = finite(fact.copies)
    if copies is None:
        return UNKNOWN
    low = leaf.min_copies is None or copies >= leaf.min_copies
    return MET if low and (leaf.max_copies is None or copies <= leaf.max_copies) else NOT_MET


def _excludes(leaf: q.CopyNumber, fact: f.CopyNumber) -> bool:
    """Return whether a reported absence rules out all that is asked for: of a named call it rules out that call alone."""
    if fact.present:
        return True
    wanted = frozenset(word for call in leaf.calls for word in _possible(call)) or _ALTERED
    return fact.call is None or wanted <= _possible(fact.call)


def _copy_words(leaf: q.CopyNumber) -> str:
    bounds = (("at least", leaf.min_copies), ("at most", leaf.max_copies))
    return "".join(f", {word} {copies} copies" for word, copies in bounds if copies is not None)


def judge_copy_number(leaf: q.CopyNumber, known: Known) -> Finding:
    """Judge the gene's copy number calls; absence only where the gene was looked at."""
    gene = genes.canonical(leaf.gene)
    wanted = (
        f"{shown_gene(leaf.gene)} "
        + (" or ".join(c.replace("_", " ") for c in leaf.calls) or "copy number alteration")
        + _copy_words(leaf)
    )
    mine = known.about(f.CopyNumber, gene)
    checks = [(fact, worst((_call(leaf, fact), _copies(leaf, fact)))) for fact in mine if fact.present]
    verdict = best(v for _, v in checks) if checks else UNKNOWN
    if checks and verdict is not NOT_MET:
        decisive = [fact for fact, v in checks if v is verdict]
        said = f"{gene}: {', '.join(dict.fromkeys((x.call or 'altered').replace('_', ' ') for x in decisive))}"
        settle = sequencing(gene, "a copy number result") if verdict is UNKNOWN else None
        return Finding(verdict, verdict is UNKNOWN, sentence(said, wanted), evidence_of(decisive), settle)
    covering = coverage(known, gene, "copy_number")
    nothing: list[f.Fact] = [*covering, *(fact for fact in mine if not fact.present and fact.call is None)]
    if nothing and not checks and "neutral" in leaf.calls:
        return _neutral(leaf, gene, nothing, wanted)
    excluding = [fact for fact in mine if _excludes(leaf, fact)]
    grounds: list[f.Fact] = [*excluding, *covering]
    if grounds:
        return Finding(NOT_MET, False, sentence(f"{gene} has no such alteration", wanted), evidence_of(grounds))
    return Finding(UNKNOWN, True, sentence(f"no copy number test covers {gene}", wanted), (), sequencing(gene))


def _neutral(leaf: q.CopyNumber, gene: str, grounds: list[f.Fact], wanted: str) -> Finding:
    """Return that a gene that was looked at and has no alteration is neutral; how many copies that is, is not said."""
    said = sentence(f"{gene} was tested and no alteration was found", wanted)
    if leaf.min_copies is None and leaf.max_copies is None:
        return Finding(MET, False, said, evidence_of(grounds))
    return Finding(UNKNOWN, True, said, evidence_of(grounds), sequencing(gene, "a copy number result"))


def _joins(leaf: q.Fusion, fact: f.Fusion, gene: str) -> Verdict:
    sides = [genes.canonical(fact.gene), genes.canonical(fact.partner) if fact.partner else None]
    if gene not in sides:
        return NOT_MET
    # Each fusion is a structural variant; not each structural variant makes a fusion.
    kind = UNKNOWN if leaf.type == "fusion" and fact.kind_of == "structural_variant" else MET
    if leaf.partner is None:
        return kind
    other = sides[1] if sides[0] == gene else sides[0]
    return worst((kind, UNKNOWN if other is None else MET if other == genes.canonical(leaf.partner) else NOT_MET))


def _denied(leaf: q.Fusion, fact: f.Fusion, gene: str) -> bool:
    """Return whether a reported absence names the partner that is asked for; no structural variant means no fusion either."""
    return leaf.partner is not None and _joins(msgspec.structs.replace(leaf, type="any"), fact, gene) is MET


def judge_fusion(leaf: q.Fusion, known: Known) -> Finding:
    """Judge fusions with the gene on either side; absence only where the gene was looked at."""
    gene = genes.canonical(leaf.gene)
    partner = f" with {shown_gene(leaf.partner)}" if leaf.partner else ""
    wanted = f"{shown_gene(leaf.gene)} {'rearrangement' if leaf.type != 'fusion' else 'fusion'}{partner}"
    mine = known.about(f.Fusion, gene)
    checks = [(fact, _joins(leaf, fact, gene)) for fact in mine if fact.present]
    verdict = best(v for _, v in checks) if checks else UNKNOWN
    if checks and verdict is not NOT_MET:
        decisive = [fact for fact, v in checks if v is verdict]
        said = ", ".join(dict.fromkeys("::".join(filter(None, (x.gene, x.partner))) for x in decisive))
        settle = sequencing(gene, "a fusion test") if verdict is UNKNOWN else None
        return Finding(
            verdict, verdict is UNKNOWN, sentence(f"{said} was found", wanted), evidence_of(decisive), settle
        )
    excluding = [x for x in mine if x.present or x.partner is None or _denied(leaf, x, gene)]
    grounds: list[f.Fact] = [*excluding, *coverage(known, gene, "fusion")]
    if grounds:
        return Finding(
            NOT_MET, False, sentence(f"{gene} was tested and no such fusion was found", wanted), evidence_of(grounds)
        )
    settle = sequencing(gene, "a fusion test")
    return Finding(UNKNOWN, True, sentence(f"no fusion test covers {gene}", wanted), (), settle)
