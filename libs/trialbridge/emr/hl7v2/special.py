"""Readers for fields that follow no datatype alone: what a row of `tables/v2_segments.tsv` needs once or twice."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from trialbridge.emr.account import Made, made
from trialbridge.emr.hl7v2 import quantities, values
from trialbridge.emr.hl7v2.actors import key_of, person
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.reading import Reading, words
from trialbridge.emr.hl7v2.rules import Factory, Reader

Json = dict[str, Any]
_CORE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/"
_ABSENT: Final = {"coding": [{"system": f"{values.TERMS}data-absent-reason", "code": "unknown"}]}
_UNKNOWN: Final = {"extension": [{"url": f"{values.DEFINITIONS}data-absent-reason", "valueCode": "unknown"}]}


def _gender(_: str) -> Reader:
    def read(rep: Rep, __: Reading) -> Any:
        given = rep.get(1)
        return made(values.code_in("0001", given) or "unknown", given) if given else None

    return read


def _race(name: str) -> Reader:
    def read(rep: Rep, _: Reading) -> Any:
        first = values.coding(rep.get(1), rep.get(2), rep.get(3), rep.get(7), "0005")
        more = values.coding(rep.get(4), rep.get(5), rep.get(6), rep.get(8))
        told = rep.get(9) or rep.get(2) or rep.get(5) or rep.get(1)
        if not told:
            return None
        coded = [{"url": "detailed", "valueCoding": one} for one in (first, more) if one is not None]
        return {"url": f"{_CORE}{name}", "extension": [*coded, {"url": "text", "valueString": told}]}

    return read


def _licence(rep: Rep, reading: Reading) -> Any:
    if not rep.get(1):
        return None
    found: Json = {"type": values.typed("DL"), "value": rep.get(1)}
    if rep.get(2):
        found = {
            "type": found["type"],
            "system": made(values.local_system(rep.get(2)), rep.get(2)),
            "value": rep.get(1),
        }
        found["assigner"] = {"display": rep.get(2)}
    end = reading.time(rep.get(3))
    return {**found, "period": {"end": end}} if end is not None else found


def _licence_number(rep: Rep, reading: Reading) -> Any:
    if not rep.get(1):
        return None
    found: Json = (
        {"type": {"coding": [{"system": f"{values.TERMS}v2-0338", "code": values.token(rep.get(2))}]}}
        if rep.get(2)
        else {}
    )
    found["value"] = rep.get(1)
    if rep.get(3):
        found["assigner"] = {"display": rep.get(3)}
    end = reading.time(rep.get(4))
    return {**found, "period": {"end": end}} if end is not None else found


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


def _discharged(rep: Rep, reading: Reading) -> Any:
    found: Json = {}
    kind = values.concept(rep.sub(1), "0113") if rep.get(1) else None
    if kind is not None:
        found["type"] = [kind]
        found["name"] = rep.get(1, 2) or rep.get(1)
    elif rep.get(1):
        found["name"] = rep.get(1)
    return reading.actors.named_place(found, reading) if found else None


def _narrative(rep: Rep, _: Reading) -> Any:
    text = rep.get(1)
    if not text:
        return None
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"status": "additional", "div": made(f'<div xmlns="http://www.w3.org/1999/xhtml">{safe}</div>', text)}


def _addressed(rep: Rep, reading: Reading) -> Any:
    where = values.address(rep, reading)
    return reading.actors.named_place({"address": where}, reading) if where is not None else None


def _named_practitioner(rep: Rep, reading: Reading) -> Any:
    name = values.human_name(rep, reading, "")
    return reading.actors.add("Practitioner", reading, key_of({"name": name}), {"name": [name]}) if name else None


def _observer(rep: Rep, reading: Reading) -> Any:
    return reading.actors.practitioner(rep, reading)


def _laboratory(rep: Rep, reading: Reading) -> Any:
    return reading.actors.organization(rep, reading)


def _director(rep: Rep, reading: Reading) -> Any:
    """Return the laboratory's director in that role, with the laboratory that OBX-23 names."""
    who = reading.actors.practitioner(rep, reading)
    kind = {"coding": [{"system": f"{values.TERMS}v2-0912", "code": "MDIR"}]}
    laboratory = reading.segment.first(23) if reading.segment.field(23) else None
    where = reading.actors.organization(laboratory, reading) if laboratory is not None else None
    if who is None:
        return where
    return reading.actors.role({"practitioner": who, "organization": where, "code": [kind]}, reading)


