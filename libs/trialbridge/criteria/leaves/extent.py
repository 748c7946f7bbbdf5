"""Judge of the extent of disease: stage, spread and its sites."""

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.finding import (
    MET,
    NOT_MET,
    UNKNOWN,
    Check,
    Finding,
    Settle,
    best,
    evidence_of,
    judge_newest,
    overlap,
    sentence,
    worst,
)
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves.disease import terms
from trialbridge.criteria.terminology import oncotree, sites, stages
from trialbridge.criteria.verdicts import Verdict

# Where every stage IV means distant spread (AJCC 8): elsewhere IVA is often local, and in kidney IV takes T4 without spread.
_IV_IS_DISTANT = ("LUNG", "BOWEL", "BREAST", "PANCREAS", "OVARY", "MEL")
# Tissues where III does not exclude it.
_III_MAY_BE_DISTANT = frozenset({"TESTIS", "LYMPH", "MYELOID", "KIDNEY"})
_NOT_SAID = frozenset({"TX", "NX", "MX"})
_CNS = {"none": {"none"}, "active": {"active"}, "treated": {"treated"}, "present": {"active", "treated"}}


def _part(axis: str, recorded: str, wanted: str) -> Verdict:
    """Compare one stage word: ``IIIA`` is ``III``, ``III`` may be ``IIIA``."""
    have, want = (stages.group(x) if axis == "group" else stages.category(axis, x) for x in (recorded, wanted))
    if have is None or want is None or have in _NOT_SAID:
        return UNKNOWN
    if stages.covers(want, have):
        return MET
    return UNKNOWN if stages.covers(have, want) else NOT_MET


def _listed(axis: str, value: str | None, wanted: tuple[str, ...]) -> Verdict:
    if not wanted:
        return MET
    return UNKNOWN if not value else best(_part(axis, value, word) for word in wanted)


def _from_group(group: str, primary: frozenset[str]) -> bool | None:
    word = stages.group(group)
    if word is None or word[0] == "O":
        return None
    if word.startswith("IV"):
        always = primary and all(any(oncotree.within(x, one) for one in _IV_IS_DISTANT) for x in primary)
        return True if word == "IVC" or always else None
    tissues = {oncotree.tissue(code) for code in primary}
    return None if word.startswith("III") and (not tissues or tissues & _III_MAY_BE_DISTANT) else False


def metastatic(fact: f.Stage, primary: frozenset[str]) -> bool | None:
    """Return whether a stage means distant spread, or None where it does not say; ``primary`` are the primary's terms."""
    if fact.metastatic is not None:
        return fact.metastatic
    if fact.m:
        m = stages.category("m", fact.m) or ""
        if m.startswith(("M1", "M0")):
            return m.startswith("M1")
    if fact.metastatic_sites:
        return True
    return _from_group(fact.group, primary) if fact.group else None


def _primary(known: Known) -> frozenset[str]:
    primary = (fact for fact in known.of(f.Diagnosis) if fact.primary and not fact.excluded)
    return frozenset(code for fact in primary for code in terms(fact))


def spread(known: Known) -> tuple[f.Fact, ...]:
    """Return every fact that says that the disease has spread; spread is not undone. Lymph nodes alone may be regional ones."""
    primary = _primary(known)
    staged = (fact for fact in known.of(f.Stage) if metastatic(fact, primary))
    statuses = (fact for fact in known.of(f.DiseaseStatus) if fact.status == "metastatic")
    secondary = (
        x
        for x in known.of(f.Diagnosis)
        if not x.primary and not x.excluded and not sites.only_nodes((*x.codes, *x.site))
    )
    return (*staged, *statuses, *secondary)


def _is_metastatic(leaf: q.Stage, known: Known) -> Finding:
    wanted = "metastatic disease" if leaf.metastatic else "no distant metastasis"
    recorded = spread(known)
    if recorded:
        verdict = MET if leaf.metastatic else NOT_MET
        return Finding(verdict, False, sentence("distant metastasis is recorded", wanted), evidence_of(recorded))
    primary = _primary(known)
    facts, certain = known.newest(x for x in known.of(f.Stage) if metastatic(x, primary) is False)
    settle = Settle("the current stage (imaging report)", "imaging")
    verdict = NOT_MET if leaf.metastatic else MET
    return judge_newest(
        facts,
        certain,
        lambda _: Check(verdict, "the stage has no distant metastasis"),
        wanted,
        "metastasis is not recorded",
        settle,
    )


