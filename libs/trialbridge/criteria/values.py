"""One value of a trial against the type of its field: lenient in spelling, strict in meaning, refused with its exact path."""

import re
from decimal import Decimal
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import msgspec

from trialbridge.criteria.dates import span
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.language import Moment, Period
from trialbridge.criteria.terminology.nearest import hint

_PERIOD: Final = re.compile(r"\s*(\d{1,6})\s*(day|week|month|year)s?\s*", re.IGNORECASE)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_FLAGS: Final = {"yes": True, "no": False, "true": True, "false": False}
_WORDS: Final = {bool: "true or false", int: "a whole number", str: "text", Decimal: "a number", float: "a number"}


def field_value(value: Any, kind: Any, path: str, problems: Problems) -> Any:
    """Return the value ready for conversion into ``kind``; what does not fit is noted under ``path``."""
    kind = _without_none(kind)
    if get_origin(kind) is tuple:
        return _tuple(value, kind, path, problems)
    if get_origin(kind) is Literal:
        return _choice(value, get_args(kind), path, problems)
    if kind is Period:
        return _period(value, path, problems)
    if kind == Moment:
        return _moment(value, path, problems)
    return _plain(value, kind, path, problems)


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (UnionType, Union):
        kept = tuple(one for one in get_args(kind) if one is not type(None))
        return Union[kept]  # noqa: UP007 - made of a tuple
    return kind


def _tuple(value: Any, kind: Any, path: str, problems: Problems) -> list[Any]:
    inner = get_args(kind)
    # One word may stand for a list of one.
    members = value if isinstance(value, list) else [value]
    if Ellipsis not in inner and len(members) != len(inner):
        problems.error("wrong-type", path, f"This is a list of {len(inner)}.")
        return []
    if Ellipsis in inner and not members:
        problems.error("empty-list", path, "A list needs at least one value; leave the key out instead.")
    return [field_value(one, inner[0], f"{path}[{number}]", problems) for number, one in enumerate(members)]


def _choice(value: Any, allowed: tuple[Any, ...], path: str, problems: Problems) -> Any:
    if isinstance(value, str):
        folded = "_".join(value.casefold().replace("-", " ").split())
        for one in allowed:
            if one in (value, folded):
                return one
    problems.error(
        "unknown-word", path, f"This is one of: {', '.join(map(str, allowed))}.", hint(str(value), map(str, allowed))
    )
    return allowed[0]


def _period(value: Any, path: str, problems: Problems) -> dict[str, Any]:
    if isinstance(value, str) and (found := _PERIOD.fullmatch(value)):
        return {f"{found[2].lower()}s": int(found[1])}
    if not isinstance(value, dict):
        problems.error("bad-period", path, "A period is written {days: 28} or 28 days.")
        return {}
    units = [field.name for field in msgspec.structs.fields(Period)]
    known: dict[str, Any] = {}
    for key, count in value.items():
        if key in units:
            known[key] = _plain(count, int, f"{path}.{key}", problems)
        else:
            problems.error("unknown-key", f"{path}.{key}", "There is no such unit of time.", hint(str(key), units))
    return known


def _moment(value: Any, path: str, problems: Problems) -> Any:
    """Return a calendar day as text, a length of time back from the as-of date as a period."""
    if isinstance(value, dict) or (isinstance(value, str) and _PERIOD.fullmatch(value)):
        return _period(value, path, problems)
    if not isinstance(value, str) or not _DAY.fullmatch(value) or span(value) is None:
        problems.error("bad-moment", path, "A moment is a day (2024-05-03) or a length of time back (28 days).")
        return ""
    return value


def _plain(value: Any, kind: Any, path: str, problems: Problems) -> Any:
    if kind is bool and isinstance(value, str):
        value = _FLAGS.get(value.casefold(), value)
    if kind is str and isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        # Codes and exons are often written without quotes.
        value = str(value)
    if kind is Decimal and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    found = _converted(value, kind)
    if found is None:
        problems.error("wrong-type", path, f"This is {_WORDS.get(kind, 'of another type')}.")
        return {Decimal: "0", float: 0.0, int: 0, str: "", bool: False}.get(kind)
    return found


def _converted(value: Any, kind: Any) -> Any:
    """Return the value as of this type, None where it is none; what is no number at all (NaN) is no number here either."""
    try:
        found = msgspec.convert(value, kind, strict=isinstance(value, bool))
    except (msgspec.ValidationError, ArithmeticError, ValueError):
        return None
    return None if isinstance(found, (Decimal, float)) and not Decimal(found).is_finite() else found
