"""Partial dates as spans of time, and distances in days, months and years. No clock: the as-of date is always given."""

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from trialbridge.criteria.language import Period

_SHAPE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(T.*)?)?)?")
_LAST = time(23, 59, 59, 999999)


class Span(NamedTuple):
    """The first and the last moment (UTC) at which something may have happened."""

    start: datetime
    end: datetime


@lru_cache(maxsize=262144)
def span(text: str | None) -> Span | None:
    """Return the span of a FHIR partial date (``2024``, ``2024-05``, ``2024-05-03``, dateTime), or None where it is no date."""
    match = _SHAPE.fullmatch(text or "")
    if match is None:
        return None
    try:
        if match[4]:
            moment = datetime.fromisoformat(text or "")
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
            return Span(moment, moment)
        year, month, day = int(match[1]), int(match[2] or 0), int(match[3] or 0)
        first = date(year, month or 1, day or 1)
        last = date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])
    except (ValueError, OverflowError):
        return None
    return Span(datetime.combine(first, time.min, UTC), datetime.combine(last, _LAST, UTC))


def add_months(day: date, months: int) -> date:
    """Return ``day`` moved by whole months; a day that the month lacks becomes its last one, one before the calendar its first.

    Raises `ValueError` beyond its last.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year < 1:
        return date.min
    month += 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def back(as_of: date, period: Period) -> date:
    """Return the first day of the period that ends with ``as_of``."""
    if period.days is not None or period.weeks is not None:
        length = (period.days or 0) + 7 * (period.weeks or 0)
        return as_of - timedelta(days=min(length, as_of.toordinal() - 1))
    return add_months(as_of, -((period.months or 0) + 12 * (period.years or 0)))


def leaves(day: date, period: Period) -> date | None:
    """Return the first as-of date at which ``day`` no longer lies within the period, or None beyond the calendar."""
    try:
        if period.days is not None or period.weeks is not None:
            return day + timedelta(days=(period.days or 0) + 7 * (period.weeks or 0) + 1)
        guess = add_months(day, (period.months or 0) + 12 * (period.years or 0))
        while back(guess, period) <= day:
            guess += timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return guess


def words(period: Period) -> str:
    """Return a period in words, for example ``28 days``."""
    for unit in ("days", "weeks", "months", "years"):
        value: int | None = getattr(period, unit)
        if value is not None:
            return f"{value} {unit if value != 1 else unit[:-1]}"
    return "no time"


def completed(birth: date, as_of: date, unit: str) -> int:
    """Return the completed years, months, weeks or days from ``birth`` to ``as_of``; Feb 29 completes on Mar 1 of other years."""
    if unit == "days":
        return (as_of - birth).days
    if unit == "weeks":
        return (as_of - birth).days // 7
    months = (as_of.year - birth.year) * 12 + as_of.month - birth.month - (as_of.day < birth.day)
    return months // 12 if unit == "years" else months


def completes(birth: date, count: int, unit: str) -> date | None:
    """Return the first day on which ``count`` units are completed since ``birth``, or None beyond the calendar."""
    try:
        if unit in ("days", "weeks"):
            return birth + timedelta(days=count * (7 if unit == "weeks" else 1))
        day = add_months(birth, count * (12 if unit == "years" else 1))
    except (ValueError, OverflowError):
        return None
    return day if completed(birth, day, unit) >= count else day + timedelta(days=1)
