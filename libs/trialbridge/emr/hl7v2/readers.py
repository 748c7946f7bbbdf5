"""The readers that rows of `tables/v2_segments.tsv` name: each makes a function of its argument, once."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from trialbridge.emr.account import Made, made
from trialbridge.emr.hl7v2 import quantities, timing, values
from trialbridge.emr.hl7v2.contact_points import contact_point
from trialbridge.emr.hl7v2.factories import Factory, Reader, long, plain
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.special import SPECIAL
from trialbridge.emr.hl7v2.state import words


def _text(argument: str) -> Reader:
    number = int(argument or 1)
    return lambda rep, _: rep.get(number) or None


def _code(argument: str) -> Reader:
    """Make a reader of a code by a table of `v2_codes.tsv`; ``table component``."""
    table, _, component = argument.partition(" ")
    number = int(component or 1)

    def read(rep: Rep, reading: Reading) -> Any:
        given = rep.get(number) or (rep.get(4) if number == 1 else "")
        if not given:
            return None
        found = values.code_in(table, given)
        if found is None:
            reading.warnings.note("v2.code-not-in-table")
            return None
        return made(found, given)

    return read


def _boolean(table: str) -> Reader:
    def read(rep: Rep, _: Reading) -> Any:
        found = values.code_in(table or "0136", rep.get(1)) if rep.get(1) else None
        return Made(found == "true", (rep.get(1),)) if found in ("true", "false") else None

    return read


def _concept(table: str) -> Reader:
    return lambda rep, _: values.concept(rep, table)


def _mapped(argument: str) -> Reader:
    """Make a reader of a concept whose code is translated: ``table system``; the code as sent stands behind it."""
    table, _, system = argument.partition(" ")
    uri = long(system)

    def read(rep: Rep, _: Reading) -> Any:
        found = values.concept(rep, table.partition("-")[0])
        code = values.code_in(table, rep.get(1)) if rep.get(1) else None
        if found is None or code is None:
            return found
        first = {"system": uri, "code": made(code, rep.get(1))}
        return {**found, "coding": [first, *found.get("coding", [])]}

    return read


def _coding(table: str) -> Reader:
    def read(rep: Rep, _: Reading) -> Any:
        return values.coding(rep.get(1), rep.get(2), rep.get(3), rep.get(7), table)

    return read


def _words(_: str) -> Reader:
    """Make a reader of a concept that is only text."""
    return lambda rep, _: {"text": rep.get(2) or rep.get(1)} if rep.get(1) or rep.get(2) else None


def _status(argument: str) -> Reader:
    """Make a reader of a status concept: ``system code`` is fixed, ``system table`` translates."""
    system, _, word = argument.partition(" ")
    uri = f"{values.TERMS}{system}"
    if not word.isdigit():
        return lambda _, __: {"coding": [{"system": uri, "code": word}]}

    def read(rep: Rep, _: Reading) -> Any:
        code = values.code_in(word, rep.get(1)) if rep.get(1) else None
        return {"coding": [{"system": uri, "code": made(code, rep.get(1))}]} if code else None

    return read


def _constant(text: str) -> Reader:
    return lambda _, __: text


def _coded(argument: str) -> Reader:
    """Make a reader that gives a concept of ``system code`` (and words) whatever the field holds."""
    system, code, *told = argument.split(" ")
    found: dict[str, Any] = {"coding": [{"system": long(system), "code": code}]}
    if told:
        found["text"] = " ".join(told)
    return lambda _, __: {**found}


def _identifier(kind: str) -> Reader:
    return lambda rep, reading: values.identifier(rep, reading, kind)


def _entity(kind: str) -> Reader:
    return lambda rep, _: values.entity(rep, kind)


def _pair(argument: str) -> Reader:
    number, kind = argument.split(" ")
    return lambda rep, _: values.pair(rep, int(number), kind)


def _assigned(argument: str) -> Reader:
    """Make a reader of a number of a fixed type and system: ``type system``."""
    kind, _, system = argument.partition(" ")
    fixed: dict[str, Any] = {"type": {"coding": [{"system": f"{values.TERMS}v2-0203", "code": kind}]}} if kind else {}
    if system:
        fixed["system"] = system
    return lambda rep, _: {**fixed, "value": rep.get(1)} if rep.get(1) else None


def _extension(argument: str) -> Reader:
    """Make a reader of an extension: ``url value[x] reader argument``; ``url/inner`` nests it in a second one."""
    url, element, reader, *rest = argument.split(" ", 3)
    address, _, inner = long(url).partition("#")
    read_value = READERS[reader](rest[0] if rest else "")

    def read(rep: Rep, reading: Reading) -> Any:
        value = read_value(rep, reading)
        if value is None:
            return None
        if inner:
            return {"url": address, "extension": [{"url": inner, element: value}]}
        return {"url": address, element: value}

    return read


def _participant(argument: str) -> Reader:
    """Make a reader of somebody in a role: ``element system code words``; the type is of the argument."""
    element, system, code, *told = argument.split(" ")
    kind: dict[str, Any] = {"coding": [{"system": long(system), "code": code}]}
    if told:
        kind["text"] = " ".join(told)
    who, _, how = element.partition("/")

    def read(rep: Rep, reading: Reading) -> Any:
        found = reading.actors.practitioner(rep, reading)
        return {how or "type": [kind] if not how or how == "type" else kind, who: found} if found is not None else None

    return read


def _agent(code: str) -> Reader:
    kind = {"coding": [{"system": f"{values.TERMS}provenance-participant-type", "code": code}]}

    def read(rep: Rep, reading: Reading) -> Any:
        found = reading.actors.practitioner(rep, reading)
        return {"type": kind, "who": found} if found is not None else None

    return read


def _placed(argument: str) -> Reader:
    """Make a reader of an Encounter's place: ``status``, ``status temporary``."""
    status, _, classified = argument.partition(" ")

    def read(rep: Rep, reading: Reading) -> Any:
        found = reading.actors.location(rep, reading)
        if found is None:
            return None
        value: dict[str, Any] = {"location": found, **({"status": status} if status else {})}
        if classified:
            coded = {"coding": [{"system": "http://hl7.org/fhir/ValueSet/subject-location", "code": classified}]}
            value["extension"] = [
                {"url": f"{values.DEFINITIONS}subject-locationClassification", "valueCodeableConcept": coded}
            ]
        return value

    return read


