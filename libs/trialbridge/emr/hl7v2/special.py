"""Readers for fields that follow no datatype alone: what a row of `tables/v2_segments.tsv` needs once or twice."""

from collections.abc import Mapping
from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.factories import Factory, Reader, plain
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.special_people import PEOPLE
from trialbridge.emr.hl7v2.special_times import TIMES
from trialbridge.emr.hl7v2.state import words

Json = dict[str, Any]
_ABSENT: Final = {"coding": [{"system": f"{values.TERMS}data-absent-reason", "code": "unknown"}]}
_UNKNOWN: Final = {"extension": [{"url": f"{values.DEFINITIONS}data-absent-reason", "valueCode": "unknown"}]}


def _patient_class(rep: Rep, _: Reading) -> Any:
    given = rep.get(1)
    if not given:
        return None
    code = values.code_in("0004-class", given)
    if code is None:
        return values.coding(given, rep.get(2), rep.get(3), rep.get(7), "0004")
    found: Json = {"system": f"{values.TERMS}v3-ActCode", "code": made(code, given, rep.get(3))}
    return {**found, "display": rep.get(2)} if rep.get(2) else found


def _visit_number(rep: Rep, reading: Reading) -> Any:
    found = values.identifier(rep, reading)
    if found is not None and "type" not in found:
        found["type"] = values.typed("VN")
    return found


def _narrative(rep: Rep, _: Reading) -> Any:
    text = rep.get(1)
    if not text:
        return None
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"status": "additional", "div": made(f'<div xmlns="http://www.w3.org/1999/xhtml">{safe}</div>', text)}


def _status(rep: Rep, reading: Reading) -> Any:
    given = rep.get(1)
    found = values.code_in("0085", given)
    if found is None:
        reading.warnings.note("v2.no-result")
    return made(found or "unknown", given)


def _sub_id(rep: Rep, _: Reading) -> Any:
    """Return OBX-4 as the guide's extension: the text before 2.8.2, the parts of an OG since."""
    names = ("original-sub-identifier", "group", "sequence", "identifier")
    told = [(name, rep.get(number)) for number, name in enumerate(names, 1) if rep.get(number)]
    inner: list[Json] = [{"url": name, "valueString": text} for name, text in told]
    return {"url": f"{values.DEFINITIONS}observation-v2-subid", "extension": inner} if inner else None


def _group(rep: Rep, _: Reading) -> Any:
    """Return the group of an order: the placer's of an EIP, or an EI."""
    parts = rep.parts
    paired = (len(parts) > 1 and any(len(one) > 1 for one in parts[:2])) or (parts and len(parts[0]) > 1)
    return values.pair(rep, 1, "PGN") if paired else values.entity(rep, "PGN")


def _parent(kind: str, where: str) -> Factory:
    """Make a factory of a reference by identifier, to an order or specimen that is not in this message."""

    def factory(argument: str) -> Reader:
        number = int(argument)

        def read(rep: Rep, _: Reading) -> Any:
            found = values.pair(rep, number, where.split()[number - 1])
            return {"type": kind, "identifier": found} if found is not None else None

        return read

    return factory


def _part_of(rep: Rep, _: Reading) -> Any:
    found = values.entity(rep)
    return {"type": "Procedure", "identifier": found} if found is not None else None


def _due_to(rep: Rep, _: Reading) -> Any:
    found = values.entity(rep)
    if found is None:
        whom = values.universal(rep.get(2), rep.get(3), rep.get(4))
        found = {"system": whom} if whom is not None else None
    if found is None:
        return None
    return {"url": f"{values.DEFINITIONS}condition-dueTo", "valueReference": {"type": "Condition", "identifier": found}}


def _order_ref(rep: Rep, _: Reading) -> Any:
    found = values.entity(rep)
    return {"type": "ServiceRequest", "identifier": found} if found is not None else None


def _parent_document(rep: Rep, _: Reading) -> Any:
    found = values.entity(rep)
    if found is None:
        return None
    return {"code": "replaces", "target": {"type": "DocumentReference", "identifier": found}}


def _udi(rep: Rep, _: Reading) -> Any:
    found: Json = {"deviceIdentifier": rep.get(1)} if rep.get(1) else {}
    issuer = values.universal(rep.get(2), rep.get(3), rep.get(4))
    if issuer is not None:
        found["issuer"] = issuer
    return found if "deviceIdentifier" in found else None


def _specimen_source(rep: Rep, _: Reading) -> Any:
    found: Json = {}
    for number, name in ((1, "type"), (6, "condition")):
        value = values.concept(rep.sub(number)) if rep.get(number) or rep.get(number, 2) else None
        if value is not None:
            found[name] = [value] if name == "condition" else value
    additive = values.concept(rep.sub(2)) if rep.get(2) else None
    if additive is not None:
        found["container"] = [{"additiveCodeableConcept": additive}]
    if rep.get(3):
        found["note"] = [{"text": rep.get(3)}]
    site = values.concept(rep.sub(4)) if rep.get(4) or rep.get(4, 2) else None
    if site is not None:
        found["collection"] = {"bodySite": site}
    return found or None


def _hd_source(rep: Rep, _: Reading) -> Any:
    return _endpoint(rep, "software")


def _hd_destination(rep: Rep, _: Reading) -> Any:
    return _endpoint(rep, "name")


