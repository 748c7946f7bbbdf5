"""JSON schemas of FHIR's primitive datatypes (hl7.org/fhir/R4B/datatypes.html); no string is empty.

Control characters are looked for once in the bytes of a document, not in each string (`jsontext`).
"""

from typing import Any, Final

_TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1}
_YEAR: Final = r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_MONTH: Final = r"(0[1-9]|1[0-2])"
_LEAP_YEAR: Final = r"([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][48]|[2468]0|[13579][26])00)"
_DAY_OF_YEAR: Final = (
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_DAY: Final = rf"({_YEAR}-{_DAY_OF_YEAR}|{_LEAP_YEAR}-02-29)"
"""A day that the calendar has."""
_TIME: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE: Final = r"(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
_REFERENCE: Final = (
    rf"^(#{_ID}|#|[A-Z][A-Za-z]+/{_ID}(/_history/{_ID})?(#{_ID})?|[A-Z][A-Za-z]+\?\S+|[a-zA-Z][a-zA-Z0-9+.-]*:\S+)$"
)
_TOKEN: Final = r"^[^\s]+(\s[^\s]+)*$"  # noqa: S105 - a pattern


def _pattern(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern}


PRIMITIVES: Final[dict[str, dict[str, Any]]] = {
    "encodedbytes": _pattern(r"^[0-9a-zA-Z+/=\s]+$"),
    "boolean": {"type": "boolean"},
    "canonical": _pattern(r"^\S+$"),
    "code": _pattern(_TOKEN),
    "date": _pattern(rf"^({_YEAR}(-{_MONTH})?|{_DAY})$"),
    "datetime": _pattern(rf"^({_YEAR}(-{_MONTH})?|{_DAY}(T{_TIME}{_ZONE})?)$"),
    "decimal": {"type": "number", "minimum": -1e300, "maximum": 1e300},
    "id": _pattern(rf"^{_ID}$"),
    "instant": _pattern(rf"^{_DAY}T{_TIME}{_ZONE}$"),
    "integer": {"type": "integer", "minimum": -2147483648, "maximum": 2147483647},
    "integer64": {"type": "integer"},
    "markdown": _TEXT,
    "oid": _pattern(r"^urn:oid:[0-2](\.(0|[1-9][0-9]*))+$"),
    "positiveint": {"type": "integer", "minimum": 1, "maximum": 2147483647},
    "reference": _pattern(_REFERENCE),
    "string": _TEXT,
    "time": _pattern(rf"^{_TIME}$"),
    "unsignedint": {"type": "integer", "minimum": 0, "maximum": 2147483647},
    "uri": _pattern(r"^\S+$"),
    "url": _pattern(r"^\S+$"),
    "uuidversion": _pattern(r"^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
    "xhtml": {"type": "string"},
}
"""By lower-case name of the datatype."""
