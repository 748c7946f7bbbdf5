"""Dates at the ends of the calendar, in every zone: no criterion, no birthday and no window of time raises over them."""

from datetime import date, datetime
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.dates import add_months, back, completed, completes, leaves, span
from trialbridge.criteria.evaluate import judge
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.plan import step_of
from trialbridge.criteria.timers import next_begin
from trialbridge.testkit.criteria_gen_facts import random_facts
from trialbridge.testkit.criteria_gen_words import DAYS

SIDES = ("0001-01-01", "0001-12-31", "9999-01-01", "9999-12-31")
TIMES = ("T00:00:00", "T23:59:59.999999", "T23:59:60", "T12:00:00")
ZONES = ("Z", "+14:00", "-12:00", "+00:01", "-00:01", "")
EDGES = st.one_of(
    st.sampled_from(["0001", "9999", "0001-01", "9999-12", "0000", "0000-01-01", "9999-12-32", *SIDES]),
    st.builds(lambda day, time, zone: day + time + zone, *map(st.sampled_from, (SIDES, TIMES, ZONES))),
    st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat),
)
PERIODS = st.builds(
    lambda unit, count: q.Period(**{unit: count}),
    st.sampled_from(["days", "weeks", "months", "years"]),
    st.integers(1, 12_000),
)
EDGE_DAYS = st.one_of(st.sampled_from([date.min, date.max, date(2026, 6, 1)]), st.dates())


@given(EDGES)
def test_a_span_is_in_order_or_there_is_none(text: str) -> None:
    found = span(text)
    assert found is None or found.start <= found.end


@given(EDGE_DAYS, PERIODS, st.integers(0, 12_000))
def test_windows_and_birthdays_stay_in_the_calendar(day: date, period: q.Period, count: int) -> None:
    assert date.min <= back(day, period) <= day
    gone = leaves(day, period)
    assert gone is None or gone > day
    for unit in ("days", "weeks", "months", "years"):
        on = completes(day, count, unit)
        assert on is None or completed(day, on, unit) >= count


def test_months_before_the_calendar_end_at_its_first_day() -> None:
    assert add_months(date(1, 3, 31), -4) == date.min
    assert add_months(date(1, 3, 31), -1) == date(1, 2, 28)


@given(st.integers(0, 2**32 - 1), st.lists(EDGES, min_size=1, max_size=4), EDGE_DAYS)
def test_no_criterion_raises_over_extreme_dates(seed: int, texts: list[str], day: date) -> None:
    rng = Random(seed)
    known = FactIndex([moved(fact, rng, texts) for fact in random_facts(rng, rng.choice(DAYS))])
    begin = next_begin(known, day)
    assert begin is None or begin > day
    for leaf in (
        q.Age(min=18, max=99),
        q.PriorTherapy(within=q.Period(years=9_999)),
        q.PriorTherapy(after=q.Period(days=1), before="9999"),
        q.VitalStatus(status="alive"),
        q.Consent(decision="permit"),
    ):
        judge(step_of(leaf), known.at(day))


def moved(fact: f.AnyFact, rng: Random, texts: list[str]) -> f.AnyFact:
    """Return the fact with its times drawn from ``texts``."""
    names = {"effective", "start", "end", "birth_date", "deceased_date", "period_start", "period_end"}
    own = names & {*fact.__struct_fields__}
    return msgspec.structs.replace(fact, **{name: rng.choice(texts) for name in sorted(own)})
