"""The oracle on the extent and the course of disease: stage and disease status."""

import re

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.verdicts import Verdict
from trialbridge.testkit.oracle import tables as t
from trialbridge.testkit.oracle.answers import NO, OPEN, UNKNOWN, YES, Answer, among, either, joined
from trialbridge.testkit.oracle.days import Always, newest
from trialbridge.testkit.oracle.patient import Patient
from trialbridge.testkit.oracle.tumour import readings

# Staging of these cancers knows no stage IV without distant metastasis (AJCC 8); of others IVA is often local.
_ALWAYS_DISTANT = ("LUNG", "BOWEL", "BREAST", "PANCREAS", "OVARY", "MEL")
_III_MAY_BE_DISTANT = {"TESTIS", "LYMPH", "MYELOID", "KIDNEY"}
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}
_CNS = {"none": ["none"], "active": ["active"], "treated": ["treated"], "present": ["active", "treated"]}
_EXTENT = {
    "localized": ["localized"],
    "early_stage": ["localized"],
    "locally_advanced": ["locally_advanced"],
    "metastatic": ["metastatic"],
    "advanced": ["locally_advanced", "metastatic"],
}
_COURSE = {
    "remission": ["remission"],
    "responding": ["remission", "responding"],
    "stable": ["stable"],
    "progressing": ["progressing"],
}


def _group_parts(word: str) -> tuple[str, ...] | None:
    """Return ``IIIA2`` as (III, A, 2); None where the word is no stage group."""
    plain = "".join(word.upper().removeprefix("STAGE").split())
    found = re.fullmatch(r"(OCCULT|0|IV|I{1,3}|[1-4])([A-E]?)([1-3]?)[SE]?", plain)
    return None if found is None else (_ROMAN.get(found[1], found[1]), *(x for x in found.groups()[1:] if x))


def _tnm_parts(axis: str, word: str) -> tuple[str, ...] | None:
    """Return ``cT2a1`` as (2, A, 1); None where the word is no category of the axis."""
    plain = "".join(word.upper().split())
    found = re.fullmatch(
        rf"(?:[YCPRA]*{axis.upper()})?(X|IS|A|[0-4])(MI|[A-E])?([0-9])?(\(.*\))?",
        plain,
    )
    return None if found is None else tuple(x for x in found.groups() if x)


def _part(axis: str, recorded: str, wanted: str) -> Verdict:
    have, want = (_group_parts(x) if axis == "group" else _tnm_parts(axis, x) for x in (recorded, wanted))
    if have is None or want is None or have == ("X",):
        return OPEN
    if have[: len(want)] == want:
        return YES
    return OPEN if want[: len(have)] == have else NO


def _staging(leaf: q.Stage, patient: Patient) -> Answer:
    """The newest staging with one of the parts that are asked for; stages are revised."""
    axes = [axis for axis in ("group", "t", "n", "m") if getattr(leaf, axis)]

    def says(fact: f.Stage) -> Verdict:
        said = [(axis, getattr(fact, axis)) for axis in axes]
        return joined(
            OPEN if not value else either(_part(axis, value, word) for word in getattr(leaf, axis))
            for axis, value in said
        )

    staged = [fact for fact in patient.all(f.Stage) if any(getattr(fact, axis) for axis in axes)]
    return Answer(newest(staged, patient.as_of, Always(), says))


def _terms(patient: Patient) -> set[str]:
    held = [fact for fact in patient.all(f.Diagnosis) if fact.primary and not fact.excluded]
    return {term for fact in held for reading in readings(fact) for term in reading}


def _is_distant(fact: f.Stage, terms: set[str]) -> bool | None:
    """Return whether a staging means distant metastasis: by its own word, by M, by its sites, else by its group."""
    if fact.metastatic is not None:
        return fact.metastatic
    m = _tnm_parts("m", fact.m) if fact.m else None
    if m and m[0] in "01":
        return m[0] == "1"
    if fact.metastatic_sites:
        return True
    group = _group_parts(fact.group) if fact.group else None
    if group is None or group[0] == "OCCULT":
        return None
    if group[0] == "IV":
        always = bool(terms) and all(any(t.is_a(term, one) for one in _ALWAYS_DISTANT) for term in terms)
        return True if always or group[1:2] == ("C",) else None
    tissues = {t.line(term)[-1] for term in terms}
    maybe = group[0] == "III" and (not tissues or bool(tissues & _III_MAY_BE_DISTANT))
    return None if maybe else False


def has_spread(patient: Patient) -> bool:
    """Return whether any record says that there are distant metastases; spread is not undone."""
    terms = _terms(patient)
    return (
        any(_is_distant(fact, terms) for fact in patient.all(f.Stage))
        or any(fact.status == "metastatic" for fact in patient.all(f.DiseaseStatus))
        or any(not x.primary and not x.excluded and not _is_nodal(x) for x in patient.all(f.Diagnosis))
    )


def _is_nodal(fact: f.Diagnosis) -> bool:
    """Return whether a metastasis is in lymph nodes and, by its codes and sites, nowhere else: it may be regional."""
    names = {key for one in (*fact.codes, *fact.site) for key in t.site_keys(one) if not key.isdigit()}
    return names == {"lymph node"}


