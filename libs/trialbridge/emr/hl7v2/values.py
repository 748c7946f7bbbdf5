"""HL7 v2 datatypes to FHIR R4, after the guide's datatype tables: CWE, CX, EI, HD, XPN, XAD, XTN, CQ, DR, XON and their kin."""

from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from trialbridge.contracts.events import Identifier
from trialbridge.emr import ucum
from trialbridge.emr.account import Derived, Made, made
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.state import State
from trialbridge.emr.tables.rows import pairs, triples

Json = dict[str, Any]
DEFINITIONS: Final = "http://hl7.org/fhir/StructureDefinition/"
TERMS: Final = "http://terminology.hl7.org/CodeSystem/"
_TYPE_LENGTH: Final = 6
"""Codes of HL7 table 0203 are short: what is longer, or has a blank in it, is no code but a name in the wrong place."""


STANDING: Final[ContextVar[Mapping[str, str]]] = ContextVar("standing", default=MappingProxyType({}))
"""Texts that stand for any code while `planning.py` looks what becomes of one, and what stands for its translation."""


@cache
def _named_system(name: str) -> str | None:
    key = name.strip().upper()
    found = pairs("code_systems").get(key) or pairs("v2_systems").get(key)
    if found is None and key.startswith("HL7") and key[3:].isdigit() and len(key) == 7:  # noqa: PLR2004 - HL7nnnn
        return f"{TERMS}v2-{key[3:]}"
    return found


def system_of(name: str) -> str | None:
    """Return the FHIR system URI of an HL7 table 0396 name, None where the table has none (a local code)."""
    return _named_system(name) if name else None


def local_system(name: str) -> str:
    """Return the URN of a name that only the sender knows."""
    return f"urn:id:{quote(name, safe='')}"


def code_in(table: str, code: str) -> str | None:
    """Return what a code of an HL7 table is in FHIR, None where the table has none."""
    found = triples("v2_codes").get((table, code.strip().upper()))
    if found is None and code in (standing := STANDING.get()):
        return standing[code].format(table)
    return found


def token(text: str) -> str:
    """Return a text as a FHIR code, which has single blanks only."""
    return text if text.split(" ") == text.split() else made(" ".join(text.split()), text)


def coding(code: str, display: str, system: str, version: str, table: str = "") -> Json | None:
    """Return a Coding of four leaves; ``table`` is the HL7 table of a code that names no system."""
    if not code and not display:
        return None
    found: Json = {}
    if system:
        uri = system_of(system)
        found["system"] = made(uri or local_system(system), system)
    elif table and code:
        found["system"] = f"{TERMS}v2-{table}"
    if version:
        found["version"] = version
    if code:
        found["code"] = token(code)
    if display:
        found["display"] = display
    return found


def concept(rep: Rep, table: str = "") -> Json | None:
    """Return a CodeableConcept of a CE, CWE, CNE or CF with its alternate codes and text, None where it is empty."""
    get = rep.get
    size = len(rep.parts)
    codings = [coding(get(1), get(2), get(3), get(7) if size > 6 else "", table)]  # noqa: PLR2004 - CWE-7
    if size > 3:  # noqa: PLR2004 - CWE-4
        codings.append(coding(get(4), get(5), get(6), get(8)))
        if size > 9:  # noqa: PLR2004 - CWE-10
            codings.append(coding(get(10), get(11), get(12), get(13)))
    kept = [one for one in codings if one is not None]
    words = get(9) or get(2) or get(5) if size > 1 else ""
    found: Json = {}
    coded = [one for one in kept if "code" in one]
    if coded:
        # A display alone is the text of the whole.
        found["coding"] = coded
    if words:
        found["text"] = words
    _oids(rep, kept)
    return found or None


def _oids(rep: Rep, codings: list[Json]) -> None:
    """Add the OIDs of code systems (CWE-14, 17, 20) that no name told of."""
    if len(rep.parts) < 14:  # noqa: PLR2004 - CWE-14
        return
    for one, number in zip(codings, (14, 17, 20), strict=False):
        oid = rep.get(number)
        if oid and str(one.get("system", "urn:id:")).startswith("urn:id:"):
            one["system"] = made(f"urn:oid:{oid}", oid, one.get("system"))


def universal(name: str, identity: str, kind: str) -> Derived | None:
    """Return the URI of an HD: its OID or UUID, else a URN of its name."""
    if identity and kind.upper() == "ISO":
        return made(f"urn:oid:{quote(identity, safe='')}", identity, kind)
    if identity and kind.upper() in ("UUID", "GUID"):
        return made(f"urn:uuid:{quote(identity, safe='')}", identity, kind)
    return made(local_system(name), name) if name else None


def party(name: str, identity: str, kind: str) -> Json | None:
    """Return a reference to an organization that an HD names; its identifier tells which, no resource of its own is made."""
    found: Json = {}
    if identity:
        uri = universal("", identity, kind)
        found["identifier"] = (
            {"system": "urn:ietf:rfc:3986", "value": uri} if uri is not None else {"value": identity, **_kind(kind)}
        )
    if name:
        found["display"] = name
    return found or None


