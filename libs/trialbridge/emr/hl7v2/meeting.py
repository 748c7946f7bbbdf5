"""Takes a message apart: what is of its kind, and what is of its patient.

The kind of a message is the sequence of its segments' outlines with their codes, which texts there are (with a blank or an at sign in
them or not), how precise its times are, and which texts and times are the same: two that are the same may become one resource.
Results (OBX) are of a kind each (`templates.py`), and may come in any number.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from trialbridge.emr.hl7v2 import templates
from trialbridge.emr.hl7v2.outlines import Outline, outline_of
from trialbridge.emr.hl7v2.standins import holds_any
from trialbridge.emr.hl7v2.templates import Template
from trialbridge.emr.hl7v2.times import offset_of
from trialbridge.emr.records import Feed

_START: Final = "MSH|^~\\&|"
_EMPTY: Final = 4
"""The shape of an empty text; of others it is 0 to 3, by blanks and at signs."""
MOST: Final = 8_000
"""Signs of a message without its results; of longer ones hardly two are of a kind, and each would be much to remember."""
Result = tuple[list[str], Template]
"""Fields of an OBX, and what an earlier one of its kind became."""
Part = tuple[Outline, Sequence[str]] | None
"""Outline of a segment with what is in it, None for a run of results."""


class Met(NamedTuple):
    """A message, taken apart."""

    key: tuple[Any, ...]
    """Its kind, in its feed."""
    texts: list[str]
    times: list[str]
    """As they are written. (`planning.py` gives them and the texts the numbers that they have here.)"""
    runs: list[list[Result]]
    """Results that stand together."""
    parts: list[Part]
    """All of it, in order."""
    zone: str
    received: str
    """When the message came, which stands for the time that it does not tell."""


def meet(text: str, feed: Feed) -> Met | None:
    """Return a message taken apart, None where it is one that must be read in full."""
    lines = text.split("\r")
    if not lines[0].startswith(_START) or holds_any(text):
        return None
    taking = _Taking(_zone(lines[0], feed))
    fits = True
    size = 0
    for line in lines:
        if line[:4] == "OBX|":
            fits = fits and taking.result(line)
            continue
        size += len(line)
        if size > MOST:
            return None
        if fits:
            fits = taking.segment(line)
        else:
            # Its outline counts as met all the same.
            outline_of(line)
    return taking.met(feed) if fits else None


def hows(run: Sequence[Result]) -> tuple[bool, ...]:
    """Return whether there are results without a time of their own, and with one."""
    return tuple(sorted({templates.time_of(fields) != "" for fields, _ in run}))


def _zone(header: str, feed: Feed) -> str:
    fields = header.split("|", 7)
    return (offset_of(fields[6]) if len(fields) > 6 else None) or feed.zone  # noqa: PLR2004 - MSH-7


class _Taking:
    """What was taken apart so far."""

    __slots__ = ("_actors", "_key", "_parts", "_run", "_runs", "_same", "_texts", "_times", "_zone")

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._key: list[Any] = []
        self._texts: list[str] = []
        self._times: list[str] = []
        self._parts: list[Part] = []
        self._runs: list[list[Result]] = []
        self._run: list[Result] | None = None
        self._actors: list[str] = []
        self._same: dict[str, list[str]] = {}
        """Texts and times by the segments that fill the same resources (`outlines.FAMILIES`)."""

    def result(self, line: str) -> bool:
        """Take an OBX; return False for one of a kind that was not met before."""
        fields = line.split("|")
        kind = templates.kind_of(fields, self._zone)
        known = templates.known(kind) if kind is not None else None
        if known is None:
            return False
        if self._run is None:
            self._run = []
            self._runs.append(self._run)
            self._parts.append(None)
        self._run.append((fields, known))
        return True

    def segment(self, line: str) -> bool:
        """Take another segment; return False for one that must be read in full, as a comment on a result."""
        outline = outline_of(line)
        match = outline.match(line) if outline is not None else None
        if outline is None or match is None or (self._run is not None and outline.name == "NTE"):
            return False
        self._end()
        groups = match.groups()
        texts = [groups[at] for at in outline.texts]
        times = [groups[at] for at in outline.times]
        shape = [(" " in one) + 2 * ("@" in one) if one else _EMPTY for one in texts]
        self._key += (outline.key, *[groups[at] for at in outline.codes], *shape, *map(len, times))
        self._texts += texts
        self._times += times
        if outline.actors:
            self._actors += [groups[at] for at in outline.actors if groups[at]]
        own = [groups[at] for at in outline.own if groups[at]]
        family = outline.family or str(len(self._parts))
        known = self._same.get(family)
        if known is None:
            self._same[family] = own
        else:
            known += own
        self._parts.append((outline, groups))
        return True

    def _end(self) -> None:
        if self._run is not None:
            self._key.append(hows(self._run))
            self._run = None

    def met(self, feed: Feed) -> Met:
        """Return the message."""
        self._end()
        alike = [_alike(one) for one in (self._actors, *self._same.values())]
        told = feed.network, feed.tenant, feed.source, feed.zone, feed.alone, feed.zone == self._zone
        key = *told, *self._key, *alike
        return Met(key, self._texts, self._times, self._runs, self._parts, self._zone, feed.received)


def _alike(told: list[str]) -> tuple[int, ...]:
    """Return which of several texts are the same."""
    first: dict[str, int] = {}
    found = tuple([first.setdefault(one, at) for at, one in enumerate(told)])
    return found if len(first) < len(told) else ()
