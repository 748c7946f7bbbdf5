"""Judges of the extent and course of disease: stage, disease status."""

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

# Tissues where stage IVA or IVB always means distant spread, and those where III does not exclude it.
_IV_IS_DISTANT = frozenset({"LUNG", "BOWEL", "BREAST", "PANCREAS", "SKIN", "KIDNEY", "OVARY"})
_III_MAY_BE_DISTANT = frozenset({"TESTIS", "LYMPH", "MYELOID", "KIDNEY"})
_NOT_SAID = frozenset({"TX", "NX", "MX"})
_CNS = {"none": {"none"}, "active": {"active"}, "treated": {"treated"}, "present": {"active", "treated"}}
_EXTENT = {
    "localized": {"localized"},
    "early_stage": {"localized"},
    "locally_advanced": {"locally_advanced"},
    "metastatic": {"metastatic"},
    "advanced": {"locally_advanced", "metastatic"},
}
_COURSE = frozenset({"remission", "stable", "progressing"})


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


def _from_group(group: str, tissues: frozenset[str]) -> bool | None:
    word = stages.group(group)
    if word is None or word[0] == "O":
        return None
    if word.startswith("IV"):
        return True if word in ("IV", "IVC") or (tissues and tissues <= _IV_IS_DISTANT) else None
    return None if word.startswith("III") and (not tissues or tissues & _III_MAY_BE_DISTANT) else False


def metastatic(fact: f.Stage, tissues: frozenset[str]) -> bool | None:
    """Return whether a stage means distant spread, or None where it does not say."""
    if fact.metastatic is not None:
        return fact.metastatic
    if fact.m:
        m = stages.category("m", fact.m) or ""
        if m.startswith(("M1", "M0")):
            return m.startswith("M1")
    return _from_group(fact.group, tissues) if fact.group else None


def _tissues(known: Known) -> frozenset[str]:
    primary = (fact for fact in known.of(f.Diagnosis) if fact.primary and not fact.excluded)
    return frozenset(oncotree.tissue(code) for fact in primary for code in terms(fact))


def _spread(known: Known) -> tuple[f.Fact, ...]:
    """Return every fact that says that the disease has spread; spread is not undone."""
    tissues = _tissues(known)
    staged = (fact for fact in known.of(f.Stage) if metastatic(fact, tissues))
    statuses = (fact for fact in known.of(f.DiseaseStatus) if fact.status == "metastatic")
    secondary = (x for x in known.of(f.Diagnosis) if not x.primary and not x.excluded)
    return (*staged, *statuses, *secondary)


def _is_metastatic(leaf: q.Stage, known: Known) -> Finding:
    wanted = "metastatic disease" if leaf.metastatic else "no distant metastasis"
    spread = _spread(known)
    if spread:
        verdict = MET if leaf.metastatic else NOT_MET
        return Finding(verdict, False, sentence("distant metastasis is recorded", wanted), evidence_of(spread))
    tissues = _tissues(known)
    facts, certain = known.newest(x for x in known.of(f.Stage) if metastatic(x, tissues) is False)
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
    tissues = _tissues(known)
    recorded: list[tuple[f.Fact, tuple[f.Coding, ...]]] = [
        *((x, x.metastatic_sites) for x in known.of(f.Stage) if metastatic(x, tissues) is not False),
        *((x, (*x.codes, *x.site)) for x in known.of(f.Diagnosis) if not x.primary and not x.excluded),
    ]
    found = [fact for fact, codings in recorded if any(sites.keys(coding) & asked for coding in codings)]
    if found:
        return Finding(MET, False, sentence("metastasis there is recorded", wanted), evidence_of(found))
    spread = _is_metastatic(q.Stage(metastatic=False), known)
    if spread.verdict is MET:
        return Finding(NOT_MET, spread.recoverable, sentence("no metastasis is recorded", wanted), spread.evidence)
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


