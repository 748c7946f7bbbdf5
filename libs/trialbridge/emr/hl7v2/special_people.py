"""Readers for fields that tell of people, organizations and places in one way only: who ordered, who directs, whose licence."""

from collections.abc import Mapping
from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.actors import key_of
from trialbridge.emr.hl7v2.factories import Factory, Reader, long, plain
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.reading import Reading

Json = dict[str, Any]
_CORE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/"


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


def _replaced(rep: Rep, reading: Reading) -> Any:
    """Return the link of a Patient to the one who was merged into it, who is known by an identifier only."""
    found = values.identifier(rep, reading)
    return {"other": {"type": "Patient", "identifier": found}, "type": "replaces"} if found is not None else None


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
    kind = {"coding": [{"system": long(system), "code": code}]}

    def read(rep: Rep, reading: Reading) -> Any:
        found = reading.actors.practitioner(rep, reading)
        return {"type": [kind], "actor": found, "status": "needs-action"} if found is not None else None

    return read


def _further_device(rep: Rep, reading: Reading) -> Any:
    """Return a device other than the first one, for which FHIR has no second place."""
    if rep is reading.segment.first(18):
        return None
    found = reading.actors.entity_device(rep, reading)
    return {"url": "urn:trialbridge:fhir:device", "valueReference": found} if found is not None else None


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


def _discharged(rep: Rep, reading: Reading) -> Any:
    found: Json = {}
    kind = values.concept(rep.sub(1), "0113") if rep.get(1) else None
    if kind is not None:
        found["type"] = [kind]
        found["name"] = rep.get(1, 2) or rep.get(1)
    elif rep.get(1):
        found["name"] = rep.get(1)
    return reading.actors.named_place(found, reading) if found else None


PEOPLE: Final[Mapping[str, Factory]] = {
    "addressed": plain(_addressed),
    "agentDevice": plain(_agent_device),
    "agentHd": _agent("hd"),
    "agentXon": _agent("xon"),
    "anaesthesia": plain(_anaesthesia),
    "attendee": _attendee,
    "director": plain(_director),
    "discharged": plain(_discharged),
    "dispensary": plain(_dispensary),
    "entityDevice": lambda how: (
        _entity_device if how else (lambda rep, reading: reading.actors.entity_device(rep, reading))
    ),
    "furtherDevice": plain(_further_device),
    "gender": _gender,
    "insured": plain(_insured),
    "labAddress": plain(_lab_address),
    "laboratory": plain(_laboratory),
    "licence": plain(_licence),
    "licenceNumber": plain(_licence_number),
    "namedPractitioner": plain(_named_practitioner),
    "observer": plain(_observer),
    "ordering": plain(_ordering),
    "performerAs": _performer_as,
    "placeOfGiving": plain(_place_of_giving),
    "race": _race,
    "replaced": plain(_replaced),
    "reporter": plain(_reporter),
    "requester": plain(_requester),
}
"""By the name that rows use."""
