"""Times that no clock can show in UTC: at the very ends of the calendar, where a zone's offset leads out of the years 1 to 9999."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from trialbridge.emr.records import Resource

_EDGE: Final = re.compile(r"(0001-01-01|9999-12-31)T.*[+-]\d\d:\d\d", re.DOTALL)
_DAYS: Final = re.compile(rb"-(?:12-3|01-0)1T")
_EDGES: Final = frozenset({b'"0001-01-01T', b'"9999-12-31T'})
_ESCAPED: Final = re.compile(rb"\\u00[2-7]")
"""An ASCII character that nobody needs to escape."""


def may_be_beyond(text: bytes) -> bool:
    """Return whether JSON text may hold such a time, as it is or escaped: then each resource is looked at."""
    # Plain searches first: they are ten times as fast as patterns.
    if b"\\" in text and b"\\u00" in text and _ESCAPED.search(text) is not None:
        return True
    return holds_edge(text)


def holds_edge(text: bytes) -> bool:
    """Return whether JSON text that escapes no letter or digit holds such a day with a time."""
    # One search for both, whatever their years: times at these days are rare.
    return any(text[max(0, one.start() - 5) : one.end()] in _EDGES for one in _DAYS.finditer(text))


def beyond_calendar(resource: Resource) -> str | None:
    """Return the path of the first dateTime or instant that has no equivalent in UTC, None where all have one.

    ``9999-12-31`` and ``9999-12-31T23:59:59Z``, with which systems say "without end", are within the calendar.
    """
    return next((path.lstrip(".") for path in _beyond(resource, "")), None)


def _beyond(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _beyond(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _beyond(inner, f"{path}[{number}]")
    elif isinstance(value, str) and _EDGE.fullmatch(value) and _overflows(value):
        yield path


def _overflows(value: str) -> bool:
    try:
        datetime.fromisoformat(value).astimezone(UTC)
    except OverflowError:
        return True
    except ValueError:
        # A leap second, or no time at all: the schema says which times FHIR has.
        return False
    return False