def _note(rep: Rep, _: Reading) -> Any:
    return {"text": rep.get(1)} if rep.get(1) else None


def _part(argument: str) -> Reader:
    """Make a reader of another reader's value on one component: ``component reader argument``."""
    number, reader, *rest = argument.split(" ", 2)
    read_value = READERS[reader](rest[0] if rest else "")
    return lambda rep, reading: read_value(rep.sub(int(number)), reading) if rep.get(int(number)) else None


def _attachment(rep: Rep, _: Reading) -> Any:
    return quantities.encapsulated(rep)


def _data(rep: Rep, _: Reading) -> Any:
    text = words(rep)
    return made(b64encode(text.encode()).decode(), *(one for subs in rep.parts for one in subs)) if text else None


def _wrapped(argument: str) -> Reader:
    """Make a reader that puts another reader's value into an object: ``element reader argument``."""
    element, reader, *rest = argument.split(" ", 2)
    read_value = READERS[reader](rest[0] if rest else "")

    def read(rep: Rep, reading: Reading) -> Any:
        value = read_value(rep, reading)
        return {element: value} if value is not None else None

    return read


READERS: Final[Mapping[str, Factory]] = {
    **SPECIAL,
    "address": plain(values.address),
    "agent": _agent,
    "amount": plain(values.amount),
    "assigned": _assigned,
    "attachment": plain(_attachment),
    "boolean": _boolean,
    "code": _code,
    "coded": _coded,
    "coding": _coding,
    "concept": _concept,
    "constant": _constant,
    "contact": lambda use: lambda rep, reading: contact_point(rep, reading, use),
    "cq": plain(values.composite_quantity),
    "data": plain(_data),
    "date": lambda part: lambda rep, reading: reading.date(rep.get(int(part or 1))),
    "dateTime": lambda part: lambda rep, reading: reading.time(rep.get(int(part or 1))),
    "decimal": lambda part: lambda rep, reading: reading.decimal(rep.get(int(part or 1))),
    "device": plain(lambda rep, reading: reading.actors.device(rep, reading)),
    "days": plain(quantities.days),
    "entity": _entity,
    "extension": _extension,
    "hd": plain(lambda rep, reading: reading.actors.holder(rep, reading)),
    "identifier": _identifier,
    "instant": plain(lambda rep, reading: reading.instant(rep.get(1))),
    "integer": lambda least: lambda rep, reading: reading.integer(rep.get(1), int(least or 0)),
    "language": plain(lambda rep, _: {"language": found} if (found := values.concept(rep, "0296")) else None),
    "location": plain(lambda rep, reading: reading.actors.location(rep, reading)),
    "mapped": _mapped,
    "minutes": plain(quantities.minutes),
    "name": lambda use: lambda rep, reading: values.human_name(rep, reading, use or "official"),
    "named": lambda kind: lambda rep, reading: reading.actors.coded(kind, rep, reading),
    "nickname": plain(lambda rep, _: values.nickname(rep)),
    "note": plain(_note),
    "organization": plain(lambda rep, reading: reading.actors.organization(rep, reading)),
    "pair": _pair,
    "part": _part,
    "participant": _participant,
    "performer": plain(lambda rep, reading: reading.actors.named_person(rep, reading)),
    "period": plain(values.span),
    "placed": _placed,
    "practitioner": plain(lambda rep, reading: reading.actors.practitioner(rep, reading)),
    "site": plain(lambda rep, reading: reading.actors.site(rep, reading)),
    "status": _status,
    "text": _text,
    "time": lambda part: lambda rep, reading: reading.clock(rep.get(int(part or 1))),
    "timing": plain(timing.repeat_pattern),
    "timingQuantity": lambda how: lambda rep, reading: timing.timing_quantity(rep, reading, how),
    "unit": plain(quantities.unit),
    "wholeName": plain(lambda rep, _: values.whole_name(rep)),
    "words": _words,
    "wrapped": _wrapped,
}
"""By the name that rows use."""
