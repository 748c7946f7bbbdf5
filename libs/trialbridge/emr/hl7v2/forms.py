"""Which components of a field hold codes and which hold what is of one patient, by the reader of a rule.

A reader is listed only where what it makes depends on nothing but the repetition that it is given: ``layouts.py`` remembers the
layout of its values. A form has one letter for each component: ``c`` a code, ``h`` text that goes over as it is, ``t`` a time,
``-`` one that makes the repetition no case for the memory.
"""

from collections.abc import Callable, Mapping
from typing import Final

Former = Callable[[str], str | None]
CODED_TYPES: Final = frozenset({"CE", "CWE", "CNE", "CF"})
"""Datatypes of OBX-5 that hold a code."""
TEXT: Final = r"[\w.,'()/#:+*%=@-]+(?: [\w.,'()/#:+*%=@-]+)*"
"""Text that any reader takes over as it is."""
TIME: Final = r"(?:1[5-9]|2[0-9])[0-9]{2}(?:[0-9]{2}){0,5}(?:[+-][0-9]{4})?"
"""Times far from the ends of the calendar."""
CODED: Final = ""
"""The form of a repetition of codes alone, remembered as it is written."""


_OWN_WORDS: Final = 8
"""Signs in front of CWE-9, the words that the sender's user saw or wrote."""


def is_code(raw: str) -> bool:
    """Return whether a value of a coded datatype begins with a code, and says nothing in words of its own."""
    return raw[:1] not in ("", "^") and raw.count("^") < _OWN_WORDS


def _at(letter: str) -> Former:
    return lambda argument: "-" * (int(argument or 1) - 1) + letter


def _is(form: str) -> Former:
    return lambda _: form


def _inner(words: int) -> Former:
    """Return the form of the reader that an argument names behind some words."""

    def former(argument: str) -> str | None:
        told = argument.split(" ", words + 1)
        return form_of(told[words], told[words + 1] if len(told) > words + 1 else "")

    return former


_FORMS: Final[Mapping[str, Former]] = {
    "address": _is("hhhhhhc-h"),
    "assigned": _is("h"),
    "class": _is("h"),
    "className": _is("h"),
    "code": _is(CODED),
    "codedIdentifier": _is(CODED),
    "codeText": _is(CODED),
    "coding": _is(CODED),
    "concept": _is(CODED),
    "contact": _is("hcchchhh"),
    "date": _at("t"),
    "dateTime": _at("t"),
    "entity": _is("hccc"),
    "event": _is(CODED),
    "eventWords": _is(CODED),
    "extension": _inner(2),
    "gender": _is(CODED),
    "hdDestination": _is(CODED),
    "hdSource": _is(CODED),
    "identifier": _is("h--ccctt"),
    "instant": _is("t"),
    "language": _is(CODED),
    "mapped": _is(CODED),
    "name": _is("hhhhhhcc"),
    "nickname": _is("hhhhhhcc"),
    "note": _is("h"),
    "patientClass": _is(CODED),
    "race": _is(CODED),
    "resultStatus": _is(CODED),
    "text": _at("h"),
    "visitNumber": _is("h--ccctt"),
    "wrapped": _inner(1),
}
"""By the name that rows use."""


PERSON: Final = "hhhhhhc-cc--c"
"""The form of an XCN."""


def form_of(reader: str, argument: str) -> str | None:
    """Return the form of what a reader takes, None where its values are not remembered."""
    former = _FORMS.get(reader)
    return former(argument) if former is not None else None
