"""Judges of genome-wide biomarkers (MSI, MMR, TMB …) and of protein markers (ER, PR, HER2, PD-L1 …)."""

from decimal import Decimal

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.bounds import exactly, finite, within, words
from trialbridge.criteria.finding import MET, NOT_MET, UNKNOWN, Check, Finding, Settle, overlap, worst
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves import combined
from trialbridge.criteria.leaves.picked import Asked, judge_picked
from trialbridge.criteria.terminology import markers
from trialbridge.criteria.verdicts import Verdict

PER_MEGABASE = "1/1000000{Base}"
_NAMES = {"msi": "microsatellite status", "mmr": "mismatch repair", "tmb": "mutational burden"}
# What a recorded word leaves possible. HER2 low and ultralow are parts of negative, ER and PR low of positive.
_HER2 = {"negative": frozenset({"zero", "low", "ultralow"})}
_HORMONE = {"positive": frozenset({"high", "low"})}
_HER2_IHC = {
    Decimal(0): frozenset({"zero", "ultralow"}),
    Decimal(1): frozenset({"low"}),
    Decimal(2): frozenset({"equivocal"}),
    Decimal(3): frozenset({"positive"}),
}
_HORMONE_LOW = 10
"""Percent of stained nuclei up to which a positive ER or PR is called low."""
_PARTS = {"HER2": _HER2, "ER": _HORMONE, "PR": _HORMONE}


def _bounded(leaf: q.Signature | q.Expression) -> bool:
    return any(bound is not None for bound in (leaf.min, leaf.max, leaf.above, leaf.below))


def _by(name: str | None, wanted: tuple[str, ...]) -> Verdict:
    """Return whether a result is by one of the assays or methods; unknown where the record names none."""
    if not wanted:
        return MET
    if not name:
        return UNKNOWN
    return MET if any(word.casefold() in name.casefold() for word in wanted) else NOT_MET


def _ever(leaf: q.Signature | q.Expression) -> str:
    return "ever" if leaf.pick == "ever" else ""


def _signature(fact: f.Signature, leaf: q.Signature) -> Check:
    parts: list[Verdict] = []
    if leaf.any_of:
        unsaid = fact.status in (None, "indeterminate")
        parts.append(MET if fact.status in leaf.any_of else UNKNOWN if unsaid else NOT_MET)
    if _bounded(leaf):
        value = finite(fact.value)
        comparable = fact.unit == PER_MEGABASE if leaf.name == "tmb" else leaf.unit in (None, fact.unit)
        parts.append(within(exactly(value), leaf) if comparable and value is not None else UNKNOWN)
    said = fact.status or (f"{fact.value} {fact.unit or ''}".strip() if fact.value is not None else "without a result")
    assay = f" by {fact.assay}" if fact.assay else ""
    # A result that may be by another assay says nothing, neither yes nor no.
    verdict = worst(parts) if _by(fact.assay, leaf.assays) is MET else UNKNOWN
    return Check(verdict, f"{_NAMES.get(leaf.name, leaf.name)} is {said}{assay}")


def judge_signature(leaf: q.Signature, known: Known) -> Finding:
    """Judge the newest genome-wide biomarker of the name."""
    name = _NAMES.get(leaf.name, leaf.name)
    asked = " or ".join(leaf.any_of)
    bounds = words(leaf, "mutations per megabase" if leaf.name == "tmb" else leaf.unit) if _bounded(leaf) else ""
    relevant = [
        x
        for x in (*known.about(f.Signature, leaf.name), *(combined.repair(known) if leaf.name == "mmr" else ()))
        if (not _bounded(leaf) or x.value is not None or leaf.any_of) and _by(x.assay, leaf.assays) is not NOT_MET
    ]
    parts = (name, _ever(leaf), " and ".join(filter(None, (asked, bounds))), _using(leaf.assays))
    settle = Settle(f"a {name} test", "sequencing" if leaf.name not in ("msi", "mmr") else "lab")
    wanted = Asked(" ".join(filter(None, parts)), f"{name} is not recorded", settle)
    return judge_picked(leaf, known, relevant, lambda fact: _signature(fact, leaf), wanted, lambda _: False)


