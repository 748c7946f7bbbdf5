"""The oracle on what is looked for by name or code: comorbidities, medication, procedures, allergies."""

from collections.abc import Iterable, Sequence

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.verdicts import Verdict
from trialbridge.testkit.oracle import tables as t
from trialbridge.testkit.oracle.answers import NO, OPEN, YES, Answer, either
from trialbridge.testkit.oracle.days import placed
from trialbridge.testkit.oracle.patient import Patient


def _plain(code: str) -> str:
    return code.replace(".", "").strip().upper()


def _asked_for(leaf: q.Coded, coding: f.Coding) -> bool:
    """Return whether a coding is one of the codes, of the names, or of the codes of one of the names."""
    named = [t.condition(word) for word in leaf.names]
    prefixes = [*leaf.icd10, *(code for _, icd10, _ in named for code in icd10)]
    concepts = [*leaf.snomed, *(code for _, _, snomed in named for code in snomed)]
    system, code = t.system(coding), coding.code or ""
    by_prefix = system == "icd10" and any(_plain(code).startswith(_plain(prefix)) for prefix in prefixes)
    by_concept = system == "snomed" and code in concepts
    by_text = bool(coding.text) and t.condition(coding.text or "")[0] in [name for name, _, _ in named]
    return by_prefix or by_concept or code in leaf.codes or by_text


def _has(leaf: q.Coded, codings: Iterable[f.Coding]) -> bool:
    return any(_asked_for(leaf, coding) for coding in codings)


def _denied(leaf: q.Coded, stated: Sequence[f.Condition | f.Allergy]) -> bool:
    """Return whether stated absences rule out all that is asked for: a code rules out what is below it, a name itself."""
    codings = [coding for fact in stated if not fact.present for coding in fact.codes]
    prefixes = [_plain(x.code) for x in codings if x.code and t.system(x) == "icd10"]
    codes = {x.code for x in codings if x.code and t.system(x) != "icd10"}
    names = {t.condition(x.text)[0] for x in codings if x.text}

    def below(code: str) -> bool:
        return any(_plain(code).startswith(prefix) for prefix in prefixes)

    def no_such(word: str) -> bool:
        name, icd10, snomed = t.condition(word)
        # The first SNOMED CT code is the condition itself, the others are kinds of it.
        return name in names or bool(codes & set(snomed[:1])) or (bool(icd10) and all(below(code) for code in icd10))

    return bool(codings) and all(
        (
            *(no_such(word) for word in leaf.names),
            *(below(code) for code in leaf.icd10),
            *(code in codes for code in (*leaf.snomed, *leaf.codes)),
        )
    )


def _flag(said: bool | None, wanted: bool | None) -> Verdict:  # noqa: FBT001
    return YES if wanted is None else OPEN if said is None else YES if said == wanted else NO


def condition(leaf: q.Condition, patient: Patient) -> Answer:
    """A record outside of the windows says nothing of them; without any record, only a stated absence makes it fail."""
    every = patient.all(f.Condition)
    mine = [fact for fact in every if fact.present and _has(leaf, fact.codes)]
    dated = [(fact, placed(fact, patient.as_of, leaf)) for fact in mine]
    dated = [(fact, place) for fact, place in dated if place is not NO]
    if not dated:
        return Answer(NO if _denied(leaf, every) else OPEN)
    return Answer(either(_flag(fact.active, leaf.active) if place is YES else OPEN for fact, place in dated))


def medication(leaf: q.Medication, patient: Patient) -> Answer:
    """Fails only where every record of it says that it is (or is not) active; that there is none says nothing."""
    names = {t.condition(word)[0] for word in leaf.names}
    mine = [
        fact
        for fact in patient.all(f.Medication)
        if _has(leaf, fact.codes) or names & {name.casefold() for name in fact.names}
    ]
    return Answer(either(_flag(fact.active, leaf.active) for fact in mine) if mine else OPEN)


def procedure(leaf: q.Procedure, patient: Patient) -> Answer:
    """A procedure in the windows; others may have been done elsewhere, so it never fails."""
    mine = [fact for fact in patient.all(f.Procedure) if _has(leaf, fact.codes)]
    return Answer(YES if any(placed(fact, patient.as_of, leaf) is YES for fact in mine) else OPEN)


def allergy(leaf: q.Allergy, patient: Patient) -> Answer:
    """A recorded allergy; without one, only a stated absence makes it fail."""
    every = patient.all(f.Allergy)
    if any(fact.present and _has(leaf, fact.codes) for fact in every):
        return Answer(YES)
    codes = {one.code for fact in every for one in fact.codes}
    none = all(not fact.present for fact in every) and bool(codes & {"716186003", "160244002", "no-known-allergies"})
    return Answer(NO if none or _denied(leaf, every) else OPEN)
