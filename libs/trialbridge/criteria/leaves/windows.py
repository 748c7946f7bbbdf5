"""Windows of time for things done: in the last period, on or after a day, before a day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Protocol

from trialbridge.criteria import language as q
from trialbridge.criteria.dates import Span, back, span, words
from trialbridge.criteria.finding import MET, NOT_MET, UNKNOWN, flip, worst
from trialbridge.criteria.verdicts import Verdict


class Windowed(Protocol):
    """A leaf with windows."""

    @property
    def within(self) -> q.Period | None:
        """Return the last period in which it counts."""
        ...

    @property
    def after(self) -> q.Moment | None:
        """Return the day from which it counts."""
        ...

    @property
    def before(self) -> q.Moment | None:
        """Return the day before which it counts."""
        ...


def limited(leaf: Windowed) -> bool:
    """Return whether any window is asked for."""
    windows = (leaf.within, leaf.after, leaf.before, getattr(leaf, "within_half_lives", None))
    return any(one is not None for one in windows)


def day_of(moment: q.Moment, as_of: date) -> datetime:
    """Return the first instant (UTC) of a moment's day."""
    if isinstance(moment, q.Period):
        return datetime.combine(back(as_of, moment), time.min, UTC)
    found = span(moment)
    return datetime.combine(as_of, time.min, UTC) if found is None else found.start


def placed(when: Span | None, leaf: Windowed, as_of: date) -> Verdict:
    """Return whether something that happened in a span of time, which may be unknown, lies in all windows."""
    parts = [_from(when, day_of(first, as_of)) for first in (leaf.within, leaf.after) if first is not None]
    if leaf.before is not None:
        parts.append(flip(_from(when, day_of(leaf.before, as_of))))
    return worst(parts)


def _from(when: Span | None, first: datetime) -> Verdict:
    if when is None:
        return UNKNOWN
    return MET if when.start >= first else NOT_MET if when.end < first else UNKNOWN


def window_words(leaf: Windowed) -> str:
    """Return the windows in words, for example ``in the last 28 days``; empty where there is none."""
    parts: Sequence[str] = (
        f"in the last {words(leaf.within)}" if leaf.within else "",
        f"since {_moment(leaf.after)}" if leaf.after else "",
        f"before {_moment(leaf.before)}" if leaf.before else "",
        "" if (lives := getattr(leaf, "within_half_lives", None)) is None else f"in the last {lives} half-lives",
    )
    return " and ".join(filter(None, parts))


def _moment(moment: q.Moment) -> str:
    return f"{words(moment)} ago" if isinstance(moment, q.Period) else moment
