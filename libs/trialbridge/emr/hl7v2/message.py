"""A lazy, tolerant reader of HL7 v2 (ER7): own delimiters, escapes, repetitions; a field is split when it is asked for."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from trialbridge.contracts.errors import Place, Undecodable
from trialbridge.emr.account import Leaf, drop
from trialbridge.emr.hl7v2.decoding import split
from trialbridge.emr.hl7v2.standins import holds_any

__all__ = ["Delimiters", "Message", "Rep", "Segment", "parse", "path_of", "split", "unescape"]

USUAL: Final = "^~\\&"
NULL: Final = '""'
"""A field of two quotes is empty on purpose: what was there is deleted."""
_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{2}")
_SHORTEST: Final = 8
"""MSH|^~\\&"""
_BREAKS: Final = re.compile(r"\.(?:br|sp\s*\+?\d{0,2}|in.*|ti.*|sk.*|ce|fi|nf)")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Delimiters(NamedTuple):
    """The message's own delimiters (MSH-1 and MSH-2)."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


Told = tuple[Any, str]
"""A layout (`ready.py`), and the path of what was made after it."""


class Rep:
    """One repetition of a field: components of subcomponents, split at the first question."""

    __slots__ = ("_marks", "is_loose", "is_split", "parts", "raw", "told")
    parts: list[list[str]]
    """Components of subcomponents: leaves, and empty strings where nothing is."""

    def __init__(self, raw: str, marks: Delimiters) -> None:
        """Keep the text."""
        self.raw = raw
        self._marks = marks
        self.is_split = False
        """Whether there are leaves of it."""
        self.is_loose = False
        """Whether each of them tells what became of it; else all that is known is in ``told``."""
        self.told: list[Told] | None = None

    def __getattr__(self, name: str) -> list[list[str]]:
        """Split the text when its parts are asked for the first time: from then on they are an attribute like any other."""
        if name != "parts":
            raise AttributeError(name)
        self.is_split = True
        marks = self._marks
        between, below, raw = marks.component, marks.subcomponent, self.raw
        if marks.escape not in raw and below not in raw and NULL not in raw:
            self.parts = found = [[Leaf(text) if (text := part.strip()) else ""] for part in raw.split(between)]
            return found
        self.parts = found = [
            [_leaf(one, marks) for one in part.split(below)] if below in part else [_leaf(part, marks)]
            for part in raw.split(between)
        ]
        return found

    def get(self, component: int, sub: int = 1) -> str:
        """Return a leaf, both numbers from 1, escapes resolved; an empty string where it is absent or deleted."""
        try:
            found = self.parts[component - 1][sub - 1]
        except IndexError:
            return ""
        return "" if found == NULL else found

    def leaves(self, field: int) -> Iterator[tuple[int, int, int, int, Leaf]]:
        """Yield every populated leaf with field, component, subcomponent and how many subcomponents its component has."""
        for component, subs in enumerate(self.parts, 1):
            for sub, one in enumerate(subs, 1):
                if type(one) is Leaf:
                    yield field, component, sub, len(subs), one

    def sub(self, component: int) -> "Rep":
        """Return a component as a value of its own: its subcomponents are the components."""
        found = Rep("", self._marks)
        parts = self.parts
        subs = parts[component - 1] if component <= len(parts) else []
        found.raw = "^".join(subs)
        found.parts = [[one] for one in subs]
        found.is_split = found.is_loose = True
        return found


def _leaf(text: str, marks: Delimiters) -> str:
    if marks.escape in text:
        text = unescape(text, marks)
    text = text.strip()
    if not text:
        return ""
    found = Leaf(text)
    if text == NULL:
        drop(found, "v2.deleted")
    return found


@cache
def path_of(name: str, field: int, component: int, sub: int, subs: int) -> str:
    """Return the path of a leaf: ``PID-5.1``, with the subcomponent where there are several."""
    return f"{name}-{field}.{component}.{sub}" if subs > 1 else f"{name}-{field}.{component}"


