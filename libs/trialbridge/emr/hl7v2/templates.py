"""Results of one kind are read once: an OBX that differs from an earlier one in number and time only is made after that one.

A laboratory sends the same codes, units, ranges and flags all day. What they become depends on nothing but their text, the message's
zone; so it is remembered, without the value, the time and whatever else is of a patient. Of coded values the code is, never words in
the place of one. Nothing is different for it: the output and the account are those of an OBX that was read in full.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from trialbridge.emr.account import Found, Row, settle
from trialbridge.emr.bounded import Bounded
from trialbridge.emr.hl7v2.forms import CODED_TYPES, is_code
from trialbridge.emr.hl7v2.frames import Frame
from trialbridge.emr.hl7v2.message import Segment
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.results import INTEGERS
from trialbridge.emr.hl7v2.state import Built
from trialbridge.emr.records import Resource

Key = tuple[Any, ...]
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_TIME: Final = re.compile(r"(?:1[5-9]|2\d)\d{2}(?:\d{2}){1,5}(?:[+-]\d{4})?", re.ASCII)
"""Times far from the ends of the calendar."""
_FEWEST, _VALUE, _WHEN, _OWN = 12, 5, 14, 18
"""Behind OBX-17 stand devices, times and numbers of the single result."""
_TOGETHER: Final = frozenset({"resourceType", "id", "meta", "subject"})
FRAME: Final = _TOGETHER | {"encounter", "basedOn", "specimen", "partOf"}
"""Elements that connect a result with the rest of its message."""


class Template(NamedTuple):
    """What an OBX of one kind becomes, without value and time; and where its leaves go."""

    content: Mapping[str, Any]
    rows: tuple[Row, ...]
    code: str
    """OBX-3.1."""
    is_timed: bool
    quantity: Mapping[str, Any] | None
    """Where a number has its place."""
    fixed: tuple[tuple[str, Any], ...]
    """Elements that are the same in all of a kind, without lists."""
    lists: tuple[tuple[str, int], ...]
    """Names and lengths of lists that others may add to."""


_KNOWN: Bounded[Key, Template] = Bounded()


def key_of(obx: Segment, reading: Reading) -> Key | None:
    """Return what decides how an OBX is read, None for one that must be read in full, as all of unusual delimiters."""
    return kind_of(obx.fields, reading.zone) if reading.remembers else None


def kind_of(fields: list[str], zone: str) -> Key | None:
    """Return what decides how an OBX with the usual delimiters is read, None for one that must be read in full."""
    kind = fields[2] if len(fields) >= _FEWEST else ""
    value = fields[_VALUE] if kind else ""
    if kind == "NM":
        if _NUMBER.fullmatch(value) is None:
            return None
        value = "0"
    elif kind not in CODED_TYPES:
        return None
    if len(fields) > _OWN and any(fields[_OWN:]):
        return None
    when = time_of(fields)
    if (when and _TIME.fullmatch(when) is None) or not fields[1].isdecimal():
        return None
    return (zone, bool(when), *fields[2:_VALUE], value, *fields[6:_WHEN], *fields[_WHEN + 1 :])


def time_of(fields: Sequence[str]) -> str:
    """Return a result's own time as it is written (OBX-14), empty where it has none."""
    return fields[_WHEN] if len(fields) > _WHEN else ""


def known(key: Key) -> Template | None:
    """Return what an OBX of this kind became before, None where there was none."""
    return _KNOWN.get(key)


def made_after(known: Template, obx: Segment, on: Any, frame: Frame, reading: Reading) -> Resource:
    """Return an Observation after an earlier one of its kind, in plain values."""
    fields = obx.fields
    found: Resource = {
        "resourceType": "Observation",
        "id": reading.own("Observation", frame.number, known.code, obx.field(4), on or ""),
        "meta": frame.meta.copy(),
        "subject": {"reference": frame.subject},
    }
    fill(found, known, fields, on)
    frame.connect(found)
    reading.made_after[id(obx)] = known.rows
    reading.built.append(BuiltAfter(found, obx, known, frame, on))
    return found


