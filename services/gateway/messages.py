"""What came in, read far enough to be answered: its messages, whether any of them can be taken, and the acknowledgements."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.ids import Digest, digest
from trialbridge.emr.hl7v2.acknowledgement import Outcome, acknowledge
from trialbridge.emr.hl7v2.converter import MEDIA_TYPE, kind_of
from trialbridge.emr.hl7v2.decoding import split
from trialbridge.emr.hl7v2.message import parse

Door = Literal["http", "mllp"]
SUFFIX: Final = ".hl7"
FOR_A_PERSON: Final = frozenset({"v2.unlink"})
"""Faults that a person must look at here; the sender has done nothing wrong and is told nothing."""
MOST_FAULTS: Final = 20
"""ERR segments in one acknowledgement."""
USUAL_FIELDS: Final = 12
"""Of a header, up to its version."""
LONGEST_HEAD: Final = 512
"""Characters of a header whose kind is remembered."""
WORD: Final = "6f1c0d4b9a7e4d35b8f2a90c53e1d7f8"
"""Stands for a control id; a header that has it anywhere else is answered the long way."""
_CONTROL: Final = re.compile(r"[0-9A-Za-z_.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arrival:
    """The bytes of one request or frame: a message, or a batch of them."""

    body: bytes
    digest: Digest
    texts: tuple[str, ...]
    """Its messages."""

    @property
    def name(self) -> str:
        """Return its name in the bundle that keeps it: its digest, so that anybody can tell it."""
        return f"{self.digest}{SUFFIX}"


def read(body: bytes) -> tuple[Arrival, list[Poison]]:
    """Return what came in, with the reasons why nothing of it can be taken; none where anything can."""
    texts = tuple(split(body))
    arrival = Arrival(body, digest(body), texts)
    faults: list[Poison] = []
    for number, text in enumerate(texts, 1):
        head = _head(text)
        shape = _shape(head)
        if shape is not None and _is_read(shape[0]):
            return arrival, []
        try:
            message = parse(head, "1", number)
            kind_of(message, message.header.place("1", number, 9))
        except Poison as error:
            faults.append(error)
        else:
            return arrival, []
    return arrival, faults or [Poison("v2.no-header", "There is no message in it.", Place(message=1))]


def _head(text: str) -> str:
    """Return a message's header: all that is asked of it here."""
    return text.split("\r", 1)[0]


def _shape(head: str) -> tuple[str, str] | None:
    """Return a header without its time and with a word in place of its control id, and that id; None where it is not a usual one.

    Interfaces send headers that differ in these two fields alone, neither of which is read here.
    """
    fields = head.split(head[3:4] or "|")
    if (
        len(fields) < USUAL_FIELDS
        or len(head) > LONGEST_HEAD
        or not head.isascii()
        or not _CONTROL.fullmatch(fields[9])
    ):
        return None
    control = fields[9]
    fields[6], fields[9] = "", WORD
    return head[3].join(fields), control


@lru_cache(maxsize=1024)
def _is_read(shape: str) -> bool:
    """Return whether messages with such a header are read."""
    try:
        message = parse(shape, "1", 1)
        kind_of(message, message.header.place("1", 1, 9))
    except Poison:
        return False
    return True


@lru_cache(maxsize=1024)
def _form(shape: str, outcome: Outcome, stamp: str) -> tuple[bytes, ...]:
    """Return the acknowledgement without faults of messages with such a header, parted where their control id stands."""
    return tuple(acknowledge(shape.encode(), outcome, at=stamp).split(WORD.encode()))


def _acknowledged(text: str, outcome: Outcome, faults: Sequence[Poison], stamp: str) -> bytes:
    head = _head(text)
    shape = None if faults else _shape(head)
    if shape is not None:
        form = _form(shape[0], outcome, stamp)
        if len(form) == 3:  # noqa: PLR2004 - around MSH-10 and MSA-2
            return shape[1].encode().join(form)
    return acknowledge(head.encode(), outcome, faults[:MOST_FAULTS], at=stamp)


Verdict = Mapping[int, Sequence[Poison]]
"""What is wrong with each message of an arrival, by its number from 1; messages without faults are not there."""


def answer(arrival: Arrival, verdict: Verdict, at: datetime, *, refused: bool = False) -> tuple[Outcome, bytes]:
    """Return the worst outcome and the acknowledgement; a batch is answered with a batch of them (HL7 v2.5.1, 2.10.3).

    ``refused`` says that nothing of it was kept: AR instead of AE.
    """
    stamp = at.strftime("%Y%m%d%H%M%S%z")
    found: list[Outcome] = []
    acks: list[bytes] = []
    for number, text in enumerate(arrival.texts or ("",), 1):
        faults = [one for one in verdict.get(number, ()) if one.code not in FOR_A_PERSON]
        outcome: Outcome = ("AR" if refused else "AE") if faults else "AA"
        found.append(outcome)
        acks.append(_acknowledged(text, outcome, faults, stamp))
    worst: Outcome = next((one for one in ("AR", "AE") if one in found), "AA")
    if len(acks) == 1:
        return worst, acks[0]
    head, end = rb"BHS|^~\&|||||" + stamp.encode() + b"\r", b"BTS|%d\r" % len(acks)
    return worst, head + b"".join(acks) + end


def by_message(faults: Sequence[Poison]) -> dict[int, list[Poison]]:
    """Return faults by the number of their message; those of an arrival as a whole are the first message's."""
    found: dict[int, list[Poison]] = {}
    for one in faults:
        found.setdefault(one.place.message or 1, []).append(one)
    return found


__all__ = [
    "MEDIA_TYPE", "SUFFIX", "Arrival", "Door", "Outcome", "Verdict", "answer", "by_message", "digest", "read",
]  # fmt: skip
