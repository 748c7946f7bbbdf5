"""Judges of what is looked for by name or code: comorbidities, medication, procedures, allergies."""

from collections.abc import Iterable, Sequence
from typing import Final

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.dates import span
from trialbridge.criteria.finding import (
    MET,
    NOT_MET,
    UNKNOWN,
    Cost,
    Finding,
    Settle,
    best,
    evidence_of,
    sentence,
)
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves.windows import Windowed, placed
from trialbridge.criteria.terminology import conditions, crosswalk
from trialbridge.criteria.terminology.source import kept
from trialbridge.criteria.verdicts import Verdict

_NONE_KNOWN: Final = frozenset({"716186003", "160244002", "no-known-allergies"})
"""No known allergy of any kind, as SNOMED CT and FHIR code it."""


def _plain(code: str) -> str:
    return code.replace(".", "").strip().upper()


@kept(maxsize=16384)
def _prefixes(leaf: q.Coded) -> tuple[str, ...]:
    named = (conditions.codes_of(conditions.named(word) or word)[0] for word in leaf.names)
    return (*leaf.icd10, *(code for codes in named for code in codes))


@kept(maxsize=16384)
def _snomed(leaf: q.Coded) -> tuple[str, ...]:
    named = (conditions.codes_of(conditions.named(word) or word)[1] for word in leaf.names)
    return (*leaf.snomed, *(code for codes in named for code in codes))


@kept(maxsize=16384)
def _names(leaf: q.Coded) -> frozenset[str]:
    return frozenset(conditions.named(word) or word.casefold() for word in leaf.names)


def _is(leaf: q.Coded, codes: Iterable[f.Coding], texts: Sequence[str] = ()) -> bool:
    wanted = _names(leaf)
    for coding in codes:
        system, code = crosswalk.system_of(coding.system), coding.code or ""
        if system == "icd10" and any(_plain(code).startswith(_plain(prefix)) for prefix in _prefixes(leaf)):
            return True
        if (system == "snomed" and code in _snomed(leaf)) or code in leaf.codes:
            return True
        if coding.text and (conditions.named(coding.text) or coding.text.casefold()) in wanted:
            return True
    return any(text.casefold() in wanted for text in texts)


def _rules_out(fact: f.Condition | f.Allergy, leaf: q.Coded) -> set[tuple[str, str]]:
    """Return what of the wanted names and codes a stated absence rules out: no asthma does not mean no allergy at all."""
    codings = [(crosswalk.system_of(c.system), c.code or "", c.text or "") for c in fact.codes]
    icd10 = tuple(_plain(code) for system, code, _ in codings if system == "icd10" and code)
    others = {code for system, code, _ in codings if system != "icd10" and code}
    texts = {conditions.named(text) or text.casefold() for _, _, text in codings if text}

    def below(prefix: str) -> bool:
        return bool(icd10) and _plain(prefix).startswith(icd10)

    def named(word: str) -> bool:
        name = conditions.named(word) or word.casefold()
        prefixes, snomed = conditions.codes_of(name)
        # The first SNOMED CT code of a condition is the condition itself, the others are kinds of it.
        return name in texts or bool(set(snomed[:1]) & others) or (bool(prefixes) and all(map(below, prefixes)))

    def exact(code: str) -> bool:
        return code in others

    rules = (("names", named), ("icd10", below), ("snomed", exact), ("codes", exact))
    return {(name, word) for name, rule in rules for word in getattr(leaf, name) if rule(word)}


def _absent(leaf: q.Coded, stated: Iterable[f.Condition | f.Allergy]) -> list[f.Fact]:
    """Return the stated absences that together rule out all that is asked for; nothing where they do not."""
    wanted = {(name, word) for name in ("names", "icd10", "snomed", "codes") for word in getattr(leaf, name)}
    found = [(fact, _rules_out(fact, leaf)) for fact in stated if not fact.present]
    everything = set().union(*(ruled for _, ruled in found))
    return [fact for fact, ruled in found if ruled] if wanted <= everything else []


def _words(leaf: q.Coded) -> str:
    return " or ".join((*leaf.names, *leaf.icd10, *leaf.snomed, *leaf.codes))


def _flag(value: bool | None, wanted: bool | None) -> Verdict:  # noqa: FBT001 - three-valued flags of the record
    return MET if wanted is None else UNKNOWN if value is None else MET if value == wanted else NOT_MET


def _finding(
    checks: Sequence[tuple[f.Fact, Verdict]], absent: Sequence[f.Fact], what: str, wanted: str, cost: Cost
) -> Finding:
    """Return met or unknown by the best fit, not_met where something else is stated, else unknown."""
    settle = Settle(f"whether there is {wanted}", cost)
    verdict = best(v for _, v in checks) if checks else UNKNOWN
    decisive = [fact for fact, v in checks if v is verdict]
    if checks and verdict is MET:
        return Finding(MET, True, sentence(f"{what} is recorded", wanted), evidence_of(decisive))
    if checks and verdict is NOT_MET:
        return Finding(NOT_MET, True, sentence(f"{what} is recorded otherwise", wanted), evidence_of(decisive))
    if not checks and absent:
        return Finding(NOT_MET, True, sentence(f"{what} is stated to be absent", wanted), evidence_of(absent))
    return Finding(UNKNOWN, True, sentence(f"{what} is not recorded", wanted), evidence_of(decisive), settle)


def _dated(fact: f.Fact, leaf: Windowed, known: Known) -> Verdict:
    return placed(span(fact.effective), leaf, known.as_of)


def judge_condition(leaf: q.Condition, known: Known) -> Finding:
    """Judge a comorbidity; a record outside of the windows says nothing of them."""
    mine = [x for x in known.of(f.Condition) if x.present and _is(leaf, x.codes)]
    dated = [(x, verdict) for x in mine if (verdict := _dated(x, leaf, known)) is not NOT_MET]
    checks = [(x, _flag(x.active, leaf.active) if verdict is MET else UNKNOWN) for x, verdict in dated]
    return _finding(checks, _absent(leaf, known.of(f.Condition)), "the condition", _words(leaf), "ask")


def judge_medication(leaf: q.Medication, known: Known) -> Finding:
    """Judge a medication; a record never says that one is not taken."""
    mine = [x for x in known.of(f.Medication) if _is(leaf, x.codes, x.names)]
    return _finding([(x, _flag(x.active, leaf.active)) for x in mine], (), "the medication", _words(leaf), "ask")


def judge_procedure(leaf: q.Procedure, known: Known) -> Finding:
    """Judge a procedure; outside of the windows it does not count, and others may have been done elsewhere."""
    dated = [(x, _dated(x, leaf, known)) for x in known.of(f.Procedure) if _is(leaf, x.codes)]
    checks: list[tuple[f.Fact, Verdict]] = [(x, verdict) for x, verdict in dated if verdict is not NOT_MET]
    return _finding(checks, (), "the procedure", _words(leaf), "ask")


def judge_allergy(leaf: q.Allergy, known: Known) -> Finding:
    """Judge an allergy; that none at all is known rules each out, unless one is recorded all the same."""
    every = known.of(f.Allergy)
    checks: list[tuple[f.Fact, Verdict]] = [(x, MET) for x in every if x.present and _is(leaf, x.codes)]
    none = [] if any(x.present for x in every) else [x for x in every if _NONE_KNOWN & {c.code for c in x.codes}]
    return _finding(checks, none or _absent(leaf, every), "the allergy", _words(leaf), "ask")
