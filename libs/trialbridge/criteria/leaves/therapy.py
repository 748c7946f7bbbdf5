"""Judges of earlier treatment."""

import math
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.dates import span
from trialbridge.criteria.finding import (
    MET,
    NOT_MET,
    UNKNOWN,
    Finding,
    Settle,
    best,
    evidence_of,
    flip,
    sentence,
    worst,
)
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves.windows import day_of, limited, window_words
from trialbridge.criteria.terminology import drugs
from trialbridge.criteria.verdicts import Verdict

_STOP_REASONS = frozenset({"completed", "other", "patient_choice", "progression", "toxicity"})
_SETTLE = Settle("the complete list of earlier treatments", "record")


def _member(value: str | None, wanted: tuple[str, ...]) -> Verdict:
    return MET if not wanted else UNKNOWN if value is None else MET if value in wanted else NOT_MET


def _drugs(leaf: q.PriorTherapy, fact: f.Therapy) -> Iterator[Verdict]:
    given = {drugs.generic(drug) for drug in fact.drugs}
    unnamed = not given and fact.category in ("systemic", "other")
    if leaf.drugs:
        yield UNKNOWN if unnamed else MET if given & {drugs.generic(drug) for drug in leaf.drugs} else NOT_MET
    if leaf.classes:
        found = [drugs.classes_of(drug) for drug in given]
        hit = any(classes is not None and classes & set(leaf.classes) for classes in found)
        yield MET if hit else UNKNOWN if unnamed or None in found else NOT_MET


def _timed(leaf: q.PriorTherapy, fact: f.Therapy, known: Known) -> Verdict:
    """Return whether the treatment lies in the windows: any day of it in the last period or since a day, all before a day."""
    parts = [_reaches(fact, day_of(one, known.as_of)) for one in (leaf.within, leaf.after) if one is not None]
    if leaf.before is not None:
        parts.append(flip(_reaches(fact, day_of(leaf.before, known.as_of))))
    return worst(parts)


def _reaches(fact: f.Therapy, first: datetime) -> Verdict:
    """Return whether any day of the treatment is that day or later; one that is over, with no day of its end, may have gone on."""
    start = span(fact.start or fact.effective)
    if fact.ongoing or (start is not None and start.start >= first):
        return MET
    end = span(fact.end)
    if end is None:
        return UNKNOWN
    return MET if end.start >= first else NOT_MET if end.end < first else UNKNOWN


def _fits(leaf: q.PriorTherapy, fact: f.Therapy, known: Known) -> Verdict:
    return worst(
        (
            *_drugs(leaf, fact),
            _member(fact.category, leaf.categories),
            _member(fact.intent, leaf.intents),
            _member(fact.outcome, leaf.outcomes),
            _member(_stopped(fact), leaf.stop_reasons),
            _timed(leaf, fact, known),
            _halved(leaf, fact, known),
        )
    )


def washout(drug: str, count: Decimal) -> q.Period | None:
    """Return so many half-lives of a drug in whole days, rounded up; None where no table has its half-life."""
    hours = drugs.half_life(drug)
    return None if hours is None else q.Period(days=math.ceil(count * hours / 24))


def _halved(leaf: q.PriorTherapy, fact: f.Therapy, known: Known) -> Verdict:
    """Return whether a drug that is asked for was given in the last so many of its own half-lives."""
    if leaf.within_half_lives is None:
        return MET
    if not fact.drugs:
        unnamed = fact.category in ("systemic", "other")
        return NOT_MET if not unnamed else MET if fact.ongoing else UNKNOWN
    wanted = {drugs.generic(drug) for drug in leaf.drugs}
    found = []
    for drug in fact.drugs:
        named = MET if not wanted or drugs.generic(drug) in wanted else NOT_MET
        classes = drugs.classes_of(drug)
        classed = MET if not leaf.classes else UNKNOWN if classes is None else _shared(classes, leaf.classes)
        period = washout(drug, leaf.within_half_lives)
        when = UNKNOWN if period is None else _reaches(fact, day_of(period, known.as_of))
        found.append(worst((named, classed, MET if fact.ongoing else when)))
    return best(found)


def _shared(classes: frozenset[str], wanted: tuple[str, ...]) -> Verdict:
    return MET if classes & set(wanted) else NOT_MET


def _stopped(fact: f.Therapy) -> str | None:
    """Return why the treatment was stopped in the language's words, None where the record has other words or none."""
    word = "_".join((fact.stop_reason or "").replace("_", " ").split()).casefold()
    return word if word in _STOP_REASONS else None


def words(leaf: q.PriorTherapy) -> str:
    """Return what is asked for, in words."""
    kinds = (*leaf.drugs, *leaf.classes, *leaf.categories)
    what = " or ".join(kinds) or "any treatment"
    intent = " or ".join((*leaf.intents, *leaf.outcomes))
    stopped = " or ".join(word.replace("_", " ") for word in leaf.stop_reasons)
    lines = " and ".join(
        f"{word} {count} lines"
        for word, count in (("at least", leaf.min_lines), ("at most", leaf.max_lines))
        if count is not None
    )
    stop = f"stopped for {stopped}" if stopped else ""
    return " ".join(filter(None, ("earlier treatment with", what, intent, stop, lines, window_words(leaf))))


def _without_half_life(leaf: q.PriorTherapy, facts: list[f.Therapy]) -> str:
    """Return the drugs whose half-life is asked for and is in no table."""
    if leaf.within_half_lives is None:
        return ""
    given = (drug for fact in facts for drug in fact.drugs)
    return ", ".join(dict.fromkeys(drug for drug in given if drugs.half_life(drug) is None))