def _cns(leaf: q.Stage, known: Known) -> Finding:
    allowed = frozenset(word for value in leaf.cns_metastases for word in _CNS[value])
    facts, certain = known.newest(fact for fact in known.of(f.Stage) if fact.cns_metastases)
    return judge_newest(
        facts,
        certain,
        lambda x: Check(
            overlap(frozenset(_CNS[x.cns_metastases or "present"]), allowed), f"CNS metastases: {x.cns_metastases}"
        ),
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


def _untreated(known: Known) -> tuple[Verdict, tuple[f.Fact, ...]]:
    given = tuple(x for x in known.of(f.Therapy) if x.given and x.category in ("systemic", "radiation", "transplant"))
    if given:
        return NOT_MET, given
    closed = tuple(x for x in known.of(f.TherapyHistory) if x.complete)
    stated = tuple(x for x in known.of(f.DiseaseStatus) if x.status == "untreated")
    return (MET, closed or stated) if closed or stated else (UNKNOWN, ())


def _extent(known: Known, leaf: q.DiseaseStatus) -> list[tuple[f.Fact, frozenset[str]]]:
    """Return the newest statements of extent with the extents they leave possible; recorded spread overrides."""
    spread = _spread(known)
    if spread:
        return [(fact, frozenset({"metastatic"})) for fact in spread]
    facts, certain = known.newest((x for x in known.of(f.DiseaseStatus) if x.status in _EXTENT), leaf.within)
    return [(fact, frozenset(_EXTENT[fact.status])) for fact in facts] if certain else []


def judge_disease_status(leaf: q.DiseaseStatus, known: Known) -> Finding:
    """Judge each wanted word on its own axis (extent, course, treatment) and take the best answer."""
    answers = [_word(word, leaf, known) for word in leaf.any_of]
    verdict = best(v for v, _, _ in answers)
    decisive = [answer for answer in answers if answer[0] is verdict]
    evidence = evidence_of(fact for _, facts, _ in decisive for fact in facts)
    wanted = " or ".join(word.replace("_", " ") for word in leaf.any_of)
    said = "; ".join(dict.fromkeys(words for _, _, words in decisive))
    settle = Settle("the current disease status", "record") if verdict is UNKNOWN else None
    settled = bool(_spread(known)) and verdict is not UNKNOWN and any(word in _EXTENT for word in leaf.any_of)
    return Finding(verdict, not settled, sentence(said, wanted), evidence, settle)


def _word(word: str, leaf: q.DiseaseStatus, known: Known) -> tuple[Verdict, tuple[f.Fact, ...], str]:
    shown = word.replace("_", " ")
    if word == "untreated":
        verdict, facts = _untreated(known)
        words = {
            MET: "no treatment was given",
            NOT_MET: "treatment was given",
            UNKNOWN: "earlier treatment is not recorded",
        }
        return verdict, facts, words[verdict]
    if word in _EXTENT:
        stated = _extent(known, leaf)
        verdicts = {overlap(possible, frozenset(_EXTENT[word])) for _, possible in stated}
        verdict = verdicts.pop() if len(verdicts) == 1 else UNKNOWN
        return (
            verdict,
            tuple(fact for fact, _ in stated),
            f"extent is {_joined(stated)}" if stated else "extent is not recorded",
        )
    axis = _COURSE if word in _COURSE else frozenset({word})
    newest, certain = known.newest((x for x in known.of(f.DiseaseStatus) if x.status in axis), leaf.within)
    verdicts = {MET if fact.status == word else NOT_MET for fact in newest} if certain else {UNKNOWN}
    if not newest or len(verdicts) != 1:
        return UNKNOWN, tuple(newest), f"{shown} is not recorded"
    said = "; ".join(dict.fromkeys(f"status is {x.status.replace('_', ' ')}" for x in newest))
    return verdicts.pop(), tuple(newest), said


def _joined(stated: list[tuple[f.Fact, frozenset[str]]]) -> str:
    return " or ".join(sorted({word.replace("_", " ") for _, possible in stated for word in possible}))
