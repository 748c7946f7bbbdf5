"""How the values of FHIR's datatypes are nearly always spelt in JSON, as `jsontext.encode` writes them: narrower than `primitives`.

What is spelt otherwise is not wrong: the schema says. Years before 1800 and after 2099, 29 February, letters beyond ASCII in codes
and addresses, numbers with exponents and long ones are left to it.
"""

import re
from typing import Any, Final

from trialbridge.emr.fhir.grammar import Element
from trialbridge.emr.jsontext import encode

_YEAR: Final = "(?:1[89]|20)[0-9][0-9]"
_DAY: Final = "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9}+)?+"
_ZONE: Final = "(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
ID: Final = r"[A-Za-z0-9\-.]{1,64}+"
_GRAPHIC: Final = r"[!#-\[\]-~]++"
_TEXT: Final = r'[^"\\\x00-\x1f]++'
_ESCAPED: Final = r'(?:[^"\\\x00-\x1f]++|\\["\\nrt])++'
_TEXTS: Final = {
    "canonical": _GRAPHIC,
    "code": rf"{_GRAPHIC}(?: {_GRAPHIC})*+",
    "date": rf"{_YEAR}(?:-(?:{_DAY}|0[1-9]|1[0-2]))?+",
    "datetime": rf"{_YEAR}(?:-(?:{_DAY}(?:T{_TIME}{_ZONE})?+|0[1-9]|1[0-2]))?+",
    "encodedbytes": "[0-9a-zA-Z+/=]++",
    "id": ID,
    "instant": f"{_YEAR}-{_DAY}T{_TIME}{_ZONE}",
    "markdown": _TEXT,
    "oid": r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*+))++",
    "string": _TEXT,
    "time": _TIME,
    "uri": _GRAPHIC,
    "url": _GRAPHIC,
    "uuidversion": "urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "xhtml": _TEXT,
}
_OTHERS: Final = {
    "boolean": "(?:true|false)",
    # Small ones are written with an exponent (1E-7), and a zero without a fraction has no sign.
    "decimal": r"(?:-?[1-9][0-9]{0,14}+(?:\.[0-9]{1,30}+)?+|0(?![.])|-?0\.(?:[0-9]{1,6}+(?![0-9])|(?=0{0,5}[1-9])[0-9]{1,30}+))",
    "integer": "(?:0|-?[1-9][0-9]{0,8}+)",
    "integer64": "(?:0|-?[1-9][0-9]{0,14}+)",
    "positiveint": "[1-9][0-9]{0,8}+",
    "unsignedint": "(?:0|[1-9][0-9]{0,8}+)",
}
RELATIVE: Final = re.compile(rf"[A-Z][A-Za-z]++/{ID}")
_RELATIVE: Final = f'"([A-Z][A-Za-z]++/{ID})"'
_ABSOLUTE: Final = r'"([a-z][a-z0-9+.\-]*+:[!#->@-\[\]-~]++)"'
"""Not with a question mark: it may be a search for what another resource is."""


def pattern_of(element: Element, value: Any) -> str | None:
    """Return the pattern of the JSON of a plain element, given one of its values; None where there is none."""
    if element.kind == "enum":
        return f'"(?:{"|".join(re.escape(one) for one in element.codes)})"'
    if element.kind == "reference":
        return _RELATIVE if RELATIVE.fullmatch(value) else _ABSOLUTE
    if element.kind in _OTHERS:
        return _OTHERS[element.kind]
    found = _TEXTS.get(element.kind)
    if found == _TEXT and b"\\" in encode(value):
        found = _ESCAPED
    return f'"{found}"' if found is not None else None