def complete(known: Known) -> list[f.TherapyHistory]:
    """Return the statements that the known treatments are all; none where a record says that there may have been another."""
    stated = known.of(f.TherapyHistory)
    return list(stated) if all(fact.complete for fact in stated) else []


def _said(facts: list[f.Therapy]) -> str:
    return ", ".join(dict.fromkeys(" + ".join(x.drugs) or x.category for x in facts))


def _counted(leaf: q.PriorTherapy, known: Known) -> tuple[int, int | None, list[f.Fact]]:
    """Return the least and the most systemic lines that fit (None: no end is known), with the facts that say so.

    Treatments with a line number count once a line; each without one may be a line of its own, or a part of another.
    """
    every = [(x, _fits(leaf, x, known)) for x in known.of(f.Therapy) if x.given and x.category == "systemic"]
    sure = [x for x, fits in every if fits is MET]
    maybe = [x for x, fits in every if fits is UNKNOWN]
    numbered = {x.line for x in sure if x.line is not None}
    least = max(len(numbered), 1 if sure else 0)
    closed = complete(known)
    if not _narrow(leaf):
        # A third line means that there were a first and a second.
        stated = [x.lines for x in closed if x.lines is not None]
        least = max(least, *numbered, *stated) if numbered or stated else least
        if stated:
            return least, least, [*sure, *closed]
    possible = numbered | {x.line for x in maybe if x.line is not None}
    loose = sum(x.line is None for x in (*sure, *maybe))
    most = max(least, len(possible) + loose) if closed else None
    return least, most, [*sure, *closed]


def _lines(leaf: q.PriorTherapy, known: Known) -> Finding:
    """Judge the number of systemic lines; the known ones are the least that there were."""
    wanted = words(leaf)
    least, most, grounds = _counted(leaf, known)
    verdicts = []
    if leaf.min_lines is not None:
        lost = most is not None and most < leaf.min_lines
        verdicts.append(MET if least >= leaf.min_lines else NOT_MET if lost else UNKNOWN)
    if leaf.max_lines is not None:
        kept = most is not None and most <= leaf.max_lines
        verdicts.append(NOT_MET if least > leaf.max_lines else MET if kept else UNKNOWN)
    verdict = worst(verdicts)
    # Lines are added, never taken back: too many stay too many, and enough stay enough.
    too_many = leaf.max_lines is not None and least > leaf.max_lines
    enough = verdict is MET and leaf.max_lines is None
    turns = limited(leaf) or not (too_many or enough)
    count = f"{least}" if most == least else f"at least {least}" if most is None else f"{least} to {most}"
    said = f"{count} {'line is' if count == '1' else 'lines are'} recorded"
    settle = _SETTLE if verdict is UNKNOWN else None
    return Finding(verdict, turns, sentence(said, wanted), evidence_of(grounds), settle)


def _narrow(leaf: q.PriorTherapy) -> bool:
    kinds = leaf.drugs or leaf.classes or leaf.categories or leaf.intents or leaf.outcomes or leaf.stop_reasons
    return bool(kinds) or limited(leaf)


def _denied(leaf: q.PriorTherapy, known: Known) -> list[f.Therapy]:
    """Return the statements that together say of all that is asked for that it was not given; nothing where they do not.

    A drug that was not given denies that drug, not its class; no treatment of a category at all denies the category.
    """
    stated = [
        fact
        for fact in known.of(f.Therapy)
        if not fact.given
        and (fact.intent is None or set(leaf.intents) == {fact.intent})
        and _timed(leaf, fact, known) is MET
    ]
    by_drug = {drugs.generic(fact.drugs[0]): fact for fact in stated if len(fact.drugs) == 1}
    by_category = {str(fact.category): fact for fact in stated if not fact.drugs and not fact.codes}
    named = [by_drug.get(drugs.generic(drug)) for drug in leaf.drugs] or [None]
    kinds = [by_category.get(category) for category in leaf.categories] or [None]
    return next(([fact for fact in found if fact] for found in (named, kinds) if None not in found), [])


def judge_prior_therapy(leaf: q.PriorTherapy, known: Known) -> Finding:
    """Judge the treatments one by one, or the number of lines; absence only where the history is complete or it is stated."""
    if leaf.min_lines is not None or leaf.max_lines is not None:
        return _lines(leaf, known)
    wanted = words(leaf)
    every = known.of(f.Therapy)
    checks = [(fact, _fits(leaf, fact, known)) for fact in every if fact.given]
    verdict = best(v for _, v in checks) if checks else NOT_MET
    if verdict is not NOT_MET:
        decisive = [fact for fact, v in checks if v is verdict]
        short = _without_half_life(leaf, decisive) if verdict is UNKNOWN else ""
        lacks = f", and no table has the half-life of {short}" if short else ", without all that is asked"
        said = f"{_said(decisive)} was given" + ("" if verdict is MET else lacks)
        settle = (
            Settle(f"the half-life of {short} (trialbridge terminology import half-lives)", "ask") if short else _SETTLE
        )
        turns = verdict is UNKNOWN or limited(leaf)
        return Finding(
            verdict, turns, sentence(said, wanted), evidence_of(decisive), settle if verdict is UNKNOWN else None
        )
    closed: list[f.Fact] = [*_denied(leaf, known), *complete(known)]
    if closed:
        return Finding(NOT_MET, True, sentence("no such treatment was given", wanted), evidence_of(closed))
    return Finding(UNKNOWN, True, sentence("the list of treatments is not known to be complete", wanted), (), _SETTLE)
