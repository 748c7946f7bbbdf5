"""HL7 v2 datatypes to FHIR R4: time stamps, coded elements, identifiers, names, addresses, numbers."""

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.events import Identifier
from trialbridge.emr.hl7v2.message import Composite

_STAMP: Final = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\.\d{1,4})?)?)?)?)?)?([+-]\d{4})?", re.ASCII
)
"""YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ] (2.5.1, 2.A.22): each part only behind the one before."""
_SEX: Final = {"F": "female", "M": "male", "O": "other", "A": "other", "N": "other", "U": "unknown", "": "unknown"}


@lru_cache(maxsize=1)
def _systems() -> dict[str, str]:
    text = files("trialbridge.emr.tables").joinpath("code_systems.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {row[0]: row[1] for row in rows}


def system_of(name: str) -> str | None:
    """Return the FHIR system URI of an HL7 table 0396 name, None where the table has none (a local code)."""
    return _systems().get(name.strip().upper())


def timestamp(text: str, place: Place, *, zone: str = "+00:00") -> str:
    """Return a FHIR date or dateTime as precise as the v2 one; raise `Poison` ``v2.bad-date``.

    A time without a zone gets the feed's (UTC by default): FHIR has no time without one.
    """
    found = _STAMP.fullmatch(text.strip())
    if found is None:
        raise Poison("v2.bad-date", "This is not a date or time of HL7 v2.", place)
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    if not _real(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0)):
        raise Poison("v2.bad-date", "There is no such day or time.", place)
    shown = "-".join(part for part in (year, month, day) if part)
    if minute is None:
        # FHIR has no hour without its minutes: the day is what is certain.
        return shown
    written = f"{offset[:3]}:{offset[3:]}" if offset else zone
    return f"{shown}T{hour}:{minute}:{second or '00'}{fraction or ''}{written}"


def _real(year: int, month: int, day: int, hour: int, minute: int) -> bool:
    from calendar import monthrange

    return year > 0 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1] and hour < 24 and minute < 60  # noqa: PLR2004 - the calendar


def concept(coded: Composite) -> dict[str, Any] | None:
    """Return a CodeableConcept of a CE or CWE with its alternate code and text, None where it is empty."""
    codings = []
    for code, text, system in ((1, 2, 3), (4, 5, 6)):
        value = coded.part(code).strip()
        if value:
            coding: dict[str, Any] = {}
            uri = system_of(coded.part(system))
            if uri:
                coding["system"] = uri
            coding["code"] = " ".join(value.split())
            if coded.part(text):
                coding["display"] = coded.part(text)
            codings.append(coding)
    words = coded.part(9) or coded.part(2) or coded.part(5)
    found: dict[str, Any] = {}
    if codings:
        found["coding"] = codings
    if words:
        found["text"] = words
    return found or None


def identifier(given: Composite) -> Identifier | None:
    """Return the identifier of a CX; its system is the assigner's OID, else a URN of its name."""
    value = given.part(1).strip()
    if not value:
        return None
    oid, kind = given.part(4, 2), given.part(4, 3)
    name = given.part(4, 1)
    system = f"urn:oid:{oid}" if kind.upper() == "ISO" and oid else f"urn:id:{name}" if name else ""
    return Identifier(system, value, given.part(5).strip().upper())


def fhir_identifier(one: Identifier) -> dict[str, Any]:
    """Return an identifier in FHIR's shape."""
    found: dict[str, Any] = {}
    if one.type:
        found["type"] = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": one.type}]}
    if one.system:
        found["system"] = one.system
    return {**found, "value": one.value}


def human_name(given: Composite) -> dict[str, Any] | None:
    """Return a HumanName of an XPN, None where it is empty."""
    found: dict[str, Any] = {}
    if given.part(1):
        found["family"] = given.part(1)
    names = [name for name in (given.part(2), *given.part(3).split()) if name]
    if names:
        found["given"] = names
    return {"use": "official", **found} if found else None


def address(given: Composite) -> dict[str, Any] | None:
    """Return an Address of an XAD, None where it is empty."""
    lines = [line for line in (given.part(1), given.part(2)) if line]
    names = {"city": 3, "state": 4, "postalCode": 5, "country": 6}
    found: dict[str, Any] = {"line": lines} if lines else {}
    found |= {name: given.part(number) for name, number in names.items() if given.part(number)}
    return found or None


def gender(code: str) -> str:
    """Return the FHIR administrative gender of table 0001."""
    return _SEX.get(code.strip().upper(), "unknown")


def number(text: str, place: Place) -> Decimal:
    """Return a number with its digits; raise `Poison` ``v2.bad-number``."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise Poison("v2.bad-number", "This is not a number.", place)
    return value
