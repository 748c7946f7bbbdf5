"""When a verdict may turn by time alone: birthdays, periods that end, facts and consents that come into or go out of force."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.compiler import TrialPlan
from trialbridge.criteria.dates import completes, leaves, span
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.leaves import READS


def next_flip(plan: TrialPlan, facts: FactIndex, as_of: date) -> date | None:
    """Return the earliest day after ``as_of`` on which some verdict may be another without a new record, None if never."""
    return min((day for leaf in plan.leaves for day in _turns(leaf, facts) if day > as_of), default=None)


def _turns(leaf: Any, facts: FactIndex) -> Iterator[date]:
    kinds = READS[type(leaf)]
    mine = [fact for fact in facts.facts if fact.__struct_config__.tag in kinds]
    for fact in mine:
        when = span(fact.effective)
        if when is not None:
            yield when.start.date()
    if isinstance(leaf, q.Age):
        yield from _birthdays(leaf, mine)
    period = getattr(leaf, "within", None)
    if period is not None:
        yield from (leaves(day, period) for day in _days(mine))
    if isinstance(leaf, q.Consent):
        yield from _in_force(mine)
    if isinstance(leaf, q.VitalStatus):
        yield from (d.start.date() for x in mine if isinstance(x, f.Demographics) and (d := span(x.deceased_date)))


def _birthdays(leaf: q.Age, mine: list[f.AnyFact]) -> Iterator[date]:
    for fact in mine:
        born = span(fact.birth_date) if isinstance(fact, f.Demographics) else None
        for end in born or ():
            for count in (leaf.min, None if leaf.max is None else leaf.max + 1):
                day = None if count is None else completes(end.date(), count, leaf.unit)
                if day is not None:
                    yield day


def _days(mine: list[f.AnyFact]) -> Iterator[date]:
    for fact in mine:
        texts = (fact.effective, fact.start, fact.end) if isinstance(fact, f.Therapy) else (fact.effective,)
        for text in texts:
            when = span(text)
            if when is not None:
                yield when.start.date()
                yield when.end.date()


def _in_force(mine: list[f.AnyFact]) -> Iterator[date]:
    for fact in mine:
        if isinstance(fact, f.Consent):
            start, end = span(fact.period_start), span(fact.period_end)
            if start is not None:
                yield start.start.date()
            if end is not None:
                yield end.end.date() + timedelta(days=1)
