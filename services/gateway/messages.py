"""What came in, read far enough to be answered: its messages, whether any of them can be taken, and the acknowledgements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
        try:
            message = parse(_head(text), "1", number)
            kind_of(message, message.header.place("1", number, 9))
        except Poison as error:
            faults.append(error)
        else:
            return arrival, []
    return arrival, faults or [Poison("v2.no-header", "There is no message in it.", Place(message=1))]


def _head(text: str) -> str:
    """Return a message's header: all that is asked of it here."""
    return text.split("\r", 1)[0]


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
        acks.append(acknowledge(_head(text).encode(), outcome, faults[:MOST_FAULTS], at=stamp))
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