def _endpoint(rep: Rep, named: str) -> Any:
    name, identity, how = rep.get(1), rep.get(2), rep.get(3)
    if not name and not identity:
        return None
    found: Json = {"name": name} if name else {}
    uri = values.universal("", identity, how)
    if uri is not None:
        found["endpoint"] = uri
    elif identity and how.upper() in ("DNS", "URI") and " " not in identity:
        found["endpoint"] = made(f"urn:{how.lower()}:{identity}", identity, how)
    elif identity:
        told = f"{name} - {how}:{identity}" if how else f"{name} - {identity}"
        found["name"] = made(told.removeprefix(" - "), name, identity, how)
    if "endpoint" not in found:
        found["_endpoint"] = _UNKNOWN
    del named
    return found


def _event(rep: Rep, _: Reading) -> Any:
    code = rep.get(2) or rep.get(1)
    if not code:
        return None
    return {"system": f"{values.TERMS}v2-0003", "code": values.token(code), "display": _event_words(rep)}


def _event_words(rep: Rep) -> Any:
    told = [one for one in (rep.get(1), rep.get(2), rep.get(3)) if one]
    return made("^".join(told), *told) if told else None


def _class(kind: str, component: int = 1) -> Reader:
    coded = {"coding": [{"system": f"{values.TERMS}coverage-class", "code": kind}]}

    def read(rep: Rep, reading: Reading) -> Any:
        if component == 1:
            return {"type": coded, "value": rep.get(1)} if rep.get(1) else None
        # A group without a number is known by its name.
        name = rep.get(1)
        del reading
        return {"type": coded, "value": name, "name": name} if name else None

    return read


def _coded_identifier(rep: Rep, _: Reading) -> Any:
    if not rep.get(1):
        return None
    system = rep.get(3)
    uri = values.system_of(system) or values.local_system(system)
    return {**({"system": made(uri, system)} if system else {}), "value": rep.get(1)}


def _data_absent(rep: Rep, _: Reading) -> Any:
    return {**_ABSENT, "text": rep.get(1)}


def _substituted(rep: Rep, _: Reading) -> Any:
    found = values.concept(rep, "0167")
    code = rep.get(1).upper()
    return {"wasSubstituted": code not in ("", "N", "0"), "type": found} if found is not None else None


def _whole(separator: str, numbers: tuple[int, ...] = ()) -> Reader:
    """Make a reader of all that a repetition says, as one text."""

    def read(rep: Rep, _: Reading) -> Any:
        told = [
            one
            for number, subs in enumerate(rep.parts, 1)
            for one in subs
            if one and (not numbers or number in numbers)
        ]
        return made(separator.join(told), *told) if told else None

    return read


def _device_name(kind: str) -> Reader:
    return lambda rep, _: {"name": rep.get(1), "type": kind} if rep.get(1) else None


def _comment(rep: Rep, reading: Reading) -> Any:
    """Return a comment, whose repetitions are its lines."""
    del rep
    lines = [words(one) if len(one.parts) > 1 else one.get(1) for one in reading.segment.repetitions(3)]
    told = [leaf for one in reading.segment.repetitions(3) for subs in one.parts for leaf in subs if leaf]
    return made("\n".join(line for line in lines if line), *told) if told else None


def _code_text(rep: Rep, _: Reading) -> Any:
    return values.token(rep.get(1)) if rep.get(1) else None


def _id_text(rep: Rep, _: Reading) -> Any:
    found = rep.get(1)
    fine = found and len(found) <= 64 and all(one.isascii() and (one.isalnum() or one in "-.") for one in found)  # noqa: PLR2004 - FHIR's ids
    return found if fine else None


SPECIAL: Final[Mapping[str, Factory]] = {
    **PEOPLE,
    **TIMES,
    "aui": lambda _: _whole(" "),
    "class": _class,
    "className": lambda kind: _class(kind, 2),
    "codeText": plain(_code_text),
    "codedIdentifier": plain(_coded_identifier),
    "comment": plain(_comment),
    "conceptNote": lambda _: lambda rep, __: {"text": _whole(" ")(rep, __)} if words(rep).strip("|&") else None,
    "conceptWords": lambda _: _whole(" "),
    "dataAbsent": plain(_data_absent),
    "deviceName": _device_name,
    "dueTo": plain(_due_to),
    "event": plain(_event),
    "eventWords": plain(lambda rep, _: _event_words(rep)),
    "group": plain(_group),
    "hdDestination": plain(_hd_destination),
    "hdSource": plain(_hd_source),
    "idText": plain(_id_text),
    "jcc": lambda _: _whole(" "),
    "labBehind": plain(lambda *_: None),
    "narrative": plain(_narrative),
    "orderRef": plain(_order_ref),
    "parentDocument": plain(_parent_document),
    "parentOrder": _parent("ServiceRequest", "PLAC FILL"),
    "parentSpecimen": _parent("Specimen", "PGN FGN"),
    "part25": plain(_part_of),
    "patientRef": plain(lambda _, reading: dict(reading.patient)),
    "patientClass": plain(_patient_class),
    "resultStatus": plain(_status),
    "specimenSource": plain(_specimen_source),
    "subId": plain(_sub_id),
    "substituted": plain(_substituted),
    "tqWords": lambda _: _whole(" "),
    "udi": plain(_udi),
    "visitNumber": plain(_visit_number),
    "xcnWords": lambda _: _whole(" "),
}
"""By the name that rows use."""
