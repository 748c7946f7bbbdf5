"""Readers for fields that tell of times, durations and rates in one way only."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from trialbridge.emr import ucum
from trialbridge.emr.account import Made, made
from trialbridge.emr.hl7v2 import quantities, values
from trialbridge.emr.hl7v2.factories import Factory, Reader, long, plain
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.timing import unit_of


def _duration(argument: str) -> Reader:
    """Make a reader of a duration in minutes; ``argument`` is the field of its unit."""
    field = int(argument)

    def read(rep: Rep, reading: Reading) -> Any:
        value = reading.decimal(rep.get(1))
        unit = reading.segment.get(field)
        if value is None or not isinstance(value.value, Decimal):
            return None
        found = quantities.to_minutes(value.value, unit or "min")
        return Made(found, (rep.get(1), unit)) if found else None

    return read


def _minutes_after(argument: str) -> Reader:
    """Make a reader of a Period that lasts some minutes from the time in another field."""
    field = int(argument)

    def read(rep: Rep, reading: Reading) -> Any:
        start = reading.time(reading.segment.get(field))
        value = reading.decimal(rep.get(1))
        if start is None or "T" not in start or value is None or not isinstance(value.value, Decimal):
            return None
        unit = reading.segment.get((reading.field or 0) + 1) if field != 5 else ""  # noqa: PLR2004 - PR1-7 is in minutes
        minutes = quantities.to_minutes(value.value, unit or "min")
        if minutes is None:
            return None
        try:
            end = datetime.fromisoformat(start) + timedelta(minutes=minutes)
        except (OverflowError, ValueError):
            return None
        return {"start": start, "end": made(end.isoformat(), start, rep.get(1), unit)}

    return read


def _event_length(rep: Rep, reading: Reading) -> Any:
    value, unit = reading.decimal(rep.get(1)), unit_of(rep.get(2) or rep.get(2, 2))
    if value is None or unit is None:
        return None
    told = rep.get(2, 2)
    return {"duration": value, "durationUnit": made(unit, rep.get(2), told if unit_of(told) == unit else None)}


def _day_of(url: str) -> Reader:
    """Make a reader of a time that is no instant, as an extension."""

    def read(rep: Rep, reading: Reading) -> Any:
        found = reading.time(rep.get(1))
        return {"url": long(url), "valueDateTime": found} if found is not None and "T" not in found else None

    return read


def _signed(rep: Rep, reading: Reading) -> Any:
    found = reading.time(rep.get(15))
    return {"url": "urn:trialbridge:fhir:authenticated", "valueDateTime": found} if found is not None else None


def _transaction_date(rep: Rep, reading: Reading) -> Any:
    start = reading.time(rep.get(1))
    end = reading.time(rep.get(1, 2) or rep.get(2))
    return values.period(start, end) or None


def _per_day(rep: Rep, reading: Reading) -> Any:
    found = values.composite_quantity(rep, reading)
    if found is None:
        return None
    return {"numerator": found, "denominator": {"value": Decimal(1), "system": ucum.SYSTEM, "code": "d"}}


def _dose(rep: Rep, reading: Reading) -> Any:
    """Return the amount given; 999 stands for an unknown one."""
    value = reading.decimal(rep.get(1))
    return {"value": value} if value is not None and value.value != Decimal(999) else None


TIMES: Final[Mapping[str, Factory]] = {
    "dayOf": _day_of,
    "dose": plain(_dose),
    "duration": _duration,
    "eventLength": plain(_event_length),
    "minutesAfter": _minutes_after,
    "perDay": plain(_per_day),
    "signed": plain(_signed),
    "transactionDate": plain(_transaction_date),
}
"""By the name that rows use."""
