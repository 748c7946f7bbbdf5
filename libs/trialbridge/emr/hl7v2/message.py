"""A lazy, tolerant reader of HL7 v2 (ER7): own delimiters, any line end, MLLP bytes, batches; fields are split when asked for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trialbridge.contracts.errors import Place, Undecodable

_ENDS: Final = re.compile(r"\r\n|\r|\n")
_MLLP: Final = str.maketrans("", "", "\x0b\x1c")
_CHARSETS: Final = {
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "8859/1": "iso-8859-1",
    "8859/15": "iso-8859-15",
    "ASCII": "utf-8",
    "": "utf-8",
}
_WRAPPERS: Final = frozenset({"FHS", "BHS", "BTS", "FTS"})
_ESCAPE: Final = re.compile(r"\\([^\\]{1,80})\\")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The message's own delimiters (MSH-1 and MSH-2)."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment with its number among those of its name, from 1."""

    name: str
    number: int
    fields: tuple[str, ...]
    marks: Delimiters

    def field(self, number: int) -> str:
        """Return field ``number`` as it is written, empty where it is absent; a field of two quotes is empty on purpose."""
        found = self.fields[number] if number < len(self.fields) else ""
        return "" if found == '""' else found

    def repetitions(self, number: int) -> list["Composite"]:
        """Return the repetitions of a field that hold something."""
        return [Composite(one, self.marks) for one in self.field(number).split(self.marks.repetition) if one]

    def first(self, number: int) -> "Composite":
        """Return the first repetition of a field."""
        return Composite(self.field(number).split(self.marks.repetition)[0], self.marks)

    def place(self, entry: str, message: int, field: int | None = None) -> Place:
        """Return where this segment or one of its fields is."""
        return Place(
            entry=entry, message=message, segment=f"{self.name}[{self.number}]", field=str(field) if field else None
        )


@dataclass(frozen=True, slots=True)
class Composite:
    """One repetition of a field."""

    raw: str
    marks: Delimiters

    def part(self, component: int, sub: int = 1) -> str:
        """Return a component (and subcomponent), both from 1, with escapes resolved; empty where it is absent."""
        parts = self.raw.split(self.marks.component)
        if component > len(parts):
            return ""
        subs = parts[component - 1].split(self.marks.subcomponent)
        return unescape(subs[sub - 1], self.marks) if sub <= len(subs) else ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    segments: tuple[Segment, ...]

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
    """Return the text with the standard escapes resolved (2.7.1): delimiters, hexadecimal, line breaks; others go."""
    if marks.escape not in text:
        return text
    table = {"F": marks.field, "S": marks.component, "T": marks.subcomponent, "R": marks.repetition, "E": marks.escape}

    def resolved(match: re.Match[str]) -> str:
        code = match[1]
        if code in table:
            return table[code]
        if code[:1] == "X" and len(code) % 2:
            try:
                return bytes.fromhex(code[1:]).decode("utf-8", "replace")
            except ValueError:
                return ""
        return "\n" if code in (".br", ".sp") else ""

    pattern = (
        _ESCAPE
        if marks.escape == "\\"
        else re.compile(f"{re.escape(marks.escape)}(.{{1,80}}?){re.escape(marks.escape)}")
    )
    return pattern.sub(resolved, text)


def split(body: bytes) -> Iterator[str]:
    """Yield the text of each message; batch wrappers and MLLP bytes are left out. What comes before the first MSH is yielded too."""
    lines: list[str] = []
    for line in _ENDS.split(_text(body)):
        plain = line.translate(_MLLP).strip("\ufeff")
        if plain[:3] in _WRAPPERS or not plain.strip():
            continue
        if plain.startswith("MSH") and lines:
            yield "\r".join(lines)
            lines = []
        lines.append(plain)
    if lines:
        yield "\r".join(lines)


def _text(body: bytes) -> str:
    """Return the text in the charset that the first MSH-18 names; UTF-8 where it is valid, else ISO 8859-1."""
    head = body[: body.find(b"\r", body.find(b"MSH") if b"MSH" in body else 0) + 1 or 2_000].decode("ascii", "replace")
    fields = head[head.find("MSH") :].split(head[head.find("MSH") + 3 : head.find("MSH") + 4] or "|")
    named = fields[17].split("~")[0].strip().upper() if len(fields) > 17 else ""  # noqa: PLR2004 - MSH-18
    try:
        return body.decode(_CHARSETS.get(named, "utf-8"))
    except UnicodeDecodeError:
        return body.decode("iso-8859-1")


def parse(text: str, entry: str, number: int) -> Message:
    """Return a message; raise `Undecodable` ``v2.no-header`` or ``v2.bad-segment`` with its place."""
    lines = text.split("\r")
    head = lines[0]
    if not head.startswith("MSH") or len(head) < 8 or head[3].isalnum():  # noqa: PLR2004 - MSH|^~\&
        raise Undecodable(
            "v2.no-header", "The message does not begin with an MSH segment.", Place(entry=entry, message=number)
        )
    field = head[3]
    signs = head[4:].split(field, 1)[0]
    marks = Delimiters(field, *(signs + "^~\\&"[len(signs) :])[:4])
    counts: dict[str, int] = {}
    segments: list[Segment] = []
    for line in lines:
        name = line[:3]
        if not re.fullmatch(r"[A-Z][A-Z0-9]{2}", name) or (len(line) > 3 and line[3] != field):  # noqa: PLR2004 - segment name
            place = Place(entry=entry, message=number, segment=f"line {len(segments) + 1}")
            raise Undecodable("v2.bad-segment", "A line does not begin with a segment name.", place)
        counts[name] = counts.get(name, 0) + 1
        parts = line.split(field)
        # MSH-1 is the delimiter itself.
        fields = (parts[0], field, *parts[1:]) if name == "MSH" else tuple(parts)
        segments.append(Segment(name, counts[name], fields, marks))
    return Message(tuple(segments))
