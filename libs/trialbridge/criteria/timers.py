"""When a verdict may turn by time alone: birthdays, periods that end, facts and consents that come into or go out of force."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.dates import completes, leaves, span
from trialbridge.criteria.known import FactIndex, Known, begins
from trialbridge.criteria.leaves.therapy import washout
from trialbridge.criteria.plan import Step, TrialPlan
from trialbridge.criteria.reading import reads_of

Facts = Sequence[f.AnyFact]


_NEVER: Final = date.max.toordinal() + 1


class Turns(dict[Step, int]):
    """By leaf, the first day (as an ordinal) on which its verdict may be another; worked out when first asked for."""

    def __init__(self, known: Known) -> None:
        """Stand beside what is known of a patient at a day."""
        super().__init__()
        self.known = known

    def __missing__(self, leaf: Step) -> int:
        """Work the day out."""
        known = self.known
        mine = [fact for kind, what in reads_of(leaf) for fact in known.ever(kind, what)]
        days = [day for day in _turns(leaf.node, mine) if day > known.as_of] if mine else ()
        found = self[leaf] = min(days).toordinal() if days else _NEVER
        return found


def next_flip(plan: TrialPlan, facts: FactIndex, as_of: date) -> date | None:
    """Return the earliest day after ``as_of`` on which some verdict may be another without a new record, None if never."""
    if not plan.kinds & facts.kinds:
        return None
    return next_turn(plan, facts.at(as_of))


def next_turn(plan: TrialPlan, known: Known) -> date | None:
    """Return the same of what is known at a day; each distinct leaf is asked once."""
    if known.turns is None:
        known.turns = Turns(known)
    first = min(map(known.turns.__getitem__, plan.leaves), default=_NEVER)
    return None if first == _NEVER else date.fromordinal(first)


def next_begin(facts: FactIndex, as_of: date) -> date | None:
    """Return the earliest day after ``as_of`` on which a fact comes into effect, None if all are."""
    return min((day for day in _begin(facts.facts) if day > as_of), default=None)


def _turns(leaf: Any, mine: Facts) -> Iterator[date]:
    yield from _begin(mine)
    own = _OWN.get(type(leaf))
    if own is not None:
        yield from own(leaf, mine)
    for name in ("within", "after", "before"):
        period = getattr(leaf, name, None)
        if isinstance(period, q.Period):
            yield from (turn for day in _days(mine) if (turn := leaves(day, period)) is not None)


def _begin(mine: Facts) -> Iterator[date]:
    for fact in mine:
        when = span(begins(fact))
        if when is not None:
            yield when.start.date()


def _birthdays(leaf: q.Age, mine: Facts) -> Iterator[date]:
    for fact in mine:
        born = span(fact.birth_date) if isinstance(fact, f.Demographics) else None
        for end in born or ():
            for count in (leaf.min, None if leaf.max is None else leaf.max + 1):
                day = None if count is None else completes(end.date(), count, leaf.unit)
                if day is not None:
                    yield day


def _days(mine: Facts) -> Iterator[date]:
    for fact in mine:
        texts = (fact.effective, fact.start, fact.end) if isinstance(fact, f.Therapy) else (fact.effective,)
        for text in texts:
            when = span(text)
            if when is not None:
                yield when.start.date()
                yield when.end.date()


def _in_force(_leaf: q.Consent, mine: Facts) -> Iterator[date]:
    for fact in mine:
        if isinstance(fact, f.Consent):
            start, end = span(fact.period_start), span(fact.period_end)
            if start is not None:
                yield start.start.date()
            if end is not None and end.end.date() < date.max:
                yield end.end.date() + timedelta(days=1)


def _deaths(_leaf: q.VitalStatus, mine: Facts) -> Iterator[date]:
    for fact in mine:
        died = span(fact.deceased_date) if isinstance(fact, f.Demographics) else None
        for end in died or ():
            yield end.date()


def _worn_off(leaf: q.PriorTherapy, mine: Facts) -> Iterator[date]:
    """Yield the days on which a treatment leaves the last so many half-lives of a drug of it."""
    for fact in mine if leaf.within_half_lives is not None else ():
        for drug in fact.drugs if isinstance(fact, f.Therapy) else ():
            period = washout(drug, leaf.within_half_lives or Decimal(0))
            ends = () if period is None else _days((fact,))
            yield from (turn for day in ends if period and (turn := leaves(day, period)) is not None)


_OWN: Final[Mapping[type[Any], Callable[[Any, Facts], Iterator[date]]]] = {
    q.Age: _birthdays,
    q.Consent: _in_force,
    q.PriorTherapy: _worn_off,
    q.VitalStatus: _deaths,
}