def _sites(leaf: q.Stage, known: Known) -> Finding:
    """Judge the sites of spread: a recorded one is met, and only no spread at all rules a site out."""
    wanted = f"metastasis in {' or '.join(leaf.metastatic_sites)}"
    asked = frozenset(sites.named(word) or word for word in leaf.metastatic_sites)
    primary = _primary(known)
    recorded: list[tuple[f.Fact, tuple[f.Coding, ...]]] = [
        *((x, x.metastatic_sites) for x in known.of(f.Stage) if metastatic(x, primary) is not False),
        *((x, (*x.codes, *x.site)) for x in known.of(f.Diagnosis) if not x.primary and not x.excluded),
    ]
    found = [fact for fact, codings in recorded if any(sites.keys(coding) & asked for coding in codings)]
    if found:
        return Finding(MET, False, sentence("metastasis there is recorded", wanted), evidence_of(found))
    none = _is_metastatic(q.Stage(metastatic=False), known)
    if none.verdict is MET:
        return Finding(NOT_MET, none.recoverable, sentence("no metastasis is recorded", wanted), none.evidence)
    settle = Settle("the sites of metastasis (imaging report)", "imaging")
    return Finding(UNKNOWN, True, sentence("metastasis there is not recorded", wanted), (), settle)


def _staged(leaf: q.Stage, known: Known) -> Finding:
    wanted = "stage " + ", ".join(" or ".join(part) for part in (leaf.group, leaf.t, leaf.n, leaf.m) if part)
    relevant = [
        x
        for x in known.of(f.Stage)
        if (leaf.group and x.group) or (leaf.t and x.t) or (leaf.n and x.n) or (leaf.m and x.m)
    ]
    facts, certain = known.newest(relevant)

    def check(fact: f.Stage) -> Check:
        verdict = worst(_listed(axis, getattr(fact, axis), getattr(leaf, axis)) for axis in ("group", "t", "n", "m"))
        return Check(verdict, "stage is " + " ".join(filter(None, (fact.group, fact.t, fact.n, fact.m))))

    return judge_newest(
        facts,
        certain,
        check,
        wanted,
        "no stage is recorded",
        Settle("the stage (pathology or imaging report)", "record"),
    )


def _cns_word(fact: f.Stage | f.Diagnosis) -> str | None:
    """Return what a record says of metastases in the central nervous system; one in the brain is present, active or not."""
    if isinstance(fact, f.Stage):
        codings = fact.metastatic_sites
        if fact.cns_metastases:
            return fact.cns_metastases
    else:
        codings = () if fact.primary or fact.excluded else (*fact.codes, *fact.site)
    return "present" if any("brain" in sites.keys(coding) for coding in codings) else None


def _cns(leaf: q.Stage, known: Known) -> Finding:
    allowed = frozenset(word for value in leaf.cns_metastases for word in _CNS[value])
    every: list[f.Stage | f.Diagnosis] = [*known.of(f.Stage), *known.of(f.Diagnosis)]
    facts, certain = known.newest(fact for fact in every if _cns_word(fact))

    def check(fact: f.Stage | f.Diagnosis) -> Check:
        word = _cns_word(fact) or "present"
        return Check(overlap(frozenset(_CNS[word]), allowed), f"CNS metastases: {word}")

    return judge_newest(
        facts,
        certain,
        check,
        f"CNS metastases {' or '.join(leaf.cns_metastases)}",
        "CNS metastases are not recorded",
        Settle("brain imaging", "imaging"),
    )


def judge_stage(leaf: q.Stage, known: Known) -> Finding:
    """Judge each part that is asked for and join them as `all` does."""
    parts = []
    if leaf.group or leaf.t or leaf.n or leaf.m:
        parts.append(_staged(leaf, known))
    if leaf.metastatic is not None:
        parts.append(_is_metastatic(leaf, known))
    if leaf.metastatic_sites:
        parts.append(_sites(leaf, known))
    if leaf.cns_metastases:
        parts.append(_cns(leaf, known))
    verdict = worst(part.verdict for part in parts)
    decisive = [part for part in parts if part.verdict is verdict]
    evidence = tuple(dict.fromkeys(e for part in decisive for e in part.evidence))
    recoverable = any(p.recoverable for p in decisive) if verdict is MET else all(p.recoverable for p in decisive)
    settle = next((part.settle for part in decisive if part.settle), None)
    return Finding(verdict, recoverable, " ".join(part.reason for part in decisive), evidence, settle)
