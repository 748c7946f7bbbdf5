"""What an XCN says of a person; those of forms that were met before are made after their layouts, which hold no text."""

from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.hl7v2 import forms, values
from trialbridge.emr.hl7v2.layouts import Memory
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.state import State

Json = dict[str, Any]


def person(rep: Rep, reading: State) -> Json:
    """Return identifier, name and qualification of an XCN; empty where it holds neither of the first two."""
    get = rep.get
    size = len(rep.parts)
    name = values.named(rep, 2) if size > 1 else {}
    code = get(1)
    degree = get(7) if size > 6 else ""  # noqa: PLR2004 - XCN-7
    if degree and name.get("suffix"):
        name["suffix"] = [one for one in name["suffix"] if one is not degree]
        if not name["suffix"]:
            del name["suffix"]
    if not code and not name:
        return {}
    found: Json = {"identifier": [_identifier(rep)]} if code else {}
    if size > 9 and name:  # noqa: PLR2004 - XCN-10
        _name_details(name, rep, reading)
    if name:
        found["name"] = [name]
    if degree:
        found["qualification"] = [
            {"code": {"coding": [{"system": f"{values.TERMS}v2-0360", "code": values.token(degree)}]}}
        ]
    return found


def _identifier(rep: Rep) -> Json:
    get = rep.get
    size = len(rep.parts)
    if size < 9:  # noqa: PLR2004 - XCN-9
        return {"value": get(1)}
    found: Json = {}
    checks = values.checked(get(11), get(12)) if size > 10 else []  # noqa: PLR2004 - XCN-11
    if checks:
        found["extension"] = checks
    if size > 12 and get(13):  # noqa: PLR2004 - XCN-13
        found["type"] = values.typed(get(13))
    name, identity, how = get(9), get(9, 2), get(9, 3)
    uri = values.universal(name, identity, how)
    if uri is not None:
        found["system"] = uri
    found["value"] = get(1)
    told = how.upper() in ("ISO", "UUID", "GUID")
    facility = (get(14), get(14, 2), get(14, 3)) if size > 13 else ("", "", "")  # noqa: PLR2004 - XCN-14
    assigner = values.party(name if identity and uri is not None else "", "" if told else identity, how)
    if any(facility):
        more = values.party(*facility) or {}
        assigner = {**more, **(assigner or {})}
    if assigner:
        found["assigner"] = assigner
    return found


def _name_details(name: Json, rep: Rep, reading: State) -> None:
    get = rep.get
    told = get(10)
    use = values.code_in("0200", told) if told else None
    if use:
        name["use"] = made(use, told)
    if len(rep.parts) > 16:  # noqa: PLR2004 - XCN-17
        start = get(19) or get(17) or get(17, 2)
        end = get(20) or get(17, 2)
        valid = values.period(reading.time(start), reading.time(end) if end is not start else None)
        if valid:
            name["period"] = valid
        if get(18):
            name["extension"] = [
                {"url": f"{values.DEFINITIONS}humanname-assembly-order", "valueCode": values.token(get(18))}
            ]
        if get(21):
            name["suffix"] = [*name.get("suffix", []), get(21)]


PERSON: Final = Memory(lambda rep, reading: person(rep, reading) or None, forms.PERSON)
"""Layouts of the people of all messages."""