def _lab_address(rep: Rep, reading: Reading) -> Any:
    """Return the address of the laboratory that OBX-23 names, as a place of its own that belongs to it."""
    where = values.address(rep, reading)
    if where is None:
        return None
    content: Json = {"address": where}
    if reading.segment.field(23):
        owner = reading.actors.organization(reading.segment.first(23), reading)
        if owner is not None:
            content["managingOrganization"] = owner
    place = reading.actors.named_place(content, reading)
    return {"url": f"{values.DEFINITIONS}event-location", "valueReference": place}


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


def _requester(rep: Rep, reading: Reading) -> Any:
    """Return who ordered, in the role for the organization of ORC-21 where it names one."""
    who = reading.actors.practitioner(rep, reading)
    where = reading.actors.organization(reading.segment.first(21), reading) if reading.segment.field(21) else None
    if where is None:
        return who
    return reading.actors.role({"practitioner": who, "organization": where}, reading)


def _ordering(rep: Rep, reading: Reading) -> Any:
    return reading.actors.organization(rep, reading)


def _reporter(rep: Rep, reading: Reading) -> Any:
    """Return who told of an allergy: the patient, somebody of theirs, or a practitioner."""
    relation = reading.segment.get(15).upper()
    if relation == "SEL":
        return None
    name = values.human_name(rep, reading, "")
    if name is None:
        return None
    if not relation:
        return reading.actors.add("Practitioner", reading, key_of({"name": name}), {"name": [name]})
    content: Json = {"patient": reading.patient, "name": [name]}
    kind = values.concept(reading.segment.first(15), "0063")
    if kind is not None:
        content["relationship"] = [kind]
    return reading.actors.add("RelatedPerson", reading, (reading.local, *key_of({"name": name})), content)


def _insured(rep: Rep, reading: Reading) -> Any:
    """Return the subscriber: the patient, or whom IN1-16 names."""
    relation = reading.segment.get(17).upper()
    if relation in ("SEL", "PATIENT", "18"):
        return reading.patient or None
    name = values.human_name(rep, reading, "")
    if name is None:
        return None
    content = {"patient": reading.patient, "name": [name]}
    return reading.actors.add("RelatedPerson", reading, (reading.local, *key_of({"name": name})), content)


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


def _replaced(rep: Rep, reading: Reading) -> Any:
    """Return the link of a Patient to the one who was merged into it, who is known by an identifier only."""
    found = values.identifier(rep, reading)
    return {"other": {"type": "Patient", "identifier": found}, "type": "replaces"} if found is not None else None


def _order_ref(rep: Rep, _: Reading) -> Any:
    found = values.entity(rep)
    return {"type": "ServiceRequest", "identifier": found} if found is not None else None


def _parent_document(rep: Rep, _: Reading) -> Any:
    found = values.entity(rep)
    if found is None:
        return None
    return {"code": "replaces", "target": {"type": "DocumentReference", "identifier": found}}


def _performer_as(code: str) -> Reader:
    kind = {"coding": [{"system": f"{values.TERMS}v3-ParticipationType", "code": code}]}

    def read(rep: Rep, reading: Reading) -> Any:
        found = reading.actors.named_person(rep, reading)
        if found is None:
            return None
        function = {"url": f"{values.DEFINITIONS}event-performerFunction", "valueCodeableConcept": kind}
        return {"extension": [function], **found}

    return read


def _attendee(argument: str) -> Reader:
    system, code = argument.split(" ")
    from trialbridge.emr.hl7v2.readers import long

    kind = {"coding": [{"system": long(system), "code": code}]}

    def read(rep: Rep, reading: Reading) -> Any:
        found = reading.actors.practitioner(rep, reading)
        return {"type": [kind], "actor": found, "status": "needs-action"} if found is not None else None

    return read


def _udi(rep: Rep, _: Reading) -> Any:
    found: Json = {"deviceIdentifier": rep.get(1)} if rep.get(1) else {}
    issuer = values.universal(rep.get(2), rep.get(3), rep.get(4))
    if issuer is not None:
        found["issuer"] = issuer
    return found if "deviceIdentifier" in found else None


def _duration(argument: str) -> Reader:
    """Make a reader of a duration in minutes; ``argument`` is the field of its unit."""
    field = int(argument)

    def read(rep: Rep, reading: Reading) -> Any:
        value = reading.decimal(rep.get(1))
        unit = reading.segment.get(field)
        if value is None or not isinstance(value.value, Decimal):
            return None
        found = quantities.to_minutes(value.value, unit or "min")
        return Made(found, (rep.get(1), unit)) if found else None

    return read


