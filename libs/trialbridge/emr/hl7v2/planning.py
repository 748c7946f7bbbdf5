"""Makes a plan of messages of one kind: one is read in full with marks in the place of its texts and times.

What it becomes has the same marks in it, and is written as the source of a function. That holds only marks, and what is the same in all
messages of the kind: names of elements, codes, and ids of what is known by these alone. ``README.md`` has an example from the message
to the function; ADR 18 says why it is safe to run it.

`_Marks` writes the message with marks, `_Recorder` reads it and notes what each id is made of, `_Writing` writes the function. Its
arguments: ``h`` texts, ``t`` times as FHIR writes them, ``w`` times as they were written, ``received`` when the message came, ``R``
what makes the results (OBX) of a run; what else it may call is in `_compiled`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from trialbridge.contracts.errors import Poison
from trialbridge.contracts.events import Identifier
from trialbridge.emr.account import Row
from trialbridge.emr.fhir.checks import passes
from trialbridge.emr.hl7v2.meeting import Met, hows
from trialbridge.emr.hl7v2.message import Message, parse
from trialbridge.emr.hl7v2.outlines import Outline
from trialbridge.emr.hl7v2.plans import Make, Plan, UnplannedError
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.standins import CLOSE, OPEN, holds_any, stand_in
from trialbridge.emr.hl7v2.state import NOWHERE
from trialbridge.emr.hl7v2.times import timestamp
from trialbridge.emr.hl7v2.values import STANDING, code_in
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Feed, Found, Piece, Resource, Shared, Warnings

_MARK: Final = re.compile(
    f"{OPEN}(\\d+)(?:aB[@ ]*|=([^{CLOSE}]+)){CLOSE}|([0-9a-f]{{8}}-[0-9a-f]{{4}}-5[0-9a-f]{{3}}-[0-9a-f]{{4}}-[0-9a-f]{{12}})"
)
"""The mark of a text, or of what a table makes of a code (which table); or an id, which is a hash of texts that may be marked."""
_RECEIVED: Final = "1500-02-03T04:05:06Z"
"""Stands for when the message came."""
_PROBE: Final = "22220203040506"
"""Stands for the time of a result."""
_TIMES: Final = re.compile(r"1[5-9]\d\d-?02|2222-?02")
"""What is left of a time that stands for another one: a reader took it apart, and nobody can tell what it makes of others."""
_MOST_PIECES: Final = 100
"""Of one text: an expression of more of them is too deep to be compiled anywhere."""
_FIRST_YEAR, _LAST_YEAR = 1600, 1899
"""Each time of a message is marked by a year of its own."""


class Taken(NamedTuple):
    """A message that was read in full: what was found, and the reading that found it."""

    found: Sequence[Found]
    reading: Reading


Take = Callable[[Message, Feed, Warnings, type[Reading]], Taken]


class _UnfitError(Exception):
    """No plan can be made."""


class _Recorder(Reading):
    """Reads all in full, and remembers what each id is made of."""

    def __init__(self, message: Message, entry: str, number: int, feed: Feed, warnings: Warnings) -> None:
        """Begin with nothing."""
        super().__init__(message, entry, number, feed, warnings)
        self.remembers = False
        self.is_checked = False
        self.named: dict[str, tuple[str, ...]] = {}

    def id_of(self, kind: str, *parts: str) -> str:
        """Return the id of a resource."""
        found = super().id_of(kind, *parts)
        self.named[found] = (kind, *parts)
        return found


def plan(met: Met, feed: Feed, take: Take) -> Plan | None:
    """Return the plan of messages of the kind of one, None where there is none."""
    marks = _Marks(met)
    warnings = Warnings()
    # Of this thread alone: others convert meanwhile.
    before = STANDING.set(marks.standing)
    try:
        message = parse("\r".join(marks.lines(met)), "", 1)
        taken = take(message, replace(feed, received=_RECEIVED), warnings, _Recorder)
        if not all(passes(_translated(one, marks.codes)) for one in _resources(taken.found)):
            return None
        return _Writing(marks, taken, feed, met.zone).plan(warnings)
    except (_UnfitError, Poison):
        return None
    finally:
        STANDING.reset(before)


def _resources(found: Sequence[Found]) -> Iterator[Resource]:
    for one in found:
        if isinstance(one, Piece):
            yield from one.resources
        elif isinstance(one, Shared):
            yield one.resource


def _translated(value: Any, codes: Mapping[int, str]) -> Any:
    """Return a value with real translations in it, as its checks want them."""
    if isinstance(value, dict):
        return {key: _translated(inner, codes) for key, inner in value.items()}
    if isinstance(value, list):
        return [_translated(inner, codes) for inner in value]
    found = _MARK.fullmatch(value) if isinstance(value, str) else None
    return code_in(found[2], codes[int(found[1])]) if found is not None and found[2] else value


class _Marks:
    """Marks in the place of the texts and times of a message; the same for those that are the same."""

    def __init__(self, met: Met) -> None:
        self.times: dict[str, str] = {}
        """Expressions by what stands for a time."""
        self.probes: dict[str, int] = {}
        """Numbers of runs by the codes of the probes, results that stand for them."""
        self.codes: dict[int, str] = {}
        """Codes that tables translate, by the numbers of their texts."""
        self.standing: dict[str, str] = {}
        """By the mark of such a code, the mark of its translation, with ``{}`` for the table."""
        self._marks: dict[tuple[str | int, ...], str] = {}
        self._zone = met.zone
        self._texts = self._written = 0

    def lines(self, met: Met) -> Iterator[str]:
        """Yield the segments with marks."""
        run = 0
        for number, part in enumerate(met.parts):
            if part is None:
                yield from self._results(run, met)
                run += 1
                continue
            outline, groups = part
            shown = list(groups)
            for at in outline.texts:
                if at in outline.translated and groups[at]:
                    shown[at] = self._code(groups[at])
                else:
                    shown[at] = self._mark("text", outline, at, groups, number)
                self._texts += 1
            for at in outline.times:
                shown[at] = self._mark("time", outline, at, groups, number)
                self._written += 1
            yield outline.written(shown)

    def _mark(self, kind: str, outline: Outline, at: int, groups: Sequence[str], number: int) -> str:
        """Return what stands for a group; the same within a family, and in the same words about somebody."""
        if not groups[at]:
            return ""
        actor = outline.inside.get(at)
        where = (outline.family or number,) if actor is None else (groups[actor[0]], actor[1])
        key = kind, groups[at], *where
        if key not in self._marks:
            self._marks[key] = self._text(groups[at]) if kind == "text" else self._time(groups[at])
        return self._marks[key]

    def _text(self, text: str) -> str:
        return stand_in(self._texts, text)

    def _code(self, code: str) -> str:
        self.codes[self._texts] = code
        shown = self._text("")
        self.standing[shown] = f"{OPEN}{self._texts}={{}}{CLOSE}"
        return shown

    def _time(self, text: str) -> str:
        year = _FIRST_YEAR + self._written
        if year > _LAST_YEAR:
            raise _UnfitError
        digits = re.split("[+-]", text)[0]
        shown = f"{year}0203040506"[: len(digits)] + text[len(digits) :]
        whole = timestamp(shown, NOWHERE, zone=self._zone)
        self.times |= {shown: f"w[{self._written}]", whole[:10]: f"t[{self._written}][:10]"}
        self.times[whole] = f"t[{self._written}]"
        return shown

    def _results(self, run: int, met: Met) -> Iterator[str]:
        """Yield the probes of a run, whatever its length: one result without a time of its own, one with, as there are such."""
        for timed in hows(met.runs[run]):
            code = f"PROBE-{run}-{timed:d}"
            self.probes[code] = run
            yield f"OBX|1|NM|{code}^Probe^LN||1||||||F|||{_PROBE if timed else ''}"


class _Writing:
    """Writes the source of a function that makes what a message becomes."""

    def __init__(self, marks: _Marks, taken: Taken, feed: Feed, zone: str) -> None:
        self._feed = feed
        self._taken = taken
        self._named: dict[str, tuple[str, ...]] = getattr(taken.reading, "named", {})
        self._times = {**marks.times, _RECEIVED: "received"}
        self._runs = marks.probes
        self._translated = marks.codes
        self._lines: list[str] = []
        """Assignments that come first: of ids (``i0``), of results and references to them (``o0``, ``q0``)."""
        self._ids: dict[str, str] = {}
        """What stands in the source for each id that was met: its name, or the id itself."""
        self._constants: list[Any] = []
        """Resources that are the same in all messages of the kind."""
        self._probe = timestamp(_PROBE, NOWHERE, zone=zone)
        self._probes: dict[str, int] = {}
        """Numbers of runs by the ids of their probes."""

    def plan(self, warnings: Warnings) -> Plan:
        """Return the plan; raise where there is none."""
        [piece, *others] = self._taken.found
        if not isinstance(piece, Piece) or piece.merges or not all(isinstance(one, Shared) for one in others):
            raise _UnfitError
        for identity, (kind, *parts) in self._named.items():
            if kind == "Observation" and len(parts) > 2 and parts[2] in self._runs:  # noqa: PLR2004 - patient, order, code
                self._probes[identity] = self._runs[parts[2]]
        self._results(piece.resources)
        local = self._source(str(piece.local_patient))
        identifiers = "".join(self._identifier(one) + ", " for one in piece.identifiers)
        resources = self._listed(piece.resources)
        shared = ", ".join(self._shared(one.resource) for one in others if isinstance(one, Shared))
        # What is named apart in the pattern may be the same in a message, as what codes alone name (constants) may be: then it is one
        # resource, and read in full.
        ids = ", ".join(self._ids.values())
        lines = [*self._lines, f"U(({ids},))"] if any(one[0] == "i" for one in self._ids.values()) else self._lines
        body = "\n    ".join([*lines, f"return {local}, ({identifiers}), {resources}, [{shared}]"])
        return Plan(
            _compiled(f"def make(h, t, w, received, R):\n    {body}\n", self._constants, self._feed),
            _rows(warnings),
            dict(warnings.counts),
            dict(warnings.not_read),
            self._feed.source,
            tuple(self._translated),
        )

    def _results(self, resources: Sequence[Resource]) -> None:
        """Write the calls that make the results of each run."""
        for one in resources:
            run = self._probes.get(one["id"])
            if run is None:
                continue
            _, local, number, *_ = self._named[one["id"]]
            own = one.get("effectiveDateTime")
            on = "None" if own is None or own == self._probe else self._source(own)
            of = {name: one[name] for name in ("encounter", "basedOn", "specimen", "partOf") if name in one}
            references = "{" + ", ".join(f"{name!r}: {self._source(of[name])}" for name in one if name in of) + "}"
            meta, subject = self._source(one["meta"]["lastUpdated"]), self._source(one["subject"]["reference"])
            told = f"{run}, {self._source(local)}, {self._source(number)}, {meta}, {on}, {references}, {subject}"
            # Of two the one without a time of its own comes first, and says what its time is.
            if not any(line.startswith(f"o{run},") for line in self._lines):
                self._lines.append(f"o{run}, q{run} = R({told})")

    def _identifier(self, one: Identifier) -> str:
        return f"N({self._source(one.system)}, {self._source(one.value)}, {self._source(one.type)})"

    def _shared(self, resource: Resource) -> str:
        source = self._source(resource)
        if not re.search(r"\b[htw]\[|\b[ioq]\d|\breceived\b", source):
            self._constants.append(resource)
            return f"c[{len(self._constants) - 1}]"
        return source

    def _source(self, value: Any) -> str:
        """Return an expression that makes a value."""
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key!r}: {self._source(inner)}" for key, inner in value.items()) + "}"
        if isinstance(value, (list, tuple)):
            return self._listed(value)
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, (bool, int)):
            return repr(value)
        raise _UnfitError

    def _listed(self, values: Sequence[Any]) -> str:
        told: list[str] = []
        for one in values:
            run = self._probed(one)
            if run is None:
                told.append(self._source(one))
            elif not told or told[-1] != run:
                told.append(run)
        if len({one for one in told if one[0] == "*"}) < sum(one[0] == "*" for one in told):
            raise _UnfitError
        return f"[{', '.join(told)}]"

    def _probed(self, value: Any) -> str | None:
        """Return what stands in a list for the results of a run, or for references to them; None for anything else."""
        if not isinstance(value, dict):
            return None
        if value.get("id") in self._probes:
            return f"*o{self._probes[value['id']]}"
        if len(value) == 1 and str(value.get("reference")).removeprefix("Observation/") in self._probes:
            return f"*q{self._probes[value['reference'].removeprefix('Observation/')]}"
        return None

    def _text(self, value: str) -> str:
        if value in self._times:
            return self._times[value]
        told: list[str] = []
        start = 0
        for found in _MARK.finditer(value):
            told.append(self._constant(value[start : found.start()]))
            told.append(self._marked(found))
            start = found.end()
        told.append(self._constant(value[start:]))
        if len(told) > _MOST_PIECES:
            raise _UnfitError
        return " + ".join(one for one in told if one) or "''"

    def _marked(self, found: re.Match[str]) -> str:
        number, table, identity = found.groups()
        if identity:
            return self._id(identity)
        return f"X({table!r}, h[{number}])" if table else f"h[{number}]"

    def _constant(self, text: str) -> str:
        if holds_any(text) or _TIMES.search(text):
            raise _UnfitError
        return repr(text) if text else ""

    def _id(self, identity: str) -> str:
        """Return the name of an id, or the id itself where nothing of a patient is in it."""
        if identity in self._probes:
            raise _UnfitError
        named = self._named.get(identity)
        if named is None:
            raise _UnfitError
        if identity not in self._ids:
            sources = [self._source(part) for part in named]
            if all(one == repr(part) for one, part in zip(sources, named, strict=True)):
                self._ids[identity] = repr(identity)
            else:
                name = self._ids[identity] = f"i{len(self._ids)}"
                self._lines.append(f"{name} = I(S, {', '.join(sources)})")
        return self._ids[identity]


def _rows(warnings: Warnings) -> tuple[Row, ...]:
    """Return what became of the leaves, but for those of results."""
    found = []
    for row, count in warnings.account.rows.items():
        source, fate, where = row
        if source.startswith("OBX-"):
            continue
        if fate == "unaccounted" or (fate == "kept" and where[0].startswith("Observation.")):
            raise _UnfitError
        found += [row] * count
    return tuple(found)


def _distinct(ids: Sequence[str]) -> None:
    if len(set(ids)) < len(ids):
        raise UnplannedError


def _translation(table: str, code: str) -> str:
    found = code_in(table, code)
    # What was entered in error has no other status (`visits.py`).
    if found is None or found == "entered-in-error":
        raise UnplannedError
    return found


def _compiled(source: str, constants: list[Any], feed: Feed) -> Make:
    """Return a function; its source holds names of elements, codes and numbers only, all of them as literals."""
    names = {
        "__builtins__": {},
        "c": constants,
        "I": resource_id,
        "N": Identifier,
        "S": feed.source,
        "U": _distinct,
        "X": _translation,
    }
    exec(compile(source, "<plan>", "exec"), names)  # noqa: S102 - source that `_Writing` writes
    made: Make = names["make"]  # type: ignore[assignment]
    return made
