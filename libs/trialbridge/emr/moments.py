"""Points in time as HL7 V3 (TS) or ISO 8601 writes them, as FHIR dates and dateTimes: as precise as they are written, never more."""

import re
from calendar import monthrange
from typing import Final

_TS: Final = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\.\d{1,9})?)?)?)?)?)?([+-]\d{2}:?\d{2}|Z)?", re.ASCII
)
"""YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]: each part only behind the one before (HL7 V3 datatypes, TS)."""
_ISO: Final = re.compile(
    r"\d{4}-\d{2}(?:-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[+-]\d{2}:?\d{2}|Z)?)?)?", re.ASCII
)
"""The form of ISO 8601, which some systems write."""
_LATEST_ZONE: Final = 14 * 60


def moment(text: str, zone: str) -> str | None:
    """Return a FHIR date or dateTime, None where the text is no time that there is.

    A time that names no zone gets ``zone``, for example ``-05:00``: FHIR has no time without one. Hours without minutes, which FHIR
    cannot say, leave the day.
    """
    found = _TS.fullmatch(_compact(text) if text[4:5] == "-" and _ISO.fullmatch(text) else text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    if not _real(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0)):
        return None
    shown = "-".join(part for part in (year, month, day) if part)
    if minute is None:
        return shown
    written = _offset(offset) if offset else zone
    return f"{shown}T{hour}:{minute}:{second or '00'}{fraction or ''}{written}" if written else None


def _compact(text: str) -> str:
    """Return an ISO 8601 time in the form of HL7."""
    day, _, time = text.partition("T")
    clock, zone = time[:8], time[8:]
    if clock[5:6] not in ("", ":"):
        clock, zone = time[:5], time[5:]
    return day.replace("-", "") + clock.replace(":", "") + zone


def _real(year: int, month: int, day: int, hour: int, minute: int, second: int) -> bool:
    return (
        year > 0 and 1 <= month <= 12 and day >= 1 and (day <= 28 or day <= monthrange(year, month)[1])  # noqa: PLR2004 - the calendar
        and hour < 24 and minute < 60 and second < 60  # noqa: PLR2004 - the clock
    )  # fmt: skip


def _offset(text: str) -> str | None:
    if text == "Z":
        return "Z"
    digits = text.replace(":", "")
    minutes = int(digits[3:])
    valid = minutes < 60 and int(digits[1:3]) * 60 + minutes <= _LATEST_ZONE  # noqa: PLR2004 - the clock
    return f"{digits[:3]}:{digits[3:]}" if valid else None
