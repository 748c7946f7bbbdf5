"""ACK messages (HL7 v2.5.1, 2.9.2): what a receiver answers to a message, built from what the reader says of it. No clock, no state."""

from collections.abc import Sequence
from typing import Final, Literal

from trialbridge.contracts.errors import Poison, Undecodable
from trialbridge.emr.hl7v2.decoding import split
from trialbridge.emr.hl7v2.message import USUAL, Delimiters, Segment, parse

Outcome = Literal["AA", "AE", "AR"]
"""Accepted; an error in it; refused."""
_MARKS: Final = Delimiters("|", *USUAL[:4])
_CODES: Final = {
    "v2.unsupported-message": ("200", "Unsupported message type"),
    "v2.no-identifier": ("204", "Unknown key identifier"),
    "v2.no-patient": ("100", "Segment sequence error"),
    "v2.bad-segment": ("100", "Segment sequence error"),
    "v2.no-header": ("100", "Segment sequence error"),
    "v2.no-code": ("101", "Required field missing"),
    "v2.bad-date": ("102", "Data type error"),
    "v2.bad-time": ("102", "Data type error"),
    "v2.bad-number": ("102", "Data type error"),
}
"""HL7 table 0357 by the reader's codes."""
_INTERNAL: Final = ("207", "Application internal error")
_LONGEST: Final = 250
"""Characters of ERR-8."""


def acknowledge(body: bytes, outcome: Outcome, faults: Sequence[Poison] = (), *, at: str, control: str = "") -> bytes:
    """Return the ACK of the first message in ``body``, in UTF-8, with the sender's delimiters; MLLP bytes are the caller's.

    ``at`` is MSH-7 of the answer, as HL7 writes it (``20260601090000+0000``); ``control`` its MSH-10, the sender's own by default.
    Each fault is an ERR segment with its place (segment, number, field); none quotes a value. A body without a header is answered
    with what HL7 asks for and nothing else.
    """
    header = _header(body)
    marks = header.marks if header is not None else _MARKS
    lines = [_msh(header, marks, at, control), _join(marks, "MSA", outcome, _raw(header, 10))]
    lines += [_err(fault, marks) for fault in faults]
    return ("\r".join(lines) + "\r").encode()


def _header(body: bytes) -> Segment | None:
    text = next(split(body), "")
    try:
        return parse(text.split("\r", 1)[0], "", 1).header
    except Undecodable:
        return None


def _raw(header: Segment | None, field: int) -> str:
    """Return a field of the header as it is written."""
    return header.fields[field] if header is not None and field < len(header.fields) else ""


def _msh(header: Segment | None, marks: Delimiters, at: str, control: str) -> str:
    event = header.get(9, 2) if header is not None else ""
    kind = marks.component.join(one for one in ("ACK", _safe(event, marks), "ACK") if one) if event else "ACK"
    signs = marks.component + marks.repetition + marks.escape + marks.subcomponent
    sender = (_raw(header, 5), _raw(header, 6), _raw(header, 3), _raw(header, 4))
    rest = (at, "", kind, control or _raw(header, 10), _raw(header, 11) or "P", _raw(header, 12) or "2.5.1")
    return marks.field.join(("MSH", signs, *sender, *rest)) + marks.field * 6 + "UNICODE UTF-8"


def _err(fault: Poison, marks: Delimiters) -> str:
    place = fault.place
    name, _, number = (place.segment or "").rstrip("]").partition("[")
    where = [name, number or "1", place.field or ""] if name.isalnum() else []
    code, words = _CODES.get(fault.code, _INTERNAL)
    coded = marks.component.join((code, words, "HL70357"))
    own = marks.component.join((_safe(fault.code, marks), "", "L"))
    place_text = marks.component.join(where).rstrip(marks.component)
    return _join(marks, "ERR", "", place_text, coded, "E", own, "", "", _safe(fault.message, marks)[:_LONGEST])


def _safe(text: str, marks: Delimiters) -> str:
    """Return a text with the delimiters escaped."""
    names = {marks.escape: "E", marks.field: "F", marks.component: "S", marks.subcomponent: "T", marks.repetition: "R"}
    return "".join(
        f"{marks.escape}{names[one]}{marks.escape}" if one in names else one for one in text if one.isprintable()
    )


def _join(marks: Delimiters, *fields: str) -> str:
    return marks.field.join(fields).rstrip(marks.field)
