"""The oracle on the person: age, sex, vital status, place, consent, pregnancy."""

import math
from collections.abc import Iterator
from datetime import date, timedelta

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.verdicts import Verdict
from trialbridge.testkit.oracle import tables as t
from trialbridge.testkit.oracle.answers import NO, OPEN, UNKNOWN, YES, Answer, agreed, either, firm, joined
from trialbridge.testkit.oracle.days import Always, midnight, moments, newest, placed
from trialbridge.testkit.oracle.patient import Patient


def completed(born: date, day: date, unit: str) -> int:
    """Return how many whole units have passed; a day of birth that a month lacks is reached on the first of the next."""
    if unit in ("days", "weeks"):
        return (day - born).days // (7 if unit == "weeks" else 1)
    whole = 12 * (day.year - born.year) + day.month - born.month
    reached = day.day >= born.day
    return (whole if reached else whole - 1) // (12 if unit == "years" else 1)


def _ages(birth_date: str, day: date, unit: str) -> Iterator[int]:
    """Yield the age for every day that a birth date leaves possible."""
    when = moments(birth_date)
    if when is not None:
        for more in range((when.last - when.first).days + 1):
            yield completed(when.first.date() + timedelta(days=more), day, unit)


def age(leaf: q.Age, patient: Patient) -> Answer:
    """Both bounds inclusive. One who is too old stays too old; one who is too young grows, one who fits may outgrow it."""
    verdicts, too_old = [], []
    for fact in patient.all(f.Demographics):
        if fact.birth_date:
            ages = list(_ages(fact.birth_date, patient.as_of, leaf.unit))
            fits = [(leaf.min is None or n >= leaf.min) and (leaf.max is None or n <= leaf.max) for n in ages]
            verdicts.append(OPEN if not ages else YES if all(fits) else OPEN if any(fits) else NO)
            too_old.append(leaf.max is not None and all(n > leaf.max for n in ages))
    verdict = agreed(verdicts)
    turns = {OPEN: True, YES: leaf.max is not None, NO: not all(too_old)}
    return Answer(verdict, turns[verdict])


def _sexes(patient: Patient) -> list[str]:
    return [fact.sex for fact in patient.all(f.Demographics) if fact.sex and fact.sex != "unknown"]


def sex(leaf: q.Sex, patient: Patient) -> Answer:
    """Unknown where sources disagree on the answer; a recorded sex does not turn."""
    return firm(agreed(YES if one in leaf.any_of else NO for one in _sexes(patient)))


def _alive(fact: f.Demographics, day: date) -> Verdict | None:
    """Return whether one record has the person alive; None where it says nothing of it."""
    died = moments(fact.deceased_date)
    if died is not None and died.last.date() > day:
        return YES if died.first.date() > day else OPEN
    if fact.deceased_date or fact.deceased:
        return NO
    return YES if fact.deceased is False else None


def vital_status(leaf: q.VitalStatus, patient: Patient) -> Answer:
    """One record of death outweighs all others; the dead stay dead, the living may die."""
    said = [alive for fact in patient.all(f.Demographics) if (alive := _alive(fact, patient.as_of)) is not None]
    alive = joined(said) if said else OPEN
    if alive is OPEN:
        return UNKNOWN
    return Answer(YES if (alive is YES) == (leaf.status == "alive") else NO, recoverable=alive is YES)


def location(leaf: q.Location, patient: Patient) -> Answer:
    """Country and region must both be among those asked for, and one of the points near enough; people move."""
    sites = [one for one in patient.sites if one.id in leaf.sites or (not leaf.sites and one.status != "closed")]
    points = [] if leaf.near and not leaf.sites else [(one.latitude or 0.0, one.longitude or 0.0) for one in sites]
    points += [(float(text.split(",")[0]), float(text.split(",")[1])) for text in leaf.near]

    def lives(fact: f.Location) -> Verdict:
        parts = ((fact.country, leaf.countries), (fact.region, leaf.regions))
        named = joined(
            OPEN if not said else either(YES if said.casefold() == one.casefold() else NO for one in wanted)
            for said, wanted in parts
            if wanted
        )
        return named if leaf.within_km is None else joined((named, _near(fact, points, float(leaf.within_km))))

    return Answer(newest(patient.all(f.Location), patient.as_of, Always(), lives))


def _near(fact: f.Location, points: list[tuple[float, float]], limit: float) -> Verdict:
    """Return whether one of the points is near enough to wherever the record leaves possible."""
    home = _home(fact)
    if home is None:
        return OPEN
    north, east, radius = home
    found = []
    for point in points:
        way = _way((north, east), point)
        found.append(YES if way + radius <= limit else NO if way - radius > limit else OPEN)
    return either(found)


_GLOBE = (90.0, 180.0)


def _home(fact: f.Location) -> tuple[float, float, float] | None:
    degrees = [float(one) for one in (fact.latitude, fact.longitude) if one is not None and one.is_finite()]
    if len(degrees) == len(_GLOBE) and all(abs(one) <= most for one, most in zip(degrees, _GLOBE, strict=True)):
        return degrees[0], degrees[1], 0.0
    return t.region(fact.country or "", fact.region or "", fact.postal_code or "")


def _way(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the kilometres between two points, by the angle between their directions from the middle of the earth."""
    (x, y, z), (a, b, c) = _direction(one), _direction(other)
    across = math.hypot(y * c - z * b, z * a - x * c, x * b - y * a)
    return round(6371.0088 * math.atan2(across, x * a + y * b + z * c), 6)


def _direction(point: tuple[float, float]) -> tuple[float, float, float]:
    north, east = math.radians(point[0]), math.radians(point[1])
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)


def consent(leaf: q.Consent, patient: Patient) -> Answer:
    """In force from its start to its end, both taken as widely as their dates allow (FHIR Period); people change their minds."""
    begin, end = midnight(patient.as_of), midnight(patient.as_of) + timedelta(days=1)
    in_force = []
    for fact in patient.all(f.Consent):
        first, last = moments(fact.period_start), moments(fact.period_end)
        started = first is None or first.first < end
        ended = last is not None and last.last < begin
        if fact.scope == leaf.scope and started and not ended:
            in_force.append(fact)
    return Answer(newest(in_force, patient.as_of, Always(), lambda fact: YES if fact.decision == leaf.decision else NO))


def pregnancy(leaf: q.Pregnancy, patient: Patient) -> Answer:
    """The newest status; where no status is recorded, a person recorded as male by all sources is not pregnant."""
    records = [x for x in patient.all(f.Pregnancy) if placed(x, patient.as_of, leaf) is not NO]
    sexes = _sexes(patient)
    if all(fact.status == "unknown" for fact in records) and sexes and set(sexes) == {"male"}:
        return firm(YES if leaf.status == "not_pregnant" else NO)

    def says(fact: f.Pregnancy) -> Verdict:
        return OPEN if fact.status == "unknown" else YES if fact.status == leaf.status else NO

    return Answer(newest(records, patient.as_of, leaf, says))