def _using(names: tuple[str, ...]) -> str:
    return f"by {' or '.join(names)}" if names else ""


def _status(fact: f.Marker, leaf: q.Expression) -> Verdict:
    """Compare a status; equivocal is neither positive nor negative yet, but another test may make it either."""
    name = markers.canonical(leaf.marker)
    said = frozenset({fact.status}) if fact.status is not None else _scored(name, fact)
    if said == {"equivocal"}:
        return MET if "equivocal" in leaf.any_of else UNKNOWN
    if not said or said == {"indeterminate"}:
        return UNKNOWN
    table = _PARTS.get(name, {})
    wanted = frozenset(part for word in leaf.any_of for part in table.get(word, frozenset({word})))
    return overlap(frozenset(part for word in said for part in table.get(word, frozenset({word}))), wanted)


def _scored(name: str, fact: f.Marker) -> frozenset[str]:
    """Return what a score without a status leaves possible (ASCO/CAP: HER2 of 2023, ER and PR of 2020); empty where it tells none."""
    score = finite(fact.score)
    if score is None:
        return frozenset()
    if name == "HER2" and fact.score_kind == "ihc":
        return _HER2_IHC.get(score, frozenset())
    if name in ("ER", "PR") and fact.score_kind == "percent" and 0 <= score <= 100:  # noqa: PLR2004 - percent
        return frozenset({"negative" if score < 1 else "low" if score <= _HORMONE_LOW else "high"})
    return frozenset()


def _marker(fact: f.Marker, leaf: q.Expression) -> Check:
    parts: list[Verdict] = []
    if leaf.any_of:
        parts.append(_status(fact, leaf))
    if _bounded(leaf):
        score = finite(fact.score)
        # Scores of another kind do not compare.
        same = score is not None and leaf.score in (None, fact.score_kind) and fact.score_kind != "copies"
        parts.append(within(exactly(score), leaf) if same and score is not None else UNKNOWN)
    shown = f"{(fact.score_kind or 'score').upper()} {fact.score}" if fact.score is not None else ""
    said = " ".join(filter(None, (fact.status, shown))) or "without a result"
    verdict = worst(parts) if _by(fact.method, leaf.methods) is MET else UNKNOWN
    return Check(verdict, f"{leaf.marker} is {said}{f' by {fact.method}' if fact.method and leaf.methods else ''}")


def judge_expression(leaf: q.Expression, known: Known) -> Finding:
    """Judge the newest result of a protein marker, by status or by the score of the kind asked for."""
    name = markers.canonical(leaf.marker)
    every = known.about(f.Marker, name)
    together = combined.her2(every) if name == "HER2" and leaf.any_of else every
    mine = [x for x in together if _by(x.method, leaf.methods) is not NOT_MET]
    if not leaf.any_of:
        mine = [x for x in mine if x.score_kind != "copies"]
    if _bounded(leaf) and leaf.score and not leaf.any_of:
        # A score of a kind that is not recorded may be of the kind that is asked for.
        mine = [x for x in mine if x.score_kind == leaf.score or (x.score_kind is None and x.score is not None)]
    bounds = words(leaf, None) if _bounded(leaf) else ""
    score = (leaf.score or "").upper() if bounds else ""
    parts = (leaf.marker, _ever(leaf), " or ".join(leaf.any_of), score, bounds, _using(leaf.methods))
    absent = f"{leaf.marker} is not recorded" + (f" as {leaf.score.upper()}" if leaf.score else "")
    wanted = Asked(" ".join(filter(None, parts)), absent, Settle(f"a {leaf.marker} test", "biopsy"))
    return judge_picked(leaf, known, mine, lambda fact: _marker(fact, leaf), wanted, lambda _: False)