def fill(found: Resource, known: Template, fields: list[str], on: Any) -> None:
    """Fill an Observation with what an earlier one of its kind became, and with its own value and time."""
    found.update(known.content)
    # What comments and others add to a list must not get into the lists of the kind.
    for name, _ in known.lists:
        found[name] = found[name].copy()
    if on is not None:
        found["effectiveDateTime"] = str(on)
    if known.quantity is not None:
        found["valueQuantity"] = {**known.quantity, "value": Decimal(fields[_VALUE])}


class BuiltAfter(Built):
    """A result that was made after an earlier one."""

    __slots__ = ("_after", "_frame", "_on", "_size")

    def __init__(self, resource: Resource, segment: Segment, after: Template, frame: Frame, on: Any) -> None:
        """Keep what it was made of."""
        self.resource = resource
        self.segment = segment
        self._after = after
        self._frame = frame
        self._on = on
        self._size = len(resource)

    def settled(self) -> tuple[Resource, Found, bool] | None:
        """Return what `account.settle` makes of it, and whether it is known to be good; None where something was added."""
        resource = self.resource
        if len(resource) == self._size and self._is_as_made():
            return resource, self._frame.leaves(self._on), self._frame.is_sound(self._on)
        self._frame.open(resource, self._on)
        return None

    def _is_as_made(self) -> bool:
        get = self.resource.get
        for name, value in self._after.fixed:
            if get(name) is not value:
                return False
        for name, size in self._after.lists:  # noqa: SIM110 - asked of every result
            if len(get(name, ())) != size:
                return False
        return True


class Recording:
    """Watches an OBX that is read in full, and remembers it where nothing of it goes beyond its own Observation."""

    def __init__(self, key: Key, reading: Reading) -> None:
        """Look at what is there before."""
        self._key = key
        self._before = _beyond(reading)

    def end(self, obx: Segment, found: Resource, reading: Reading) -> None:
        """Keep the content for the account, which settles whether it is remembered."""
        quantity = found.get("valueQuantity")
        told = isinstance(quantity, dict) and "comparator" not in quantity and "value" in quantity
        # What a score becomes hangs on its number.
        is_number = told and obx.get(3) not in INTEGERS
        is_plain = is_number if obx.fields[2] == "NM" else is_code(obx.fields[_VALUE])
        if _beyond(reading) == self._before and is_plain:
            content, _ = settle({name: value for name, value in found.items() if name not in _TOGETHER})
            if "effectiveDateTime" in content:
                content["effectiveDateTime"] = ""
            if obx.fields[2] == "NM":
                content["valueQuantity"]["value"] = 0
            reading.recorded[id(obx)] = (self._key, content, str(obx.first(3).get(1)))


def _beyond(reading: Reading) -> tuple[object, ...]:
    actors = reading.actors
    # Somebody whom the message named before is told of once more: what is told counts, not who.
    told = sum(map(len, actors.variants.values()))
    return *reading.noted(), told, len(actors.twins), len(reading.built)


def remember(recorded: tuple[Key, Mapping[str, Any], str], rows: Iterable[Row]) -> None:
    """Remember a kind of result; ``rows`` are those of its account, all of them mapped or dropped for a reason of the tables."""
    told = tuple(rows)
    if any(fate not in ("mapped", "dropped") for _, fate, _ in told):
        return
    key, content, code = recorded
    if content.keys() & FRAME:
        return
    lists = tuple((name, len(value)) for name, value in content.items() if type(value) is list)
    apart = {"effectiveDateTime", "valueQuantity", *(name for name, _ in lists)}
    fixed = tuple((name, value) for name, value in content.items() if name not in apart)
    quantity = content.get("valueQuantity") if key[2] == "NM" else None
    _KNOWN.keep(key, Template(content, told, code, "effectiveDateTime" in content, quantity, fixed, lists))


def forget() -> None:
    """Begin anew, as a new process does."""
    _KNOWN.clear()
