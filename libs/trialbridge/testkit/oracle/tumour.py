"""The oracle on the tumour: diagnosis and histology."""

from collections.abc import Iterator

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.verdicts import Verdict
from trialbridge.testkit.oracle import tables as t
from trialbridge.testkit.oracle.answers import NO, OPEN, UNKNOWN, YES, Answer, either, firm
from trialbridge.testkit.oracle.patient import Patient

Reading = frozenset[str]
"""The OncoTree terms that one coding leaves possible: the disease is one of them, or below."""


def _named(text: str | None) -> tuple[str, ...]:
    term = t.term(text) if text else None
    return (term,) if term else ()


def _of_coding(coding: f.Coding) -> tuple[str, ...]:
    system = t.system(coding)
    if coding.code and system == "icd10":
        return t.of_icd10(coding.code)
    found: tuple[str, ...] = ()
    if coding.code and system in ("oncotree", "none"):
        found = _named(coding.code)
    elif coding.code and system == "snomed":
        found = t.crosswalk("snomed", coding.code.strip())
    found = found or (() if system == "icd10" else _named(coding.text))
    return t.of_icd9(coding.code) if not found and coding.code and system == "icd9" else found


def _of_shapes(fact: f.Diagnosis) -> Iterator[tuple[str, ...]]:
    """Yield the readings of ICD-O-3: each morphology at each topography; without a morphology the topography alone."""
    every = (*fact.codes, *fact.morphology, *fact.site)
    codes = [one.code.strip() for one in every if one.code and t.system(one) in ("icdo3", "icd10")]
    sites = [code for code in codes if code.upper().startswith("C")]
    places: list[str | None] = [*sites] or [None]
    shaped = [t.of_morphology(site, code) for code in codes if "/" in code for site in places]
    yield from shaped if any(shaped) else [t.of_icd10(site) for site in sites]


def readings(fact: f.Diagnosis) -> list[Reading]:
    """Return what the codings of a diagnosis say, each by itself, without those that another one says more exactly."""
    every = (*(_of_coding(one) for one in fact.codes), *_of_shapes(fact))
    found = list(dict.fromkeys(frozenset(x for x in one if not x.startswith("_")) for one in every))
    found = [one for one in found if one]
    return [one for one in found if not any(other != one and _finer(other, one) for other in found)]


def _finer(one: Reading, other: Reading) -> bool:
    return all(any(t.is_a(term, wider) for wider in other) for term in one)


def _meant(leaf: q.Diagnosis) -> list[tuple[str, ...]]:
    """Return the terms of each code that the criterion asks for; nothing for a code that no table has."""
    return [
        *(t.of_icd10(code) for code in leaf.icd10),
        *(t.crosswalk("snomed", code.strip()) for code in leaf.snomed),
        *(t.of_morphology(None, code) for code in leaf.icdo3),
    ]


def _same_code(leaf: q.Diagnosis, fact: f.Diagnosis) -> bool:
    for one in (*fact.codes, *fact.morphology):
        system, code = t.system(one), one.code or ""
        plain = code.replace(".", "").strip().upper()
        if system == "icd10" and any(plain.startswith(x.replace(".", "").strip().upper()) for x in leaf.icd10):
            return True
        if (system == "snomed" and code in leaf.snomed) or (system == "icdo3" and code in leaf.icdo3):
            return True
    return False


def _term_met(said: Reading, wanted: str, *, descendants: bool) -> Verdict:
    """Compare what one coding says with one wanted term; the wanted one may turn out to be below what is said."""
    if all(t.is_a(one, wanted) if descendants else one == wanted for one in said):
        return YES
    return OPEN if any(_may_be(one, wanted, descendants=descendants) for one in said) else NO


def _may_be(said: str, wanted: str, *, descendants: bool) -> bool:
    above = not wanted.startswith("_") and t.is_a(wanted, said)
    return above or (descendants and t.is_a(said, wanted))


def _met(leaf: q.Diagnosis, fact: f.Diagnosis) -> Verdict:
    if _same_code(leaf, fact):
        return YES
    said = readings(fact)
    if not said:
        return OPEN
    wanted = [term for text in leaf.oncotree if (term := t.term(text))]
    answers = [_term_met(one, term, descendants=leaf.descendants) for one in said for term in wanted]
    for terms in _meant(leaf):
        # The record may have the code as well, wherever their terms lie on one line; a code without terms can never be ruled out.
        near = not terms or any(
            _may_be(one, term, descendants=True) for reading in said for one in reading for term in terms
        )
        answers.append(OPEN if near else NO)
    return either(answers)


def _ruled_out(leaf: q.Diagnosis, fact: f.Diagnosis) -> bool:
    """Return whether a refuted diagnosis leaves nothing of what is asked for."""
    said = {one for reading in readings(fact) for one in reading}
    wanted = [(term,) for text in leaf.oncotree if (term := t.term(text))] + _meant(leaf)
    plain = all(terms and not any(term.startswith("_") for term in terms) for terms in wanted)
    return plain and bool(said) and all(any(t.is_a(x, one) for one in said) for terms in wanted for x in terms)


def diagnosis(leaf: q.Diagnosis, patient: Patient) -> Answer:
    """The best of the primary diagnoses; a tumour does not turn into another one. Without any, a refuted one is a negative.

    What is resolved is not there any more; where nothing else was ever there, neither is what is asked for.
    """
    mine = [fact for fact in patient.all(f.Diagnosis) if fact.primary]
    held = [fact for fact in mine if not fact.excluded]
    present = [fact for fact in held if fact.status != "resolved"]
    if present:
        return firm(either(_met(leaf, fact) for fact in present))
    if held:
        return Answer(NO, recoverable=False)
    return Answer(NO, recoverable=False) if any(_ruled_out(leaf, fact) for fact in mine) else UNKNOWN


def _shape(leaf: q.Histology, fact: f.Diagnosis) -> Verdict:
    """A code that is asked for, or a word in the text. Not so only where every coding is of a system that is asked for by code."""
    systems = set()
    for one in fact.morphology:
        if one.code and one.code in (*leaf.icdo3, *leaf.snomed):
            return YES
        if any(word.casefold() in (one.text or "").casefold() for word in leaf.names):
            return YES
        systems.add(t.system(one) if one.code else "none")
    asked = {name for name, codes in (("icdo3", leaf.icdo3), ("snomed", leaf.snomed)) if codes}
    return NO if not leaf.names and systems == asked else OPEN


def histology(leaf: q.Histology, patient: Patient) -> Answer:
    """The best of the primary diagnoses that are not resolved and say anything of morphology."""
    held = [x for x in patient.all(f.Diagnosis) if x.primary and not x.excluded and x.status != "resolved"]
    mine = [x for x in held if x.morphology]
    return firm(either(_shape(leaf, fact) for fact in mine)) if mine else UNKNOWN
