"""An answer of the oracle: one of three values, and whether it may still turn. Nothing else, no reasons, no evidence."""

from collections.abc import Iterable
from typing import NamedTuple

from trialbridge.criteria.verdicts import Verdict

YES, NO, OPEN = Verdict.MET, Verdict.NOT_MET, Verdict.UNKNOWN


class Answer(NamedTuple):
    """A verdict, and whether it may turn with time, treatment or a new record."""

    verdict: Verdict
    recoverable: bool = True


UNKNOWN = Answer(OPEN)


def joined(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of conditions that must all hold; met where there are none."""
    found = list(verdicts)
    if NO in found:
        return NO
    return OPEN if OPEN in found else YES


def either(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of conditions of which one is enough; not met where there are none."""
    found = list(verdicts)
    if YES in found:
        return YES
    return OPEN if OPEN in found else NO


def swapped(verdict: Verdict) -> Verdict:
    """Return the verdict of the negation."""
    return {YES: NO, NO: YES, OPEN: OPEN}[verdict]


def agreed(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on which all readings agree; unknown where they differ or where there is none."""
    found = set(verdicts)
    return found.pop() if len(found) == 1 else OPEN


def among(possible: Iterable[object], wanted: Iterable[object]) -> Verdict:
    """Compare what a record leaves possible with what is wanted: all of it, none of it, or some of it."""
    allowed = set(wanted)
    inside = [one in allowed for one in possible]
    return YES if all(inside) else OPEN if any(inside) else NO


def firm(verdict: Verdict) -> Answer:
    """Return an answer that does not turn once it is known."""
    return Answer(verdict, recoverable=verdict is OPEN)
