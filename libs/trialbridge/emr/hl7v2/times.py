"""HL7 v2 times to FHIR: as precise as they are written, and never read as something else."""

import re
from calendar import monthrange
from decimal import Decimal, InvalidOperation
from typing import Final

from trialbridge.contracts.errors import Place, Poison

_STAMP: Final = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\.\d{1,4})?)?)?)?)?)?([+-]\d{4})?", re.ASCII
)
"""YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ] (2.5.1, 2.A.22): each part only behind the one before."""
_CLOCK: Final = re.compile(r"(\d{2}):?(?:(\d{2}):?(?:(\d{2})(\.\d{1,4})?)?)?(?:[+-]\d{4})?", re.ASCII)
_FARTHEST: Final = 14 * 60
"""Minutes from UTC that FHIR knows."""
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def timestamp(text: str, place: Place, *, zone: str = "+00:00") -> str:
    """Return a FHIR date or dateTime as precise as the v2 one; raise `Poison` ``v2.bad-date``.

    A time without a zone gets ``zone``: FHIR has no time without one.
    """
    found = _STAMP.fullmatch(text.strip())
    if found is None:
        raise Poison("v2.bad-date", "This is not a date or time of HL7 v2.", place)
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    if not _real(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0)):
        raise Poison("v2.bad-date", "There is no such day or time.", place)
    shown = "-".join(part for part in (year, month, day) if part)
    if minute is None:
        # FHIR has no hour without its minutes: the day is what is certain.
        return shown
    if offset and (int(offset[1:3]) * 60 + int(offset[3:]) > _FARTHEST or int(offset[3:]) >= 60):  # noqa: PLR2004 - minutes
        raise Poison("v2.bad-date", "There is no such time zone.", place)
    written = f"{offset[:3]}:{offset[3:]}" if offset else zone
    return f"{shown}T{hour}:{minute}:{second or '00'}{fraction or ''}{written}"


def offset_of(text: str) -> str | None:
    """Return the zone that a time of HL7 v2 names, as FHIR writes it; None where it names none."""
    found = _STAMP.fullmatch(text.strip())
    offset = found[8] if found is not None else None
    return f"{offset[:3]}:{offset[3:]}" if offset else None


def clock(text: str) -> str | None:
    """Return a time of day as FHIR writes it, None where it is none."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None or not _real(2000, 1, 1, int(found[1]), int(found[2] or 0), int(found[3] or 0)):
        return None
    return f"{found[1]}:{found[2] or '00'}:{found[3] or '00'}{found[4] or ''}"


def _real(year: int, month: int, day: int, hour: int, minute: int, second: int) -> bool:
    if not (year > 0 and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):  # noqa: PLR2004 - the calendar
        return False
    return 1 <= day <= monthrange(year, month)[1]


def number(text: str, place: Place) -> Decimal:
    """Return a number with its digits; raise `Poison` ``v2.bad-number``."""
    value = decimal(text)
    if value is None:
        raise Poison("v2.bad-number", "This is not a number.", place)
    return value


def decimal(text: str) -> Decimal | None:
    """Return a number with its digits, None where it is none."""
    if _NUMBER.fullmatch(text.strip()) is None:
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None
