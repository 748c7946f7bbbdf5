"""XTN to FHIR ContactPoint: telephone numbers, mail addresses and their parts, after the guide's datatype table."""

from typing import Any

from trialbridge.emr.account import made
from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.state import State

Json = dict[str, Any]


def contact_point(rep: Rep, reading: State, use: str = "") -> Json | None:
    """Return a ContactPoint of an XTN; ``use`` is the one of the field where none is told."""
    get = rep.get
    size = len(rep.parts)
    kind = get(3)
    mail = get(4) if size > 3 else ""  # noqa: PLR2004 - XTN-4
    system = values.code_in("0202", kind) if kind else "email" if mail else "phone"
    if kind and system == "email" and not mail and "@" not in get(1):
        # A number under the code of the internet is still a number.
        system = "other"
    value, parts = _number(rep, mail, system or "other")
    if value is None:
        return None
    found: Json = {"system": made(system or "other", kind) if kind else system}
    extensions = [values.text_extension(f"contactpoint-{name}", text) for name, text in parts if text]
    if extensions:
        found["extension"] = extensions
    found["value"] = value
    told = get(2)
    word = values.code_in("0201", told) if told else use
    if word:
        found["use"] = made(word, told) if told else word
    if size > 12:  # noqa: PLR2004 - XTN-13
        valid = values.period(reading.time(get(13)), reading.time(get(14)))
        if valid:
            found["period"] = valid
        rank = get(18)
        if rank:
            number = reading.integer(rank, 1)
            if number is not None:
                found["rank"] = number
    return found


def _number(rep: Rep, mail: str, system: str) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """Return the value of an XTN, and the parts that its extensions tell."""
    get = rep.get
    if len(rep.parts) < 4:  # noqa: PLR2004 - XTN-4
        return get(1) or None, ()
    country, area, local, extension = get(5), get(6), get(7), get(8)
    parts = (("country", country), ("area", area), ("local", local), ("extension", extension))
    if system == "email" and mail:
        return mail, (*parts, ("note", get(12) or get(1)))
    whole = get(1) or get(12)
    if whole:
        return whole, (*parts, ("mail", mail), ("unformatted", get(12) if get(1) else ""))
    if mail:
        return mail, parts
    told = [f"+{country}" if country else "", area, local, f"X{extension}" if extension else ""]
    number = " ".join(one for one in told if one)
    return (made(number, country, area, local, extension) if number else None), parts
