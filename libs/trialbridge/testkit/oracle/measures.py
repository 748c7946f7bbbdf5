"""The oracle on what is measured: performance status, laboratory results, vital signs, signatures, protein markers."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

import msgspec

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.verdicts import Verdict
from trialbridge.testkit.oracle import tables as t
from trialbridge.testkit.oracle.answers import NO, OPEN, YES, Answer, among, either, firm, joined
from trialbridge.testkit.oracle.days import ever, newest
from trialbridge.testkit.oracle.patient import Patient

F = TypeVar("F", bound=f.Fact)
Bounded = q.Lab | q.Vital | q.Signature | q.Expression

PER_MEGABASE = "1/1000000{Base}"
_GRADE_2 = 2
_REPAIR = ("MLH1", "MSH2", "MSH6", "PMS2")
_KARNOFSKY_OF_ECOG = {0: {90, 100}, 1: {70, 80}, 2: {50, 60}, 3: {30, 40}, 4: {10, 20}, 5: {0}}
# What a word may mean: HER2 low and ultralow are negative, ER and PR low are positive.
_WORDS = {
    "HER2": {"negative": ["zero", "low", "ultralow"]},
    "ER": {"positive": ["high", "low"]},
    "PR": {"positive": ["high", "low"]},
}
_MARKERS = {
    "ER": ("ESR1", "ESTROGEN RECEPTOR", "OESTROGEN RECEPTOR"),
    "PR": ("PGR", "PROGESTERONE RECEPTOR", "PGR RECEPTOR"),
    "HER2": ("ERBB2", "HER-2", "HER2/NEU", "HER-2/NEU", "C-ERBB2"),
    "PD-L1": ("PDL1", "PD L1", "CD274"),
    "KI-67": ("KI67", "MKI67", "MIB-1"),
}


def number(value: Decimal | None) -> Fraction | None:
    """Return a number exactly; None for what is none, or beyond any measurement."""
    return Fraction(value) if value is not None and value.is_finite() and abs(value) < 10**30 else None


def in_bounds(value: Fraction, comparator: str | None, leaf: Bounded) -> Verdict:
    """Return whether a result lies in the bounds; ``<5`` may be anything below 5."""
    lows = [(leaf.min, False), (leaf.above, True)]
    highs = [(leaf.max, False), (leaf.below, True)]
    answers = [_at_least(value, comparator, Fraction(bound), strict) for bound, strict in lows if bound is not None]
    turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(comparator or "")
    answers += [_at_least(-value, turned, -Fraction(bound), strict) for bound, strict in highs if bound is not None]
    return joined(answers)


def _at_least(value: Fraction, comparator: str | None, bound: Fraction, strict: bool) -> Verdict:  # noqa: FBT001
    above = value > bound or (value == bound and not strict)
    if comparator is None:
        return YES if above else NO
    if comparator in (">", ">="):
        return YES if above or (value == bound and comparator == ">") else OPEN
    below = value < bound or (value == bound and (strict or comparator == "<"))
    return NO if below else OPEN


def _has_bounds(leaf: Bounded) -> bool:
    return any(bound is not None for bound in (leaf.min, leaf.max, leaf.above, leaf.below))


def _picked(
    records: Sequence[F], leaf: Bounded | q.Performance, patient: Patient, says: Callable[[F], Verdict]
) -> Verdict:
    choose = ever if leaf.pick == "ever" else newest
    return choose(records, patient.as_of, leaf, says)


def _made_by(name: str | None, wanted: tuple[str, ...]) -> Verdict:
    """Return whether a result is by an assay or method that is asked for."""
    if not wanted:
        return YES
    return OPEN if not name else either(YES if word.casefold() in name.casefold() else NO for word in wanted)


def performance(leaf: q.Performance, patient: Patient) -> Answer:
    """The newest value in the scale, or in one that converts for certain: ECOG to a range of Karnofsky, Karnofsky to ECOG."""

    def possible(fact: f.Performance) -> set[int]:
        if fact.scale == leaf.scale:
            return {fact.value}
        if (fact.scale, leaf.scale) == ("ecog", "karnofsky"):
            return _KARNOFSKY_OF_ECOG.get(fact.value, set())
        if (fact.scale, leaf.scale) == ("karnofsky", "ecog"):
            return {grade for grade, range_ in _KARNOFSKY_OF_ECOG.items() if min(range_) <= fact.value <= max(range_)}
        return set()

    def says(fact: f.Performance) -> Verdict:
        fits = [(leaf.min or 0) <= one and (leaf.max is None or one <= leaf.max) for one in possible(fact)]
        return YES if all(fits) else OPEN if any(fits) else NO

    records = [fact for fact in patient.all(f.Performance) if possible(fact)]
    return Answer(_picked(records, leaf, patient, says))


def _in_unit(fact: f.Lab | f.Vital, leaf: q.Lab | q.Vital, molar_mass: Fraction | None) -> Fraction | None:
    value = number(fact.value)
    if value is None or leaf.unit is None:
        return value
    if leaf.unit == "xULN":
        limit = number(fact.upper_limit) if isinstance(fact, f.Lab) else None
        return None if limit is None or limit <= Fraction(1, 10**9) else value / limit
    factor = t.converted(fact.unit, leaf.unit, molar_mass) if fact.unit else None
    return None if factor is None else value * factor


def lab(leaf: q.Lab, patient: Patient) -> Answer:
    """The newest result of the test, in the unit asked for or in multiples of its own upper limit."""
    codes, molar_mass = t.test_codes(leaf.test)

    def says(fact: f.Lab) -> Verdict:
        value = _in_unit(fact, leaf, molar_mass)
        return OPEN if value is None else in_bounds(value, fact.comparator, leaf)

    results = [fact for fact in patient.all(f.Lab) if fact.loinc in codes]
    return Answer(_picked(results, leaf, patient, says))


def vital(leaf: q.Vital, patient: Patient) -> Answer:
    """The newest vital sign of the code."""

    def says(fact: f.Vital) -> Verdict:
        value = _in_unit(fact, leaf, None)
        return OPEN if value is None else in_bounds(value, fact.comparator, leaf)

    results = [fact for fact in patient.all(f.Vital) if fact.loinc == leaf.loinc]
    return Answer(_picked(results, leaf, patient, says))


def signature(leaf: q.Signature, patient: Patient) -> Answer:
    """The newest result of the name; bounds of the mutational burden compare per megabase only, others in the unit asked for."""

    def says(fact: f.Signature) -> Verdict:
        parts = []
        if leaf.any_of:
            unsaid = fact.status in (None, "indeterminate")
            parts.append(YES if fact.status in leaf.any_of else OPEN if unsaid else NO)
        if _has_bounds(leaf):
            value = number(fact.value)
            same = fact.unit == PER_MEGABASE if leaf.name == "tmb" else leaf.unit in (None, fact.unit)
            parts.append(in_bounds(value, None, leaf) if same and value is not None else OPEN)
        return joined(parts) if _made_by(fact.assay, leaf.assays) is YES else OPEN

    # Where a number alone is asked for, a result in words alone is no result.
    results = [
        fact
        for fact in (*patient.all(f.Signature), *_retained(patient))
        if fact.name == leaf.name
        and (leaf.any_of or fact.value is not None)
        and _made_by(fact.assay, leaf.assays) is not NO
    ]
    return firm(_picked(results, leaf, patient, says))


def _retained(patient: Patient) -> list[f.Signature]:
    """Return repair as proficient, once for each stain, of days on which every stain of the four proteins kept them all."""
    found = []
    stains = [fact for fact in patient.all(f.Marker) if _marker(fact.marker) in _REPAIR and _day(fact)]
    for stain in stains:
        day = [other for other in stains if _day(other) == _day(stain)]
        if all(
            any(_marker(other.marker) == protein and other.status == "positive" for other in day) for protein in _REPAIR
        ):
            by = day[0].method if len({other.method for other in day}) == 1 else None
            whole = all(other.status == "positive" for other in day)
            said = f.Signature(
                evidence=stain.evidence, effective=stain.effective, name="mmr", status="proficient", assay=by
            )
            found += [said] if whole else []
    return found


def _day(fact: f.Fact) -> str | None:
    return fact.effective[:10] if fact.effective and len(fact.effective) >= 10 else None  # noqa: PLR2004 - YYYY-MM-DD


def _counts(day: list[f.Marker], kind: str) -> list[Decimal]:
    unsaid = [fact.score for fact in day if fact.status is None and fact.score_kind == kind]
    return [score for score in unsaid if score is not None and number(score) is not None and score >= 0]


def _amplification(day: list[f.Marker]) -> str | None:
    """Return what ASCO/CAP's groups make of the ratios and copies of a day: 1 positive, 5 negative, the others neither."""
    ratios, copies = _counts(day, "ratio"), _counts(day, "copies")
    if not ratios or not copies:
        return None
    if all(ratio >= 2 and copy >= 4 for ratio in ratios for copy in copies):  # noqa: PLR2004 - ASCO/CAP 2018
        return "positive"
    if all(ratio < 2 and copy < 4 for ratio in ratios for copy in copies):  # noqa: PLR2004 - ASCO/CAP 2018
        return "negative"
    return "equivocal"