def _minutes_after(argument: str) -> Reader:
    """Make a reader of a Period that lasts some minutes from the time in another field."""
    field = int(argument)

    def read(rep: Rep, reading: Reading) -> Any:
        start = reading.time(reading.segment.get(field))
        value = reading.decimal(rep.get(1))
        if start is None or "T" not in start or value is None or not isinstance(value.value, Decimal):
            return None
        unit = reading.segment.get((reading.field or 0) + 1) if field != 5 else ""  # noqa: PLR2004 - PR1-7 is in minutes
        minutes = quantities.to_minutes(value.value, unit or "min")
        if minutes is None:
            return None
        try:
            end = datetime.fromisoformat(start) + timedelta(minutes=minutes)
        except (OverflowError, ValueError):
            return None
        return {"start": start, "end": made(end.isoformat(), start, rep.get(1), unit)}

    return read


def _dose(rep: Rep, reading: Reading) -> Any:
    """Return the amount given; 999 stands for an unknown one."""
    value = reading.decimal(rep.get(1))
    return {"value": value} if value is not None and value.value != Decimal(999) else None


def _per_day(rep: Rep, reading: Reading) -> Any:
    found = values.composite_quantity(rep, reading)
    if found is None:
        return None
    return {"numerator": found, "denominator": {"value": Decimal(1), "system": values.UCUM, "code": "d"}}


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


def _event_length(rep: Rep, reading: Reading) -> Any:
    from trialbridge.emr.hl7v2.timing import unit_of

    value, unit = reading.decimal(rep.get(1)), unit_of(rep.get(2) or rep.get(2, 2))
    if value is None or unit is None:
        return None
    told = rep.get(2, 2)
    return {"duration": value, "durationUnit": made(unit, rep.get(2), told if unit_of(told) == unit else None)}


def _day_of(url: str) -> Reader:
    """Make a reader of a time that is no instant, as an extension."""
    from trialbridge.emr.hl7v2.readers import long

    def read(rep: Rep, reading: Reading) -> Any:
        found = reading.time(rep.get(1))
        return {"url": long(url), "valueDateTime": found} if found is not None and "T" not in found else None

    return read


def _signed(rep: Rep, reading: Reading) -> Any:
    found = reading.time(rep.get(15))
    return {"url": "urn:trialbridge:fhir:authenticated", "valueDateTime": found} if found is not None else None


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


def _further_device(rep: Rep, reading: Reading) -> Any:
    """Return a device other than the first one, for which FHIR has no second place."""
    if rep is reading.segment.first(18):
        return None
    found = reading.actors.entity_device(rep, reading)
    return {"url": "urn:trialbridge:fhir:device", "valueReference": found} if found is not None else None


def _event(rep: Rep, _: Reading) -> Any:
    code = rep.get(2) or rep.get(1)
    if not code:
        return None
    return {"system": f"{values.TERMS}v2-0003", "code": values.token(code), "display": _event_words(rep)}


def _event_words(rep: Rep) -> Any:
    told = [one for one in (rep.get(1), rep.get(2), rep.get(3)) if one]
    return made("^".join(told), *told) if told else None


def _agent(who: str) -> Factory:
    def factory(code: str) -> Reader:
        kind = {"coding": [{"system": f"{values.TERMS}provenance-participant-type", "code": code}]}

        def read(rep: Rep, reading: Reading) -> Any:
            actors = reading.actors
            found = actors.holder(rep, reading) if who == "hd" else actors.organization(rep, reading)
            return {"type": kind, "who": found} if found is not None else None

        return read

    return factory


def _agent_device(rep: Rep, reading: Reading) -> Any:
    found = reading.actors.coded("Device", rep, reading)
    return {"who": found} if found is not None else None


def _entity_device(rep: Rep, reading: Reading) -> Any:
    found = reading.actors.device(rep, reading)
    return {"role": "source", "what": found} if found is not None else None


def _place_of_giving(rep: Rep, reading: Reading) -> Any:
    """Return the place of an LA2, whose first parts are those of a PL; its address goes with it."""
    parts = rep.parts
    inner = Rep("", reading.segment.marks)
    inner.parts = parts[:8]
    found = reading.actors._levels(inner, reading, ((4, "si"), (7, "bu"), (1, "wa"), (2, "ro"), (3, "bd")))  # noqa: SLF001 - of one room
    lines = [one for number in (9, 10) for one in (rep.get(number),) if one]
    where: Json = {"line": lines} if lines else {}
    names = ((11, "city"), (12, "state"), (13, "postalCode"), (14, "country"))
    where |= {name: rep.get(number) for number, name in names if rep.get(number)}
    if not where:
        return found
    content: Json = {"address": where, **({"partOf": found} if found is not None else {})}
    return reading.actors.named_place(content, reading)


