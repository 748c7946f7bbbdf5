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
    return tuple(sorted({term for reading in readings(fact) for term in reading}))


def readings(fact: f.Diagnosis) -> tuple[frozenset[str], ...]:
    """Return what the codings of a diagnosis say, each as the terms of which it is one; without those that others say better.

    An ICD-10 code for liver and bile ducts is one of the two, not both; with a coding of a hepatocellular carcinoma it is liver.
    """
    return _readings(fact.codes, fact.morphology, fact.site)


@kept(maxsize=65536)
def _readings(
    codes: tuple[f.Coding, ...], morphology: tuple[f.Coding, ...], site: tuple[f.Coding, ...]
) -> tuple[frozenset[str], ...]:
    every = dict.fromkeys((*map(_reading, codes), *_shaped((*codes, *morphology, *site))))
    found = [terms for terms in every if terms]
    return tuple(one for one in found if not any(other != one and _finer(other, one) for other in found))


def _reading(coding: f.Coding) -> frozenset[str]:
    # An ICD-O-3 morphology means something at its site only.
    plain = f.Coding(text=coding.text) if crosswalk.system_of(coding.system) == "icdo3" else coding
    return frozenset(crosswalk.terms_of((plain,)))


def _shaped(codings: tuple[f.Coding, ...]) -> list[frozenset[str]]:
    """Return the terms of each ICD-O-3 morphology at each site; of the sites alone where no morphology is recognised."""
    codes = [c.code.strip() for c in codings if c.code and crosswalk.system_of(c.system) in ("icdo3", "icd10")]
    sites = [code for code in codes if code[:1].upper() == "C"]
    places: list[str | None] = [*sites] or [None]
    shaped = [frozenset(crosswalk.from_icdo3(place, code)) for code in codes if "/" in code for place in places]
    return shaped if any(shaped) else [frozenset(crosswalk.from_icdo3(place, None)) for place in sites]


def _finer(one: frozenset[str], other: frozenset[str]) -> bool:
    return all(any(oncotree.within(term, wider) for wider in other) for term in one)


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


def targets(leaf: q.Diagnosis) -> tuple[str, ...]:
    """Return the OncoTree terms that a criterion's own terms and codes mean, sorted."""
    return tuple(sorted({*leaf.oncotree, *_meant(leaf)}))


@kept(maxsize=4096)
def _meant(leaf: q.Diagnosis) -> frozenset[str]:
    """Return the OncoTree terms of the criterion's codes."""
    found: set[str] = set()
    for code in leaf.icd10:
        found.update(crosswalk.from_icd10(code))
    for code in leaf.snomed:
        found.update(crosswalk.from_snomed(code))
    for code in leaf.icdo3:
        found.update(crosswalk.from_icdo3(None, code))
    return frozenset(found)


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
    said = readings(fact)
    if not said:
        return UNKNOWN
    if any(_surely(leaf, reading) for reading in said):
        return MET
    recorded = [code for reading in said for code in reading]
    coded = any(oncotree.may_be(code, target) for code in recorded for target in _meant(leaf))
    open_ = coded or any(_could_be(leaf, code, target) for code in recorded for target in leaf.oncotree)
    return UNKNOWN if open_ or _by_codes_only(leaf) else NOT_MET


def _surely(leaf: q.Diagnosis, reading: frozenset[str]) -> bool:
    """Return whether all that a coding leaves possible is one and the same wanted term."""
    if not leaf.descendants:
        return any(reading == {oncotree.current(target)} for target in leaf.oncotree)
    return any(all(oncotree.within(code, target) for code in reading) for target in leaf.oncotree)


def _could_be(leaf: q.Diagnosis, code: str, target: str) -> bool:
    """Return whether a case of ``code`` could, on closer look, be what is wanted; without descendants, only from above."""
    if leaf.descendants:
        return oncotree.may_be(code, target)
    # A term of another release that this one has no more may have been a part of anything.
    gone = not oncotree.is_term(oncotree.current(target))
    return not target.startswith("_") and (gone or oncotree.within(target, code))