def _kind(code: str) -> Json:
    return {"type": {"coding": [{"system": f"{TERMS}v2-0301", "code": token(code)}]}} if code else {}


def text_extension(url: str, text: str) -> Json:
    """Return an extension that holds a string."""
    return {"url": f"{DEFINITIONS}{url}", "valueString": text}


def checked(digit: str, scheme: str) -> list[Json]:
    """Return the extensions of a check digit and its scheme."""
    found = [text_extension("identifier-checkDigit", digit)] if digit else []
    return [*found, text_extension("namingsystem-checkDigit", scheme)] if scheme else found


def typed(code: str) -> Json:
    """Return the type of an identifier (table 0203); what is no code stands as its text."""
    if len(code) > _TYPE_LENGTH or " " in code:
        return {"text": code}
    return {"coding": [{"system": f"{TERMS}v2-0203", "code": made(code.upper(), code)}]}


def period(start: Derived | None, end: Derived | None) -> Json:
    """Return a Period without what is not there."""
    return {**({"start": start} if start else {}), **({"end": end} if end else {})}


def identity(rep: Rep) -> Identifier | None:
    """Return the identifier of a CX as plain text: its system is the assigner's OID, else a URN of its name."""
    value = rep.get(1)
    if not value:
        return None
    uri = universal(rep.get(4), rep.get(4, 2), rep.get(4, 3))
    kind = rep.get(5).upper()
    return Identifier(str(uri or ""), str(value), "" if len(kind) > _TYPE_LENGTH or " " in kind else str(kind))


def identifier(rep: Rep, reading: State, kind: str = "") -> Json | None:
    """Return an Identifier of a CX; ``kind`` is its type where the field says which, and none is given."""
    get = rep.get
    value = get(1)
    if not value:
        return None
    found: Json = {}
    size = len(rep.parts)
    if size > 1:
        checks = checked(get(2), get(3))
        if checks:
            found["extension"] = checks
    given = get(5)
    if given or kind:
        found["type"] = typed(given or kind)
    name, identity, how = get(4), get(4, 2), get(4, 3)
    uri = universal(name, identity, how)
    if uri is not None:
        found["system"] = uri
    found["value"] = value
    if size > 6:  # noqa: PLR2004 - CX-7
        valid = period(reading.time(get(7)), reading.time(get(8)))
        if valid:
            found["period"] = valid
    place = get(6) if size > 5 else ""  # noqa: PLR2004 - CX-6
    assigner = party(name if name and uri is not None and identity else "", identity if _untold(how) else "", how)
    if place:
        assigner = {
            **(assigner or {}),
            "display": made(f"{name} - {place}", name, place) if assigner and name else place,
        }
        _assigned_by(assigner, rep, 6)
    if assigner:
        found["assigner"] = assigner
    return found


def _assigned_by(assigner: Json, rep: Rep, component: int) -> None:
    where = party("", rep.get(component, 2), rep.get(component, 3))
    if where and "identifier" not in assigner:
        assigner.update(where)


def _untold(kind: str) -> bool:
    return kind.upper() not in ("ISO", "UUID", "GUID")


def entity(rep: Rep, kind: str = "") -> Json | None:
    """Return an Identifier of an EI; ``kind`` is its type in table 0203."""
    value = rep.get(1)
    if not value:
        return None
    found: Json = {"type": {"coding": [{"system": f"{TERMS}v2-0203", "code": kind}]}} if kind else {}
    name, identity, how = rep.get(2), rep.get(3), rep.get(4)
    uri = universal(name, identity, how)
    if uri is not None:
        found["system"] = uri
    assigner = party(name if uri is not None and identity else "", identity if _untold(how) else "", how)
    return {**found, "value": value, **({"assigner": assigner} if assigner else {})}


def pair(rep: Rep, number: int, kind: str) -> Json | None:
    """Return one of the two identifiers of an EIP, placer's (1) or filler's (2)."""
    inner = rep.sub(number)
    return entity(inner, kind)


_FAMILY: Final = (
    (2, "humanname-own-prefix"),
    (3, "humanname-own-name"),
    (4, "humanname-partner-prefix"),
    (5, "humanname-partner-name"),
)


def surname(rep: Rep, component: int) -> Json:
    """Return ``family`` of an FN with its parts."""
    family = rep.get(component)
    parts = rep.parts
    if component > len(parts) or len(parts[component - 1]) == 1:
        return {"family": family} if family else {}
    told = [(url, rep.get(component, sub)) for sub, url in _FAMILY]
    extensions = [text_extension(url, text) for url, text in told if text]
    if extensions:
        return {**({"family": family} if family else {}), "_family": {"extension": extensions}}
    return {"family": family} if family else {}