def _hybridized(fact: f.Marker, patient: Patient) -> f.Marker | None:
    """Return a result of HER2 with what the hybridization of its day says of it; None for a count that has nothing to add."""
    day = [other for other in patient.all(f.Marker) if _marker(other.marker) == "HER2" and _day(other) == _day(fact)]
    said = _amplification(day) if _day(fact) else None
    undecided = (None, "equivocal")
    stained = [x for x in day if x.score_kind == "ihc" and x.score == _GRADE_2 and x.status in undecided]
    if said == "negative" and stained:
        said = "low"
    count = fact.status is None and fact.score_kind in ("ratio", "copies")
    stated = any(other.status in ("positive", "negative", "low", "ultralow") for other in day)
    if _day(fact) and count and stated and said in (None, "equivocal"):
        return None
    if said is None or not (count or (fact in stained and said != "equivocal")):
        return fact
    return msgspec.structs.replace(fact, status=said)


def _marker(name: str) -> str:
    plain = " ".join(name.split()).upper()
    return next((usual for usual, others in _MARKERS.items() if plain in others), plain)


def _words_of_score(name: str, fact: f.Marker) -> list[str]:
    """Return the words for a score that comes without one: HER2 by immunohistochemistry, ER and PR by percent."""
    score = number(fact.score)
    if name == "HER2" and fact.score_kind == "ihc":
        grades = {0: ["zero", "ultralow"], 1: ["low"], 2: ["equivocal"], 3: ["positive"]}
        return [] if score is None else next((words for grade, words in grades.items() if score == grade), [])
    if (
        name in ("ER", "PR")
        and fact.score_kind == "percent"
        and score is not None
        and Fraction(0) <= score <= Fraction(100)
    ):
        return ["negative"] if score < 1 else ["high"] if score > Fraction(10) else ["low"]
    return []


