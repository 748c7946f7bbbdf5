"""Dates of tables as FHIR writes them: ISO 8601, and the formats that a layout or a mapping declares. Partial ones stay partial."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from trialbridge.emr.moments import moment

_TOKENS: Final = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "MMM": r"(?P<name>[A-Za-z]{3})[A-Za-z]{0,6}",
    "MM": r"(?P<month>[0-9]{1,2})",
    "DD": r"(?P<day>[0-9]{1,2})",
    "HH": r"(?P<hour>[0-9]{2})",
    "mm": r"(?P<minute>[0-9]{2})",
    "ss": r"(?P<second>[0-9]{2})",
}
_TOKEN: Final = re.compile("YYYY|MMM|MM|DD|HH|mm|ss")
_MONTHS: Final = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_ISO: Final = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}.{0,30})?)?)?|[0-9]{8}")
_NEEDED: Final = {"MM": "YYYY", "MMM": "YYYY", "HH": "DD", "mm": "HH", "ss": "mm"}


def format_fault(text: str) -> str:
    """Return what is wrong with a date format, empty where nothing is."""
    tokens = _TOKEN.findall(text)
    if "YYYY" not in tokens:
        return "a date format needs YYYY (years of two digits are not read)"
    if len(set(tokens)) < len(tokens) or {"MM", "MMM"} <= set(tokens):
        return "a part of the date comes twice"
    if "DD" in tokens and not {"MM", "MMM"} & set(tokens):
        return "DD needs MM or MMM"
    missing = next((needed for one, needed in _NEEDED.items() if one in tokens and needed not in tokens), "")
    if missing:
        return f"{missing} is missing"
    if re.search(r"[A-Za-z0-9]", _TOKEN.sub("", text).replace("T", "")):
        return "parts are YYYY, MM, MMM, DD, HH, mm and ss, with signs between them"
    return ""


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    parts, at = [], 0
    for found in _TOKEN.finditer(text):
        parts += [re.escape(text[at : found.start()]), _TOKENS[found[0]]]
        at = found.end()
    return re.compile("".join((*parts, re.escape(text[at:]))))


def date_time(text: str, formats: Sequence[str], zone: str) -> str | None:
    """Return a FHIR date or dateTime, None where the text is no time that there is; ``zone`` is of times that name none."""
    written = text.strip()
    if _ISO.fullmatch(written):
        return moment(written.replace(" ", "T", 1), zone)
    for one in formats:
        found = _pattern(one).fullmatch(written)
        compact = _compact(found.groupdict()) if found else ""
        if compact:
            return moment(compact, zone)
    return None


def _compact(parts: dict[str, str | None]) -> str:
    """Return the parts as YYYYMMDDHHMMSS, as far as they go; empty where a month has no such name."""
    name = (parts.get("name") or "").casefold()
    if name and name not in _MONTHS:
        return ""
    month = f"{_MONTHS.index(name) + 1:02}" if name else parts.get("month")
    found = [parts.get("year"), month, parts.get("day"), parts.get("hour"), parts.get("minute"), parts.get("second")]
    return "".join(part.zfill(2) for part in found if part)