def _metastatic(leaf: q.Stage, patient: Patient) -> Answer:
    if has_spread(patient):
        return Answer(YES if leaf.metastatic else NO, recoverable=False)
    terms = _terms(patient)
    local = [fact for fact in patient.all(f.Stage) if _is_distant(fact, terms) is False]
    return Answer(newest(local, patient.as_of, Always(), lambda _: NO if leaf.metastatic else YES))


def _sites(leaf: q.Stage, patient: Patient) -> Answer:
    """A recorded site of spread is one of them; only that there is no spread at all rules a site out."""
    terms = _terms(patient)
    codings = [
        *(one for x in patient.all(f.Stage) if _is_distant(x, terms) is not False for one in x.metastatic_sites),
        *(one for x in patient.all(f.Diagnosis) if not (x.primary or x.excluded) for one in (*x.codes, *x.site)),
    ]
    recorded = {key for one in codings for key in t.site_keys(one)}
    if recorded & {t.site(word) or word.strip() for word in leaf.metastatic_sites}:
        return Answer(YES, recoverable=False)
    none = _metastatic(q.Stage(metastatic=False), patient)
    return Answer(NO, none.recoverable) if none.verdict is YES else UNKNOWN


def _cns(leaf: q.Stage, patient: Patient) -> Answer:
    allowed = [one for word in leaf.cns_metastases for one in _CNS[word]]
    states = {id(fact): fact.cns_metastases for fact in patient.all(f.Stage) if fact.cns_metastases}
    spread = [fact for fact in patient.all(f.Diagnosis) if not fact.primary and not fact.excluded]
    places = [(fact, fact.metastatic_sites) for fact in patient.all(f.Stage)]
    for one, codings in (*places, *((fact, (*fact.codes, *fact.site)) for fact in spread)):
        if any("brain" in t.site_keys(coding) for coding in codings):
            # Where it says no more, a metastasis in the brain may be an active or a treated one.
            states.setdefault(id(one), "present")
    said = [fact for fact in (*patient.all(f.Stage), *patient.all(f.Diagnosis)) if id(fact) in states]
    return Answer(newest(said, patient.as_of, Always(), lambda fact: among(_CNS[states[id(fact)]], allowed)))


def stage(leaf: q.Stage, patient: Patient) -> Answer:
    """The parts that are given must all hold."""
    parts = []
    if leaf.group or leaf.t or leaf.n or leaf.m:
        parts.append(_staging(leaf, patient))
    if leaf.metastatic is not None:
        parts.append(_metastatic(leaf, patient))
    if leaf.metastatic_sites:
        parts.append(_sites(leaf, patient))
    if leaf.cns_metastases:
        parts.append(_cns(leaf, patient))
    verdict = joined(part.verdict for part in parts)
    if verdict is NO:
        return Answer(NO, all(part.recoverable for part in parts if part.verdict is NO))
    return Answer(verdict, any(part.recoverable for part in parts))


def disease_status(leaf: q.DiseaseStatus, patient: Patient) -> Answer:
    """One of the words must hold; each axis (extent, course, treatment, any other word) answers for its own words together."""
    words: set[str] = set(leaf.any_of)
    answers = []
    if words & set(_EXTENT):
        answers.append(_extent(words & set(_EXTENT), leaf, patient))
    if words & set(_COURSE):
        answers.append(Answer(_course(words & set(_COURSE), _COURSE, leaf, patient)))
    if "untreated" in words:
        answers.append(_untreated(patient))
    others = words - set(_EXTENT) - set(_COURSE) - {"untreated"}
    answers.extend(Answer(_course({word}, {word: [word]}, leaf, patient)) for word in others)
    verdict = either(answer.verdict for answer in answers)
    if verdict is YES:
        return Answer(YES, all(answer.recoverable for answer in answers if answer.verdict is YES))
    return Answer(verdict, any(answer.recoverable for answer in answers))


def _extent(words: set[str], leaf: q.DiseaseStatus, patient: Patient) -> Answer:
    wanted = [one for word in words for one in _EXTENT[word]]
    if has_spread(patient):
        return Answer(YES if "metastatic" in wanted else NO, recoverable=False)
    said = [fact for fact in patient.all(f.DiseaseStatus) if fact.status in _EXTENT]
    return Answer(newest(said, patient.as_of, leaf, lambda fact: among(_EXTENT[fact.status], wanted)))


def _course(words: set[str], axis: dict[str, list[str]], leaf: q.DiseaseStatus, patient: Patient) -> Verdict:
    said = [fact for fact in patient.all(f.DiseaseStatus) if fact.status in axis]
    return newest(said, patient.as_of, leaf, lambda fact: among(axis[fact.status], sorted(words)))


def _untreated(patient: Patient) -> Answer:
    """A treatment that was given is never undone; none given needs a complete history or the statement itself."""
    treatments = ("systemic", "radiation", "transplant")
    if any(fact.given and fact.category in treatments for fact in patient.all(f.Therapy)):
        return Answer(NO, recoverable=False)
    said = [fact.complete for fact in patient.all(f.TherapyHistory)]
    complete = bool(said) and all(said)
    stated = any(fact.status == "untreated" for fact in patient.all(f.DiseaseStatus))
    return Answer(YES) if complete or stated else UNKNOWN