class Segment:
    """One segment with its number among those of its name, from 1."""

    __slots__ = ("_reps", "fields", "marks", "name", "number")

    def __init__(self, name: str, number: int, fields: list[str], marks: Delimiters) -> None:
        """Keep the fields as they are written."""
        self.name = name
        self.number = number
        self.fields = fields
        self.marks = marks
        self._reps: dict[int, list[Rep]] = {}

    def field(self, number: int) -> str:
        """Return field ``number`` as it is written, empty where it is absent or deleted."""
        found = self.fields[number] if number < len(self.fields) else ""
        return "" if found == NULL else found

    def repetitions(self, number: int) -> list[Rep]:
        """Return the repetitions of a field that hold something."""
        found = self._reps.get(number)
        if found is not None:
            return found
        marks = self.marks
        raw = self.fields[number] if number < len(self.fields) else ""
        if not raw:
            return []
        texts = raw.split(marks.repetition) if marks.repetition in raw else (raw,)
        found = self._reps[number] = [Rep(one, marks) for one in texts if one]
        return found

    def first(self, number: int) -> Rep:
        """Return the first repetition of a field that holds something, an empty one where there is none."""
        found = self._reps.get(number) or self.repetitions(number)
        return found[0] if found else Rep("", self.marks)

    def get(self, number: int, component: int = 1, sub: int = 1) -> str:
        """Return a leaf of the first repetition of a field."""
        fields = self.fields
        if number >= len(fields) or not fields[number] or fields[number] == NULL:
            return ""
        found = self._reps.get(number) or self.repetitions(number)
        return found[0].get(component, sub) if found else ""

    def populated(self) -> Iterator[tuple[int, Rep]]:
        """Yield every repetition that holds something, with its field."""
        for number in range(3 if self.name == "MSH" else 1, len(self.fields)):
            if self.fields[number]:
                for rep in self.repetitions(number):
                    yield number, rep

    def text(self) -> str:
        """Return the segment as it is written."""
        parts = [self.fields[0], *self.fields[2:]] if self.name == "MSH" else self.fields
        return self.marks.field.join(parts)

    def plain(self) -> str:
        """Return the segment with the usual delimiters, whatever its own are."""
        found = [self.name]
        for number in range(1, len(self.fields)):
            reps = self.repetitions(number) if self.fields[number] else ()
            found.append(
                "~".join("^".join("&".join(_escaped(one) for one in subs) for subs in rep.parts) for rep in reps)
            )
        return "|".join(found).rstrip("|")

    def place(self, entry: str, message: int, field: int | None = None) -> Place:
        """Return where this segment or one of its fields is."""
        where = f"{self.name}[{self.number}]"
        return Place(entry=entry, message=message, segment=where, field=str(field) if field else None)


def _escaped(text: str) -> str:
    for sign, code in (("\\", "E"), ("|", "F"), ("^", "S"), ("&", "T"), ("~", "R")):
        if sign in text:
            text = text.replace(sign, f"\\{code}\\")
    return text


class Message:
    """One message."""

    __slots__ = ("has_stand_ins", "segments")

    def __init__(self, segments: tuple[Segment, ...], *, has_stand_ins: bool = False) -> None:
        """Keep the segments; the first one is MSH."""
        self.segments = segments
        self.has_stand_ins = has_stand_ins
        """Whether there are signs in it that stand for texts elsewhere (`standins`)."""

    @property
    def header(self) -> Segment:
        """Return the MSH segment."""
        return self.segments[0]

    def all(self, name: str) -> Iterator[Segment]:
        """Yield the segments of a name."""
        return (segment for segment in self.segments if segment.name == name)

    def get(self, name: str) -> Segment | None:
        """Return the first segment of a name."""
        return next(self.all(name), None)


def unescape(text: str, marks: Delimiters) -> str:
    """Return the text with the escapes of 2.7 resolved: delimiters, hexadecimal, line breaks; highlighting and others go."""
    escape = marks.escape
    if escape not in text:
        return text
    found = _escapes(escape).sub(_resolver(marks), text)
    return _CONTROL.sub("", found)


@cache
def _escapes(escape: str) -> re.Pattern[str]:
    sign = re.escape(escape)
    return re.compile(f"(?:{sign}X[0-9A-Fa-f]{{2,400}}{sign})+|{sign}([^{sign}]{{1,80}}){sign}")


@cache
def _resolver(marks: Delimiters) -> Callable[[re.Match[str]], str]:
    table = {
        "F": marks.field,
        "S": marks.component,
        "T": marks.subcomponent,
        "R": marks.repetition,
        "E": marks.escape,
        "P": "#",
    }

    def resolved(match: re.Match[str]) -> str:
        code = match[1]
        if code is None:
            return _hexadecimal(match[0].replace(marks.escape, "").replace("X", ""))
        if code in table:
            return table[code]
        return "\n" if _BREAKS.match(code) else ""

    return resolved


def _hexadecimal(digits: str) -> str:
    """Return what hexadecimal digits say in UTF-8, else in ISO 8859-1; runs of them may make one character."""
    raw = bytes.fromhex(digits[: len(digits) // 2 * 2])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("iso-8859-1")


def parse(text: str, entry: str, number: int) -> Message:
    """Return a message; raise `Undecodable` ``v2.no-header`` or ``v2.bad-segment`` with its place."""
    lines = text.split("\r")
    head = lines[0]
    if not head.startswith("MSH") or len(head) < _SHORTEST or head[3].isalnum():
        raise Undecodable(
            "v2.no-header", "The message does not begin with an MSH segment.", Place(entry=entry, message=number)
        )
    field = head[3]
    signs = head[4:].split(field, 1)[0]
    marks = Delimiters(field, *(signs + USUAL[len(signs) :])[:4])
    counts: dict[str, int] = {}
    segments: list[Segment] = []
    for line in lines:
        name = line[:3]
        if (name not in counts and _NAME.fullmatch(name) is None) or line[3:4] not in ("", field):
            place = Place(entry=entry, message=number, segment=f"line {len(segments) + 1}")
            raise Undecodable("v2.bad-segment", "A line does not begin with a segment name.", place)
        counts[name] = counts.get(name, 0) + 1
        fields = line.split(field)
        if name == "MSH":
            # MSH-1 is the delimiter itself.
            fields.insert(1, field)
        segments.append(Segment(name, counts[name], fields, marks))
    return Message(tuple(segments), has_stand_ins=holds_any(text))