@kept(maxsize=16384)
def words(leaf: q.Diagnosis) -> str:
    """Return what is asked for, in words."""
    named = [oncotree.name(code) for code in leaf.oncotree]
    return " or ".join((*named, *leaf.icd10, *leaf.icdo3, *leaf.snomed))


def _said(fact: f.Diagnosis) -> str:
    named = [oncotree.name(code) for code in terms(fact)]
    return " / ".join(named) or next((c.text or c.code or "" for c in fact.codes if c.text or c.code), "a diagnosis")


def judge_diagnosis(leaf: q.Diagnosis, known: Known) -> Finding:
    """Judge the present primary cancer diagnoses; a refuted one, or one that is resolved, counts only as a negative."""
    every = known.of(f.Diagnosis)
    held = [fact for fact in every if fact.primary and not fact.excluded]
    primary = [fact for fact in held if is_present(fact)]
    refuted = [fact for fact in every if fact.primary and fact.excluded]
    checks = [(fact, match(leaf, fact)) for fact in primary]
    wanted = words(leaf)
    if checks:
        verdict = best(v for _, v in checks)
        decisive = [fact for fact, v in checks if v is verdict]
        said = "; ".join(dict.fromkeys(f"diagnosis is {_said(fact)}" for fact in decisive))
        settle = Settle("the exact tumour type (pathology report)", "record") if verdict is UNKNOWN else None
        return Finding(verdict, verdict is UNKNOWN, sentence(said, wanted), evidence_of(decisive), settle)
    if held:
        past = "; ".join(dict.fromkeys(f"{_said(fact)} is resolved" for fact in held))
        return Finding(NOT_MET, False, sentence(past, wanted), evidence_of(held))
    ruled_out = [fact for fact in refuted if _covers(fact, leaf)]
    if ruled_out:
        return Finding(NOT_MET, False, sentence(f"{_said(ruled_out[0])} was ruled out", wanted), evidence_of(ruled_out))
    settle = Settle("the cancer diagnosis (pathology report)", "record")
    return Finding(UNKNOWN, True, sentence("no cancer diagnosis is recorded", wanted), (), settle)


def is_present(fact: f.Diagnosis) -> bool:
    """Return whether the disease is the patient's still; one in remission or inactive is, for it may come back."""
    return fact.status != "resolved"


def _covers(fact: f.Diagnosis, leaf: q.Diagnosis) -> bool:
    """Whether ruling the fact's diagnosis out rules out everything that the criterion asks for."""
    recorded, wanted = terms(fact), targets(leaf)
    if not recorded or not wanted or _by_codes_only(leaf) or any(t.startswith("_") for t in wanted):
        return False
    return all(any(oncotree.within(target, code) for code in recorded) for target in wanted)


def judge_histology(leaf: q.Histology, known: Known) -> Finding:
    """Judge the recorded morphology of the present primary diagnoses by code or by words of its text."""
    wanted = " or ".join((*leaf.names, *leaf.icdo3, *leaf.snomed))
    settle = Settle("the histology (pathology report)", "record")
    found = [x for x in known.of(f.Diagnosis) if x.primary and not x.excluded and is_present(x) and x.morphology]
    if not found:
        return Finding(UNKNOWN, True, sentence("no histology is recorded", wanted), (), settle)
    verdict = best(_shape(leaf, fact) for fact in found)
    said = next((c.text or c.code or "" for x in found for c in x.morphology), "")
    flag = verdict is UNKNOWN
    return Finding(
        verdict, flag, sentence(f"histology is {said}", wanted), evidence_of(found), settle if flag else None
    )


def _shape(leaf: q.Histology, fact: f.Diagnosis) -> Verdict:
    """Compare by code or by words; only a code of every system that is asked for, and nothing else, says that it is not so."""
    for coding in fact.morphology:
        if coding.code and (coding.code in leaf.icdo3 or coding.code in leaf.snomed):
            return MET
        if any(word.casefold() in (coding.text or "").casefold() for word in leaf.names):
            return MET
    recorded = {crosswalk.system_of(coding.system) if coding.code else "none" for coding in fact.morphology}
    asked = {system for system, codes in (("icdo3", leaf.icdo3), ("snomed", leaf.snomed)) if codes}
    return NOT_MET if recorded == asked and not leaf.names else UNKNOWN