def expression(leaf: q.Expression, patient: Patient) -> Answer:
    """The newest result of the marker, or (where a score alone is asked for) the newest that may be of that kind."""
    name = _marker(leaf.marker)

    def meaning(word: str) -> list[str]:
        return _WORDS.get(name, {}).get(word, [word])

    def status(fact: f.Marker) -> Verdict:
        words = [fact.status] if fact.status else _words_of_score(name, fact)
        if words == ["equivocal"] and "equivocal" in leaf.any_of:
            return YES
        if not words or words in (["indeterminate"], ["equivocal"]):
            return OPEN
        possible = [part for word in words for part in meaning(word)]
        return among(possible, [part for word in leaf.any_of for part in meaning(word)])

    def says(fact: f.Marker) -> Verdict:
        parts = [status(fact)] if leaf.any_of else []
        if _has_bounds(leaf):
            same = leaf.score in (None, fact.score_kind) and fact.score_kind != "copies"
            score = number(fact.score) if same else None
            parts.append(OPEN if score is None else in_bounds(score, None, leaf))
        return joined(parts) if _made_by(fact.method, leaf.methods) is YES else OPEN

    only_score = _has_bounds(leaf) and leaf.score and not leaf.any_of
    mine = [fact for fact in patient.all(f.Marker) if _marker(fact.marker) == name]
    if name == "HER2" and leaf.any_of:
        mine = [found for fact in mine if (found := _hybridized(fact, patient)) is not None]
    results = [
        fact
        for fact in mine
        if (leaf.any_of or fact.score_kind != "copies")
        and (not only_score or fact.score_kind in (leaf.score, None if fact.score is not None else leaf.score))
        and _made_by(fact.method, leaf.methods) is not NO
    ]
    return firm(_picked(results, leaf, patient, says))