def _dispensary(rep: Rep, reading: Reading) -> Any:
    return reading.actors.coded("Organization", rep, reading)


def _anaesthesia(rep: Rep, reading: Reading) -> Any:
    found = reading.actors.practitioner(rep, reading)
    kind = {"coding": [{"system": "http://snomed.info/sct", "code": "88189002"}]}
    return {"function": kind, "actor": found} if found is not None else None


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


def _transaction_date(rep: Rep, reading: Reading) -> Any:
    start = reading.time(rep.get(1))
    end = reading.time(rep.get(1, 2) or rep.get(2))
    return values.period(start, end) or None


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


def _plain(function: Any) -> Factory:
    return lambda _: function


SPECIAL: Final[Mapping[str, Factory]] = {
    "addressed": _plain(_addressed),
    "agentDevice": _plain(_agent_device),
    "agentHd": _agent("hd"),
    "agentXon": _agent("xon"),
    "anaesthesia": _plain(_anaesthesia),
    "attendee": _attendee,
    "aui": lambda _: _whole(" "),
    "class": _class,
    "className": lambda kind: _class(kind, 2),
    "codeText": _plain(_code_text),
    "codedIdentifier": _plain(_coded_identifier),
    "comment": _plain(_comment),
    "conceptNote": lambda _: lambda rep, __: {"text": _whole(" ")(rep, __)} if words(rep).strip("|&") else None,
    "conceptWords": lambda _: _whole(" "),
    "dataAbsent": _plain(_data_absent),
    "dayOf": _day_of,
    "deviceName": _device_name,
    "director": _plain(_director),
    "discharged": _plain(_discharged),
    "dispensary": _plain(_dispensary),
    "dose": _plain(_dose),
    "dueTo": _plain(_due_to),
    "duration": _duration,
    "entityDevice": lambda how: (
        _entity_device if how else (lambda rep, reading: reading.actors.entity_device(rep, reading))
    ),
    "event": _plain(_event),
    "eventLength": _plain(_event_length),
    "eventWords": _plain(lambda rep, _: _event_words(rep)),
    "furtherDevice": _plain(_further_device),
    "gender": _gender,
    "group": _plain(_group),
    "hdDestination": _plain(_hd_destination),
    "hdSource": _plain(_hd_source),
    "idText": _plain(_id_text),
    "insured": _plain(_insured),
    "jcc": lambda _: _whole(" "),
    "labAddress": _plain(_lab_address),
    "labBehind": _plain(lambda *_: None),
    "laboratory": _plain(_laboratory),
    "licence": _plain(_licence),
    "licenceNumber": _plain(_licence_number),
    "minutesAfter": _minutes_after,
    "namedPractitioner": _plain(_named_practitioner),
    "narrative": _plain(_narrative),
    "observer": _plain(_observer),
    "orderRef": _plain(_order_ref),
    "ordering": _plain(_ordering),
    "parentDocument": _plain(_parent_document),
    "parentOrder": _parent("ServiceRequest", "PLAC FILL"),
    "parentSpecimen": _parent("Specimen", "PGN FGN"),
    "part25": _plain(_part_of),
    "patientRef": _plain(lambda _, reading: dict(reading.patient)),
    "patientClass": _plain(_patient_class),
    "perDay": _plain(_per_day),
    "performerAs": _performer_as,
    "placeOfGiving": _plain(_place_of_giving),
    "race": _race,
    "replaced": _plain(_replaced),
    "reporter": _plain(_reporter),
    "requester": _plain(_requester),
    "resultStatus": _plain(_status),
    "signed": _plain(_signed),
    "specimenSource": _plain(_specimen_source),
    "subId": _plain(_sub_id),
    "substituted": _plain(_substituted),
    "tqWords": lambda _: _whole(" "),
    "transactionDate": _plain(_transaction_date),
    "udi": _plain(_udi),
    "visitNumber": _plain(_visit_number),
    "xcnWords": lambda _: _whole(" "),
}
"""By the name that rows use."""

__all__ = ["SPECIAL", "person"]
