"""The oracle on earlier treatment: what was given, and how many systemic lines."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.verdicts import Verdict
from trialbridge.testkit.oracle import tables as t
from trialbridge.testkit.oracle.answers import NO, OPEN, UNKNOWN, YES, Answer, either, joined, swapped
from trialbridge.testkit.oracle.days import bounds, midnight, moments
from trialbridge.testkit.oracle.patient import Patient


def _kinds(leaf: q.PriorTherapy, fact: f.Therapy) -> Iterator[Verdict]:
    given = [t.drug(name) for name in fact.drugs]
    unnamed = not given and fact.category in ("systemic", "other")
    if leaf.drugs:
        yield OPEN if unnamed else YES if set(given) & {t.drug(name) for name in leaf.drugs} else NO
    if leaf.classes:
        classes = [t.drug_classes(name) for name in given]
        hit = any(known & set(leaf.classes) for known in classes if known is not None)
        yield YES if hit else OPEN if unnamed or None in classes else NO
    for value, wanted in (
        (fact.category, leaf.categories),
        (fact.intent, leaf.intents),
        (fact.outcome, leaf.outcomes),
        (_reason(fact), leaf.stop_reasons),
    ):
        if wanted:
            yield OPEN if value is None else YES if value in wanted else NO


def _reason(fact: f.Therapy) -> str | None:
    """Return why it was stopped, in the words of the language; any other text says nothing."""
    word = "_".join((fact.stop_reason or "").casefold().replace("_", " ").split())
    return word if word in ("completed", "other", "patient_choice", "progression", "toxicity") else None


def _reaches(fact: f.Therapy, day: datetime) -> Verdict:
    """Return whether any of the treatment was on that day or later: it began or ended there, or goes on."""
    begun, ended = moments(fact.start or fact.effective), moments(fact.end)
    if fact.ongoing or (begun is not None and begun.first >= day) or (ended is not None and ended.first >= day):
        return YES
    return NO if ended is not None and ended.last < day else OPEN


def _timed(leaf: q.PriorTherapy, fact: f.Therapy, patient: Patient) -> Verdict:
    """Return whether any day of the treatment is in the last period or since a day, and all of it before a day."""
    starts, before = bounds(leaf, patient.as_of)
    over = YES if before is None else swapped(_reaches(fact, before))
    return joined((*(_reaches(fact, start) for start in starts), over))


def _fits(leaf: q.PriorTherapy, fact: f.Therapy, patient: Patient) -> Verdict:
    return joined((*_kinds(leaf, fact), _timed(leaf, fact, patient), _in_the_body(leaf, fact, patient)))


def _in_the_body(leaf: q.PriorTherapy, fact: f.Therapy, patient: Patient) -> Verdict:
    """Return whether one drug that fits was given in the last so many of its half-lives; days are counted whole."""
    if leaf.within_half_lives is None:
        return YES
    if not fact.drugs:
        return NO if fact.category not in ("systemic", "other") else YES if fact.ongoing else OPEN
    return either(_still_there(leaf, name, fact, patient) for name in fact.drugs)


def _still_there(leaf: q.PriorTherapy, name: str, fact: f.Therapy, patient: Patient) -> Verdict:
    one = q.PriorTherapy(drugs=leaf.drugs, classes=leaf.classes)
    fits = joined(_kinds(one, f.Therapy(evidence=fact.evidence, drugs=(name,))))
    hours = t.half_life(name)
    if fact.ongoing or hours is None:
        return joined((fits, YES if fact.ongoing else OPEN))
    days = (leaf.within_half_lives or 0) * hours / 24
    whole = int(days) + (1 if days > int(days) else 0)
    return joined((fits, _reaches(fact, midnight(patient.as_of) - timedelta(days=whole))))


def _denied(leaf: q.PriorTherapy, patient: Patient) -> bool:
    """Return whether everything that is asked for is stated not to have been given.

    That one drug was not given denies that drug, not its class; that no treatment of a category was given denies the category.
    """
    drugs, categories = set(), set()
    for fact in patient.all(f.Therapy):
        other_intent = fact.intent is not None and set(leaf.intents) != {fact.intent}
        if fact.given or other_intent or _timed(leaf, fact, patient) is not YES:
            continue
        if len(fact.drugs) == 1:
            drugs.add(t.drug(fact.drugs[0]))
        if not fact.drugs and not fact.codes:
            categories.add(fact.category)
    by_drug = bool(leaf.drugs) and {t.drug(name) for name in leaf.drugs} <= drugs
    return by_drug or (bool(leaf.categories) and set(leaf.categories) <= categories)


def _lines(leaf: q.PriorTherapy, patient: Patient) -> Answer:
    """Count distinct line numbers; a treatment without a number may be a line of its own or part of another one."""
    systemic = [fact for fact in patient.all(f.Therapy) if fact.given and fact.category == "systemic"]
    sure = [fact for fact in systemic if _fits(leaf, fact, patient) is YES]
    maybe = [fact for fact in systemic if _fits(leaf, fact, patient) is OPEN]
    histories = list(patient.all(f.TherapyHistory))
    if not all(fact.complete for fact in histories):
        histories = []
    numbers = {fact.line for fact in sure if fact.line is not None}
    least = max(len(numbers), 1 if sure else 0)
    every = numbers | {fact.line for fact in maybe if fact.line is not None}
    loose = [fact for fact in (*sure, *maybe) if fact.line is None]
    most = max(least, len(every) + len(loose)) if histories else None
    if not _narrowed(leaf):
        stated = [history.lines for history in histories if history.lines is not None]
        # Where there was a third line, there were a first and a second one.
        least = max([least, *numbers, *stated])
        most = None if most is None else least if stated else max(least, most)
    verdicts = []
    if leaf.min_lines is not None:
        short = most is not None and most < leaf.min_lines
        verdicts.append(YES if least >= leaf.min_lines else NO if short else OPEN)
    if leaf.max_lines is not None:
        over = least > leaf.max_lines
        verdicts.append(NO if over else YES if most is not None and most <= leaf.max_lines else OPEN)
    verdict = joined(verdicts)
    # Lines are added, never taken back: too many stay too many, enough stay enough.
    too_many = leaf.max_lines is not None and least > leaf.max_lines
    enough = verdict is YES and leaf.max_lines is None
    return Answer(verdict, recoverable=_windowed(leaf) or not (too_many or enough))


def _narrowed(leaf: q.PriorTherapy) -> bool:
    kinds = (leaf.drugs, leaf.classes, leaf.categories, leaf.intents, leaf.outcomes, leaf.stop_reasons)
    return any(kinds) or _windowed(leaf)


def _windowed(leaf: q.PriorTherapy) -> bool:
    windows = (leaf.within, leaf.after, leaf.before, leaf.within_half_lives)
    return any(one is not None for one in windows)


def prior_therapy(leaf: q.PriorTherapy, patient: Patient) -> Answer:
    """One treatment must fit everything. None fails only where the history is complete, or all that is asked for is denied."""
    if leaf.min_lines is not None or leaf.max_lines is not None:
        return _lines(leaf, patient)
    verdict = either(_fits(leaf, fact, patient) for fact in patient.all(f.Therapy) if fact.given)
    if verdict is YES:
        return Answer(YES, recoverable=_windowed(leaf))
    if verdict is OPEN:
        return UNKNOWN
    said = [fact.complete for fact in patient.all(f.TherapyHistory)]
    complete = bool(said) and all(said)
    return Answer(NO) if complete or _denied(leaf, patient) else UNKNOWN
