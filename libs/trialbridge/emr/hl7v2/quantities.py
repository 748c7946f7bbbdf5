"""Quantities, ranges, ratios and attachments of HL7 v2's SN, NR, CQ, ED and RP to FHIR."""

from base64 import b64decode, b64encode
from binascii import Error
from decimal import Decimal
from typing import Any, Final

from trialbridge.emr import ucum
from trialbridge.emr.account import Made, made
from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.state import State

Json = dict[str, Any]
_TO_MINUTES: Final = {
    "S": Decimal(1) / 60,
    "SEC": Decimal(1) / 60,
    "MIN": Decimal(1),
    "MINUTE": Decimal(1),
    "H": Decimal(60),
    "HR": Decimal(60),
    "HOUR": Decimal(60),
    "D": Decimal(1440),
    "DAY": Decimal(1440),
}
_HEX: Final = frozenset("0123456789abcdefABCDEF")


def to_minutes(value: Decimal, unit: str) -> int | None:
    """Return a duration in whole minutes, None where it is no whole number or the unit is unknown."""
    plain = unit.strip().upper()
    factor = _TO_MINUTES.get(plain) or _TO_MINUTES.get(plain.removesuffix("S"))
    if factor is None:
        return None
    found = value * factor
    return int(found) if found == found.to_integral_value() and 0 <= found <= 2147483647 else None  # noqa: PLR2004 - FHIR's integers


def minutes(rep: Rep, reading: State) -> Any:
    """Return a CQ of time in minutes."""
    value = reading.decimal(rep.get(1))
    if value is None or not isinstance(value.value, Decimal):
        return None
    found = to_minutes(value.value, rep.get(2) or "min")
    return Made(found, (rep.get(1), rep.get(2))) if found is not None else None


def days(rep: Rep, reading: State) -> Any:
    """Return a number of days as a Duration."""
    value = reading.decimal(rep.get(1))
    return {"value": value, "unit": "days", "system": ucum.SYSTEM, "code": "d"} if value is not None else None


def unit(rep: Rep, _: State) -> Any:
    """Return unit, system and code of a CWE, for a Quantity whose number another field holds."""
    found = values.quantity(Made(0, ()), rep)
    del found["value"]
    return found or None


def encapsulated(rep: Rep) -> Json | None:
    """Return an Attachment of an ED, whose data may be text, hexadecimal or Base64; None where it holds nothing."""
    application, kind, subtype, encoding, data = (rep.get(number) for number in range(1, 6))
    found: Json = {}
    media = _media_type(kind, subtype)
    if media:
        found["contentType"] = media
    encoded = _encoded(encoding, data)
    if encoded:
        found["data"] = encoded
    if application and found:
        found["title"] = application
    return found or None


def _media_type(kind: str, subtype: str) -> str | None:
    if "/" in subtype or not kind:
        return subtype or None
    return made("/".join(one for one in (kind.lower(), subtype.lower()) if one), kind, subtype) if subtype else kind


def _encoded(encoding: str, data: str) -> str | None:
    if not data:
        # Nothing was sent: its encoding says as little.
        return None
    how = encoding.upper()
    if how == "BASE64":
        plain = "".join(data.split())
        try:
            b64decode(plain, validate=True)
        except (Error, ValueError):
            return made(b64encode(data.encode()).decode(), data, encoding)
        return made(plain, data, encoding)
    if how == "HEX" and len(data) % 2 == 0 and set(data) <= _HEX:
        return made(b64encode(bytes.fromhex(data)).decode(), data, encoding)
    return made(b64encode(data.encode()).decode(), data, encoding)


def pointer(rep: Rep) -> Json | None:
    """Return an Attachment of an RP."""
    url, kind, subtype = rep.get(1), rep.get(3), rep.get(4)
    found: Json = {}
    media = _media_type(kind, subtype)
    if media:
        found["contentType"] = media
    if url and " " not in url:
        found["url"] = url
    elif url:
        found["title"] = url
    if rep.get(2):
        found.setdefault("title", rep.get(2))
    return found or None