def human_name(rep: Rep, reading: State, use: str = "official") -> Json | None:
    """Return a HumanName of an XPN, None where it is empty; ``use`` is the one of a name that tells none."""
    found = named(rep, 1)
    get = rep.get
    size = len(rep.parts)
    if not found:
        return None
    told = get(7)
    word = code_in("0200", told) if told else use
    if word:
        found = {"use": made(word, told) if told else word, **found}
    if size > 9:  # noqa: PLR2004 - XPN-10
        span = rep.sub(10)
        valid = period(reading.time(get(12) or span.get(1)), reading.time(get(13) or span.get(2)))
        if valid:
            found["period"] = valid
        _last(found, get(14), get(11))
    return found


def named(rep: Rep, at: int) -> Json:
    """Return family, given names, prefix and suffixes of an XPN (``at`` 1) or XCN (``at`` 2)."""
    get = rep.get
    found = surname(rep, at)
    given = [get(at + 1), *_split(get(at + 2))]
    names = [name for name in given if name]
    if names:
        found["given"] = names
    if len(rep.parts) > at + 2:
        suffixes = [one for one in (get(at + 3), get(at + 5)) if one]
        if get(at + 4):
            found["prefix"] = [get(at + 4)]
        if suffixes:
            found["suffix"] = suffixes
    return found


def _split(text: str) -> list[str]:
    if " " not in text:
        return [text]
    return [made(one, text) for one in text.split()]


def _last(found: Json, professional: str, order: str) -> None:
    """Add professional suffix and assembly order."""
    if professional:
        found["suffix"] = [*found.get("suffix", []), professional]
    if order:
        found["extension"] = [{"url": f"{DEFINITIONS}humanname-assembly-order", "valueCode": token(order)}]


def nickname(rep: Rep) -> Json | None:
    """Return the name of an XPN-15, by which somebody is called."""
    called = rep.get(15)
    return {"use": "nickname", "given": [called]} if called else None


def whole_name(rep: Rep) -> Derived | None:
    """Return an XPN as one text, in the order of western names."""
    order = (rep.get(5), rep.get(2), rep.get(3), rep.get(1), rep.get(4))
    told = [one for one in order if one]
    return made(" ".join(told), *told) if told else None


def address(rep: Rep, reading: State) -> Json | None:
    """Return an Address of an XAD, None where it is empty."""
    get = rep.get
    size = len(rep.parts)
    lines = [one for one in (get(1), get(1, 2), get(1, 3), get(2)) if one]
    if size > 18 and get(19):  # noqa: PLR2004 - XAD-19
        lines.append(get(19))
    found: Json = {"line": lines} if lines else {}
    for name, number in (("city", 3), ("state", 4), ("postalCode", 5), ("country", 6)):
        value = get(number)
        if value:
            found[name] = value
    if size > 6:  # noqa: PLR2004 - XAD-7
        found.update(_address_kind(get(7)))
        if get(9) or get(9, 2):
            found["district"] = get(9) or get(9, 2)
        if get(8):
            found.setdefault("extension", []).append(text_extension("iso21090-ADXP-unitType", get(8)))
        if get(10):
            found.setdefault("extension", []).append(text_extension("iso21090-ADXP-censusTract", get(10)))
        valid = period(reading.time(get(13) or get(12)), reading.time(get(14) or get(12, 2)))
        if valid:
            found["period"] = valid
    return found or None


def _address_kind(code: str) -> Json:
    if not code:
        return {}
    found: Json = {}
    use, kind = code_in("0190", code), code_in("0190-type", code)
    if use:
        found["use"] = made(use, code)
    if kind:
        found["type"] = made(kind, code)
    if not found or code.upper() not in ("H", "B", "O"):
        coded = {"coding": [{"system": f"{TERMS}v2-0190", "code": token(code)}]}
        found["extension"] = [{"url": f"{DEFINITIONS}alternate-codes", "valueCodeableConcept": coded}]
    return found


def quantity(value: Made, unit: Rep) -> Json:
    """Return a Quantity of a number and the CWE of its unit."""
    code, name, system = unit.get(1), unit.get(2), unit.get(3)
    found: Json = {"value": value}
    if name or unit.get(9) or code:
        found["unit"] = unit.get(9) or name or code
    if code and not system and not ucum.is_valid(code):
        found["unit"] = code
    elif code:
        # Units without a system are taken for UCUM where they are written as UCUM has them.
        uri = system_of(system) if system else ucum.SYSTEM
        found["system"] = made(uri or local_system(system), system) if system else uri
        found["code"] = token(code)
    return found


def composite_quantity(rep: Rep, reading: State) -> Json | None:
    """Return a Quantity of a CQ, None where it holds no number."""
    value = reading.decimal(rep.get(1))
    return quantity(value, rep.sub(2)) if value is not None else None


def amount(rep: Rep, reading: State) -> Json | None:
    """Return Money of a CP or MO."""
    value = reading.decimal(rep.get(1))
    if value is None:
        return None
    currency = rep.get(1, 2)
    return {"value": value, **({"currency": currency} if len(currency) == 3 else {})}  # noqa: PLR2004 - ISO 4217


def span(rep: Rep, reading: State) -> Json | None:
    """Return a Period of a DR."""
    return period(reading.time(rep.get(1)), reading.time(rep.get(2))) or None
