"""Partial dates: the first and last moment that a record's date may mean, and which records could be the newest."""

import calendar
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, Protocol, TypeVar

from trialbridge.criteria.facts import AnyFact, Fact, Therapy
from trialbridge.criteria.language import Moment, Period
from trialbridge.criteria.verdicts import Verdict
from trialbridge.testkit.oracle.answers import NO, OPEN, YES, agreed, either, joined, swapped

F = TypeVar("F", bound=Fact)


class Moments(NamedTuple):
    """First and last possible moment in UTC, without zone."""

    first: datetime
    last: datetime


def moments(text: str | None) -> Moments | None:
    """Return what a FHIR date, year-month, year or dateTime leaves possible; None where the text is none of them."""
    parts = (text or "").split("T")
    numbers = parts[0].split("-")
    if [len(number) for number in numbers] not in ([4], [4, 2], [4, 2, 2]):
        return None
    try:
        if len(parts) > 1:
            moment = datetime.fromisoformat(text or "")
            naive = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
            return Moments(naive, naive)
        year, month, day = (*(int(number) for number in numbers), 0, 0)[:3]
        first = date(year, month or 1, day or 1)
        last = date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])
    except ValueError:
        return None
    return Moments(midnight(first), midnight(last) + timedelta(days=1, microseconds=-1))


def midnight(day: date) -> datetime:
    """Return the first moment of a day."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - all moments here are UTC without zone


def in_effect(facts: Iterable[AnyFact], as_of: date) -> list[AnyFact]:
    """Return the distinct facts that may have come into effect by the end of the day; undated ones always have."""
    tomorrow = midnight(as_of) + timedelta(days=1)
    known = []
    for fact in dict.fromkeys(facts):
        when = moments((fact.start if isinstance(fact, Therapy) else None) or fact.effective)
        if when is None or when.first < tomorrow:
            known.append(fact)
    return known


def period_start(as_of: date, period: Period) -> datetime:
    """Return the first moment of the period that ends with the day; a day that the month lacks is the month's last."""
    if period.days or period.weeks:
        return midnight(as_of - timedelta(days=period.days or 7 * (period.weeks or 0)))
    months = as_of.year * 12 + as_of.month - 1 - (period.months or 0) - 12 * (period.years or 0)
    year, month = divmod(months, 12)
    return midnight(date(year, month + 1, min(as_of.day, calendar.monthrange(year, month + 1)[1])))


class Windowed(Protocol):
    """A criterion with windows of time."""

    @property
    def within(self) -> Period | None:
        """Return the last period."""
        ...


def first_day(moment: Moment, as_of: date) -> datetime:
    """Return the first moment of a calendar day, or of the period that ends with the as-of date."""
    if isinstance(moment, Period):
        return period_start(as_of, moment)
    when = moments(moment)
    return midnight(as_of) if when is None else when.first


def bounds(leaf: Windowed, as_of: date) -> tuple[list[datetime], datetime | None]:
    """Return the moments from which, and the moment before which, something counts."""
    starts = [one for one in (leaf.within, getattr(leaf, "after", None)) if one is not None]
    before = getattr(leaf, "before", None)
    return [first_day(one, as_of) for one in starts], None if before is None else first_day(before, as_of)


def placed(fact: Fact, as_of: date, leaf: Windowed) -> Verdict:
    """Return whether a record lies in the windows: unknown for an undated one, and for a date that straddles a bound."""
    when = moments(fact.effective)
    starts, before = bounds(leaf, as_of)
    parts = [_since(when, start) for start in starts]
    if before is not None:
        parts.append(swapped(_since(when, before)))
    return joined(parts)


def _since(when: Moments | None, start: datetime) -> Verdict:
    if when is None or when.first < start <= when.last:
        return OPEN
    return YES if when.first >= start else NO


class Always:
    """No window at all."""

    within = None


def newest(records: Sequence[F], as_of: date, leaf: Windowed, say: Callable[[F], Verdict]) -> Verdict:
    """Return what the newest record in the period says, whichever of them it may be; unknown where there may be none."""
    where = [(record, placed(record, as_of, leaf)) for record in records]
    inside = [record for record, place in where if place is not NO]
    if not any(place is YES for _, place in where):
        return OPEN
    latest = max((when.first for one in inside if (when := moments(one.effective))), default=datetime.min)  # noqa: DTZ901
    could_be = [one for one in inside if (when := moments(one.effective)) is None or when.last >= latest]
    return agreed(say(one) for one in could_be)


def ever(records: Sequence[F], as_of: date, leaf: Windowed, say: Callable[[F], Verdict]) -> Verdict:
    """Return whether any record in the period is as asked; none fails only where some are surely in it."""
    where = [(say(record), place) for record in records if (place := placed(record, as_of, leaf)) is not NO]
    verdict = either(joined(pair) for pair in where)
    return verdict if verdict is not NO or any(place is YES for _, place in where) else OPEN
