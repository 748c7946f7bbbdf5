"""Judges of the disease: diagnosis and histology."""

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.finding import MET, NOT_MET, UNKNOWN, Finding, Settle, best, evidence_of, sentence
from trialbridge.criteria.known import Known
from trialbridge.criteria.terminology import crosswalk, oncotree
from trialbridge.criteria.terminology.source import kept
from trialbridge.criteria.verdicts import Verdict


def terms(fact: f.Diagnosis) -> tuple[str, ...]:
    """Return the OncoTree terms of a diagnosis fact, the most specific only; empty where no code is recognised."""
    return crosswalk.terms_of(fact.codes, fact.morphology, fact.site)


def _plain(code: str) -> str:
    return code.replace(".", "").strip().upper()


def _has_code(leaf: q.Diagnosis, fact: f.Diagnosis) -> bool:
    for coding in (*fact.codes, *fact.morphology):
        system, code = crosswalk.system_of(coding.system), coding.code or ""
        if system == "icd10" and any(_plain(code).startswith(_plain(p)) for p in leaf.icd10):
            return True
        if (system == "snomed" and code in leaf.snomed) or (system == "icdo3" and code in leaf.icdo3):
            return True
    return False


@kept(maxsize=4096)
def targets(leaf: q.Diagnosis) -> tuple[str, ...]:
    """Return the OncoTree terms that a criterion's own terms and codes mean, sorted."""
    found = set(leaf.oncotree)
    for code in leaf.icd10:
        found.update(crosswalk.from_icd10(code))
    for code in leaf.snomed:
        found.update(crosswalk.from_snomed(code))
    for code in leaf.icdo3:
        found.update(crosswalk.from_icdo3(None, code))
    return tuple(sorted(found))


def _by_codes_only(leaf: q.Diagnosis) -> bool:
    """Whether some of the criterion's codes mean no OncoTree term, so that only the very code can tell."""
    return (
        any(not crosswalk.from_icd10(code) for code in leaf.icd10)
        or any(not crosswalk.from_snomed(code) for code in leaf.snomed)
        or any(not crosswalk.from_icdo3(None, code) for code in leaf.icdo3)
    )


def match(leaf: q.Diagnosis, fact: f.Diagnosis) -> Verdict:
    """Return whether a diagnosis fact is of the kind that the criterion asks for."""
    if _has_code(leaf, fact):
        return MET
    recorded = terms(fact)
    if not recorded:
        return UNKNOWN
    if leaf.descendants:
        exact = [t for t in leaf.oncotree if any(oncotree.within(code, t) for code in recorded)]
    else:
        exact = [t for t in leaf.oncotree if t in recorded]
    if exact:
        return MET
    if any(oncotree.may_be(code, target) for code in recorded for target in targets(leaf)):
        # Not descended to exactly, yet the record may be a coarser word for it.
        narrow = not leaf.descendants and all(code not in leaf.oncotree and _below(code, leaf) for code in recorded)
        return NOT_MET if narrow else UNKNOWN
    return UNKNOWN if _by_codes_only(leaf) else NOT_MET


def _below(code: str, leaf: q.Diagnosis) -> bool:
    return any(oncotree.within(code, target) for target in targets(leaf))


def words(leaf: q.Diagnosis) -> str:
    """Return what is asked for, in words."""
    named = [oncotree.name(code) for code in leaf.oncotree]
    return " or ".join((*named, *leaf.icd10, *leaf.icdo3, *leaf.snomed))


def _said(fact: f.Diagnosis) -> str:
    named = [oncotree.name(code) for code in terms(fact)]
    return " / ".join(named) or next((c.text or c.code or "" for c in fact.codes if c.text or c.code), "a diagnosis")


def judge_diagnosis(leaf: q.Diagnosis, known: Known) -> Finding:
    """Judge the primary cancer diagnoses; a refuted one counts only as a negative."""
    every = known.of(f.Diagnosis)
    primary = [fact for fact in every if fact.primary and not fact.excluded]
    refuted = [fact for fact in every if fact.primary and fact.excluded]
    checks = [(fact, match(leaf, fact)) for fact in primary]
    wanted = words(leaf)
    if checks:
        verdict = best(v for _, v in checks)
        decisive = [fact for fact, v in checks if v is verdict]
        said = "; ".join(dict.fromkeys(f"diagnosis is {_said(fact)}" for fact in decisive))
        settle = Settle("the exact tumour type (pathology report)", "record") if verdict is UNKNOWN else None
        return Finding(verdict, verdict is UNKNOWN, sentence(said, wanted), evidence_of(decisive), settle)
    ruled_out = [fact for fact in refuted if _covers(fact, leaf)]
    if ruled_out:
        return Finding(NOT_MET, False, sentence(f"{_said(ruled_out[0])} was ruled out", wanted), evidence_of(ruled_out))
    settle = Settle("the cancer diagnosis (pathology report)", "record")
    return Finding(UNKNOWN, True, sentence("no cancer diagnosis is recorded", wanted), (), settle)


def _covers(fact: f.Diagnosis, leaf: q.Diagnosis) -> bool:
    """Whether ruling the fact's diagnosis out rules out everything that the criterion asks for."""
    recorded, wanted = terms(fact), targets(leaf)
    if not recorded or not wanted or _by_codes_only(leaf) or any(t.startswith("_") for t in wanted):
        return False
    return all(any(oncotree.within(target, code) for code in recorded) for target in wanted)


def judge_histology(leaf: q.Histology, known: Known) -> Finding:
    """Judge the recorded morphology of the primary diagnoses by code or by words of its text."""
    wanted = " or ".join((*leaf.names, *leaf.icdo3, *leaf.snomed))
    settle = Settle("the histology (pathology report)", "record")
    found = [x for x in known.of(f.Diagnosis) if x.primary and not x.excluded and x.morphology]
    if not found:
        return Finding(UNKNOWN, True, sentence("no histology is recorded", wanted), (), settle)
    checks = [(fact, best(_shape(leaf, coding) for coding in fact.morphology)) for fact in found]
    verdict = best(v for _, v in checks)
    said = next((c.text or c.code or "" for x in found for c in x.morphology), "")
    flag = verdict is UNKNOWN
    return Finding(
        verdict, flag, sentence(f"histology is {said}", wanted), evidence_of(found), settle if flag else None
    )


def _shape(leaf: q.Histology, coding: f.Coding) -> Verdict:
    system, text = crosswalk.system_of(coding.system), (coding.text or "").casefold()
    if coding.code and (coding.code in leaf.icdo3 or coding.code in leaf.snomed):
        return MET
    if any(word.casefold() in text for word in leaf.names):
        return MET
    same_system = (system == "icdo3" and bool(leaf.icdo3)) or (system == "snomed" and bool(leaf.snomed))
    return NOT_MET if same_system and not leaf.names else UNKNOWN
