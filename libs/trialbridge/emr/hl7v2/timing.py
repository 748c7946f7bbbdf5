"""HL7 v2 timing (RPT, RI, TQ) to FHIR Timing and to the elements that a TQ fills."""

from decimal import Decimal
from typing import Any, Final

from trialbridge.emr import ucum
from trialbridge.emr.account import Made, made
from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.quantities import to_minutes
from trialbridge.emr.hl7v2.reading import Reading

Json = dict[str, Any]
_UNITS: Final = {"S": "s", "SEC": "s", "MIN": "min", "MINUTE": "min", "H": "h", "HR": "h", "HOUR": "h", "D": "d", "DAY": "d", "WK": "wk",
                 "MO": "mo", "MON": "mo", "A": "a", "ANN": "a", "YR": "a"}  # fmt: skip
_DAYS: Final = {"1": "mon", "2": "tue", "3": "wed", "4": "thu", "5": "fri", "6": "sat", "7": "sun"}
_WHEN: Final = frozenset(
    {"HS", "WAKE", "C", "CM", "CD", "CV", "AC", "ACM", "ACD", "ACV", "PC", "PCM", "PCD", "PCV", "MORN", "AFT", "EVE", "NIGHT", "PHS"}
)  # fmt: skip


def unit_of(text: str) -> str | None:
    """Return FHIR's code of a unit of time, None where it has none."""
    plain = text.strip().upper()
    return _UNITS.get(plain) or _UNITS.get(plain.removesuffix("S"))


def repeat_pattern(rep: Rep, reading: Reading) -> Json | None:
    """Return a Timing of an RPT."""
    found: Json = {}
    coded = values.coding(rep.get(1), rep.get(1, 2), rep.get(1, 3), "", "0335")
    if coded is not None:
        found["code"] = {"coding": [coded]} if "code" in coded else {"text": coded["display"]}
    repeat: Json = {}
    aligned = rep.get(2)
    if aligned.upper() == "DW":
        days = [made(_DAYS[one], one, aligned) for one in (rep.get(3), rep.get(4)) if one in _DAYS]
        if days:
            repeat["dayOfWeek"] = days
    if rep.get(5):
        unit = unit_of(rep.get(6))
        period = reading.decimal(rep.get(5))
        if unit is not None and period is not None:
            repeat |= {"period": period, "periodUnit": made(unit, rep.get(6))}
    if rep.get(8).upper() in _WHEN:
        repeat["when"] = [made(rep.get(8).upper(), rep.get(8))]
        offset = reading.decimal(rep.get(9)) if rep.get(9) else None
        if offset is not None and isinstance(offset.value, Decimal):
            minutes = to_minutes(offset.value, rep.get(10) or "min")
            if minutes is not None:
                repeat["offset"] = Made(minutes, (rep.get(9), rep.get(10)))
    if repeat:
        found["repeat"] = repeat
    return found or None


def timing_quantity(rep: Rep, reading: Reading, how: str) -> Json | None:
    """Return what a TQ fills of a ServiceRequest, an Appointment or a MedicationRequest (``how``)."""
    start, end = reading.time(rep.get(4)), reading.time(rep.get(5))
    if how == "Appointment":
        exact = [("start", start), ("end", end)]
        return {name: one for name, one in exact if one is not None and "T" in one} or None
    timing = _timing(rep, reading, start, end)
    found: Json = {}
    amount = values.composite_quantity(_split(rep, 1), reading) if rep.get(1) else None
    if how == "MedicationRequest":
        dosage: Json = {"timing": timing} if timing else {}
        if amount is not None:
            dosage["doseAndRate"] = [{"doseQuantity": amount}]
        if dosage:
            found["dosageInstruction"] = [dosage]
    else:
        if amount is not None:
            found["quantityQuantity"] = amount
        if timing:
            found["occurrenceTiming"] = timing
    priority = values.code_in("0485", rep.get(6)) if rep.get(6) else None
    if priority:
        found["priority"] = made(priority, rep.get(6))
    told = [one for one in (rep.get(7), rep.get(8)) if one]
    if told:
        found["note"] = [{"text": one} for one in told]
    return found or None


def _split(rep: Rep, component: int) -> Rep:
    """Return a CQ that is a component: amount and unit."""
    return rep.sub(component)


def _timing(rep: Rep, reading: Reading, start: Any, end: Any) -> Json:
    timing: Json = {}
    repeat: Json = {}
    interval = rep.get(2)
    if interval:
        timing["code"] = {"coding": [{"system": f"{values.TERMS}v2-0335", "code": values.token(interval)}]}
        times = [one for one in (reading.clock(text) for text in rep.get(2, 2).split(",") if text) if one is not None]
        if times:
            repeat["timeOfDay"] = times
    if start is not None or end is not None:
        repeat["boundsPeriod"] = values.period(start, end)
    elif rep.get(3):
        length = _length(rep.get(3))
        if length is not None:
            repeat["boundsDuration"] = length
    count = reading.integer(rep.get(12), 1) if rep.get(12) else None
    if count is not None:
        repeat["count"] = count
    if repeat:
        timing["repeat"] = repeat
    return timing


def _length(text: str) -> Json | None:
    """Return the Duration that ``H2`` or ``D10`` says."""
    unit, digits = unit_of(text[:1]), text[1:]
    if unit is None or not digits.isascii() or not digits.isdigit():
        return None
    return {"value": Made(Decimal(digits), (text,)), "unit": unit, "system": ucum.SYSTEM, "code": unit}
