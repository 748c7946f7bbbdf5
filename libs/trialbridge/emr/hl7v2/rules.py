"""Applies the mapping table (`tables/v2_segments.tsv`), compiled once: each row takes a field of a segment to an element.

Targets are element names; ``name[]`` appends for each repetition, ``name[0]`` and ``name[1]`` are elements that several rows fill.
An element that is set already stays. Endings of value[x] come from the datatype. Conditions: ``9`` field 9 is valued, ``!9`` is not,
``2=P|Q`` one of these codes, ``2!=P`` none of them, ``ORC-2`` a field of the segment of that name that stands with this one.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from trialbridge.emr.hl7v2.factories import Reader
from trialbridge.emr.hl7v2.forms import form_of
from trialbridge.emr.hl7v2.layouts import Memory
from trialbridge.emr.hl7v2.message import Rep, Segment
from trialbridge.emr.hl7v2.readers import READERS
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.ready import Ready, unfolded
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import rows

Test = Callable[[Segment, Reading], bool]
Slot = tuple[str, int | None, bool]
"""Element name, number of a shared list element, whether a new one is appended."""
_CONDITION: Final = re.compile(r"(!)?(?:([A-Z][A-Z0-9]{2})-)?(\d+)(?:\.(\d+))?(?:(!?=)(\S*))?")
_LOOKED_INTO: Final = frozenset({"ARV", "OBX"})
"""Segments with what is changed once more (ARV), or is remembered as a whole (OBX, `templates.py`)."""
_CROSSING: Final = frozenset({"duration", "minutesAfter"})
"""Readers whose values hold leaves of other fields."""
_KEEPING: Final = frozenset({"practitioner", "participant", "agent"})
"""Readers that give the whole repetition to `Actors.practitioner`, which remembers by itself."""
_STEP: Final = re.compile(r"(\w+)(?:\[(\d*)\])?")


class Rule(NamedTuple):
    """One row, compiled."""

    tests: tuple[Test, ...]
    target: tuple[Slot, ...]
    reader: Reader
    every: bool
    """Whether it takes each repetition of the field."""
    memory: Memory | None
    """What its reader made before."""
    is_crossing: bool
    """Whether its values hold leaves of other fields."""
    is_keeping: bool
    """Whether its reader says by itself if it makes leaves."""


class Rules(NamedTuple):
    """The rows of one map by field; those without a field come first."""

    always: tuple[Rule, ...]
    fields: tuple[tuple[int, tuple[Rule, ...]], ...]


def _test(text: str) -> Test:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise ValueError(text)
    negated, name, field, component, sign, codes = found.groups()
    number, part = int(field), int(component or 1)
    if sign is None:
        wanted = not negated
        if component is None:
            return lambda segment, reading: bool(_near(segment, reading, name, number)) is wanted
        return lambda segment, reading: bool(_code(segment, reading, name, number, part)) is wanted
    accepted = frozenset(codes.split("|"))
    positive = sign == "="
    return lambda segment, reading: (_code(segment, reading, name, number, part).upper() in accepted) is positive


def _near(segment: Segment, reading: Reading, name: str | None, number: int) -> str:
    chosen = segment if name is None else reading.near.get(name)
    return chosen.field(number) if chosen is not None else ""


def _code(segment: Segment, reading: Reading, name: str | None, number: int, part: int) -> str:
    chosen = segment if name is None else reading.near.get(name)
    return chosen.get(number, part) if chosen is not None else ""


@cache
def slots(target: str) -> tuple[Slot, ...]:
    """Return a compiled target."""
    found = []
    for step in target.split("."):
        match = _STEP.fullmatch(step)
        if match is None:
            raise ValueError(target)
        number = match[2]
        found.append((match[1], int(number) if number else None, number == ""))
    return tuple(found)


_STATES: Final = frozenset({"clinicalStatus", "verificationStatus"})
"""Concepts with one code of one list: a second one would say something else of the same thing."""


@cache
def rules_of(name: str) -> Rules:
    """Return the compiled rules of a map, ``PID/Patient``."""
    always: list[Rule] = []
    fields: dict[int, list[Rule]] = {}
    for wanted, field, when, target, reader, argument, _ in rows("v2_segments"):
        if wanted != name:
            continue
        rule = Rule(
            tuple(_test(one) for one in when.split()) if when != "-" else (),
            slots(target) if target != "." else (),
            READERS[reader](argument),
            "[]" in target,
            _memory(name, reader, argument),
            reader in _CROSSING,
            reader in _KEEPING and name.partition("/")[0] not in _LOOKED_INTO,
        )
        if field == "-":
            always.append(rule)
        else:
            fields.setdefault(int(field), []).append(rule)
    return Rules(tuple(always), tuple((number, tuple(found)) for number, found in fields.items()))


def _memory(name: str, reader: str, argument: str) -> Memory | None:
    """Return where a rule remembers what its reader made; None where it may not be remembered, or somebody looks into it."""
    form = form_of(reader, argument) if name.partition("/")[0] not in _LOOKED_INTO else None
    return Memory(READERS[reader](argument), form) if form is not None else None


def apply(name: str, segment: Segment, resource: Resource, reading: Reading) -> None:
    """Fill a resource (or an element of one) from a segment by the rules of a map."""
    rules = rules_of(name)
    reading.segment = segment
    fields = segment.fields
    size = len(fields)
    for number, found in rules.fields:
        if number >= size or not fields[number]:
            continue
        reading.field = number
        reps = segment.repetitions(number)
        for rule in found:
            if not rule.tests or _holds(rule.tests, segment, reading):
                _fill(rule, reps if rule.every else reps[:1], resource, reading)
    reading.field = None
    for rule in rules.always:
        if not rule.tests or _holds(rule.tests, segment, reading):
            value = rule.reader(segment.first(0), reading)
            if value is not None:
                put(resource, rule.target, value, reading)


def _fill(rule: Rule, reps: Sequence[Rep], resource: Resource, reading: Reading) -> None:
    """Take the repetitions of a field to the element of a rule."""
    memory = rule.memory if reading.remembers else None
    if rule.is_crossing:
        reading.is_crossed = True
    for rep in reps:
        if memory is not None:
            value = memory.read(rep, reading)
        else:
            if not rule.is_keeping:
                rep.is_loose = True
            value = rule.reader(rep, reading)
        if value is not None:
            put(resource, rule.target, value, reading)


def _holds(tests: tuple[Test, ...], segment: Segment, reading: Reading) -> bool:
    for test in tests:  # noqa: SIM110 - a generator for each row of each segment takes longer than the tests
        if not test(segment, reading):
            return False
    return True


def put(resource: Resource, target: tuple[Slot, ...], value: Any, reading: Reading) -> None:
    """Set an element; one that is set already stays, and what says the same again is an echo of it.

    Without a target, what an object holds is set.
    """
    if not target:
        _join(resource, value, reading)
        return
    here: Any = resource
    for slot in target[:-1]:
        here = _inside(here, slot, reading)
    key, number, append = target[-1]
    if append:
        _append(here, key, value, reading)
    elif number is not None:
        listed = here.setdefault(key, [])
        if len(listed) <= number:
            listed.append(value)
        elif isinstance(value, dict):
            listed[number] = _unfolded(listed[number], reading)
            _join(listed[number], value, reading)
    elif key not in here:
        here[key] = value
    elif key not in _STATES and isinstance(value, dict) and isinstance(here[key], dict):
        here[key] = _unfolded(here[key], reading)
        _join(here[key], value, reading)
    else:
        _set(here, key, value, reading)


def _append(here: Any, key: str, value: Any, reading: Reading) -> None:
    listed = here.get(key)
    if listed is None:
        here[key] = [value]
    elif value not in listed:
        listed.append(value)
    else:
        reading.echoes.append((listed[listed.index(value)], value))


def _inside(here: Any, slot: Slot, reading: Reading) -> Any:
    """Return the element that a step leads to, made where it is not there."""
    key, number, append = slot
    if append:
        listed = here.setdefault(key, [])
        listed.append({})
        return listed[-1]
    if number is None:
        found = here[key] = _unfolded(here.get(key, {}), reading)
        return found
    listed = here.setdefault(key, [])
    while len(listed) <= number:
        listed.append({})
    listed[number] = _unfolded(listed[number], reading)
    return listed[number]


def _unfolded(value: Any, reading: Reading) -> Any:
    """Return an element that others may be put into."""
    return unfolded(value, reading) if type(value) is Ready else value


def _set(here: Any, key: str, value: Any, reading: Reading) -> None:
    known = here.setdefault(key, value)
    if known is not value and known == value:
        reading.echoes.append((known, value))


def _join(here: Any, value: Resource, reading: Reading) -> None:
    """Add what an object holds to another one, in which what is set stays."""
    for key, inner in _unfolded(value, reading).items():
        if isinstance(inner, list) and isinstance(here.get(key), list):
            here[key] += inner
        else:
            _set(here, key, inner, reading)
