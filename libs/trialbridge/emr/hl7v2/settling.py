"""Makes resources plain and checks them: one that fails is set aside, and nothing refers to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from trialbridge.contracts.errors import Poison
from trialbridge.emr.bounded import Bounded
from trialbridge.emr.fhir.checks import check, passes
from trialbridge.emr.hl7v2.again import Again, Joint, Placed
from trialbridge.emr.hl7v2.message import Segment
from trialbridge.emr.hl7v2.plainly import Found, Plain, Told, confirm
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.ready import Ready, follow, leaves_of, leaves_told, loosen, unfolded
from trialbridge.emr.hl7v2.state import NOWHERE, Built
from trialbridge.emr.hl7v2.templates import BuiltAfter
from trialbridge.emr.records import Resource


@dataclass(slots=True)
class Settled:
    """The resources of a message after their checks."""

    resources: list[Resource] = field(default_factory=list)
    shared: list[Resource] = field(default_factory=list)
    """Those who took part, and places."""
    owners: dict[int, Resource] = field(default_factory=dict)
    """Good ones by the id() of the segment that each is made of, the first of each."""
    errors: list[tuple[Poison, Segment]] = field(default_factory=list)


T = TypeVar("T")
_Said = Sequence[Resource | Again]
_good: Bounded[tuple[Any, ...], None] = Bounded()
"""Shapes of good resources."""


@dataclass(slots=True)
class _Waiting:
    """A resource that waits for its checks."""

    segment: Segment | None
    """What it is made of."""
    told: _Said
    """What was said of it."""
    resource: Resource
    """That as one plain resource."""
    found: Sequence[Told]
    """The leaves in it."""
    is_sound: bool = False
    """Whether it is known to be good."""
    shape: tuple[Any, ...] | None = None
    """What is good with it; None where that is not known."""

    @property
    def name(self) -> str:
        """Return ``Type/id``."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"


def settle_all(reading: Reading) -> Settled | None:
    """Check resources and enter into their leaves where they went.

    None where something is not as it should be and there are values without leaves: then all must be read in full.
    """
    settled = Settled()
    waiting: list[_Waiting] = []
    waiting.extend([_actor(variants, reading) for variants in reading.actors.variants.values()])
    waiting.extend([_settled(one, reading) for one in reading.built])
    refused = reading.lost or _refused(waiting, reading, settled)
    if refused and reading.remembers:
        return None
    while refused:
        waiting = [_freed(one, refused, reading) for one in waiting if one.name not in refused]
        refused = _refused(waiting, reading, settled)
    for one in waiting:
        confirm(one.found)
        if one.segment is None:
            settled.shared.append(one.resource)
        else:
            settled.resources.append(one.resource)
            settled.owners.setdefault(id(one.segment), one.resource)
    _twins(reading)
    return settled


def _settled(one: Built, reading: Reading) -> _Waiting:
    """Return a resource with its leaves; one that was made after another is looked at where it differs."""
    if type(one) is BuiltAfter:
        known = one.settled()
        if known is not None:
            # Where something fails, all is read once more, without any that were made after others.
            return _Waiting(one.segment, (), *known)
    return _plain(one.segment, one.resource, reading)


def _plain(segment: Segment | None, resource: Resource, reading: Reading) -> _Waiting:
    found = Plain(resource, reading.stamp.get("lastUpdated"))
    shape = None if found.is_open or not reading.remembers else tuple(found.shape)
    is_sound = shape is not None and shape in _good and _is_stamp_sound(reading)
    return _Waiting(segment, [resource], found.resource, found.found, is_sound, shape)


def _is_stamp_sound(reading: Reading) -> bool:
    """Return whether the time that all resources of a message have passes the checks."""
    if reading.is_stamp_sound is None:
        meta = {name: str(value) for name, value in reading.stamp.items()}
        frame = {"resourceType": "Location", "id": reading.id_of("Location"), "meta": meta}
        reading.is_stamp_sound = passes(frame)
    return reading.is_stamp_sound


def _settle(resource: Resource, reading: Reading) -> tuple[Resource, Found]:
    found = Plain(resource, reading.stamp.get("lastUpdated"))
    return found.resource, found.found


def _freed(one: _Waiting, refused: set[str], reading: Reading) -> _Waiting:
    """Return a resource without references to what was set aside; what goes with them is not in it any more."""
    if not any(str(reference) in refused for reference in _references(one.resource)):
        return one
    rest = [_without(variant.whole() if isinstance(variant, Again) else variant, refused) for variant in one.told]
    return _Waiting(one.segment, rest, *_joined([_settle(variant, reading) for variant in rest]))


def _actor(variants: _Said, reading: Reading) -> _Waiting:
    """Return somebody with all that the message says; who is known in just these words is not looked at again."""
    again = [one for one in variants if isinstance(one, Again)]
    if len(again) < len(variants):
        first = variants[0]
        if len(variants) == 1 and not isinstance(first, Again):
            return _plain(None, first, reading)
        whole = [one.whole() if isinstance(one, Again) else _unfolded(one, reading) for one in variants]
        return _Waiting(None, whole, *_joined([_settle(one, reading) for one in whole]))
    memory = reading.warnings.memory
    key = tuple([one.known for one in again])
    known: Joint | None = again[0].known.joint if len(again) == 1 else memory.get(key)
    if known is None:
        told: list[tuple[Resource, Placed]] = [
            (one.known.plain, [((which, at), path) for at, path in one.known.paths]) for which, one in enumerate(again)
        ]
        known = Joint(*_joined(told))
        if len(again) == 1:
            again[0].known.joint = known
        else:
            memory.keep(key, known)
    # Of one that does not pass, the checks that follow say what is wrong, and where.
    known.is_sound = known.is_sound or passes(known.plain)
    return _Waiting(None, variants, known.plain, known.found(again), known.is_sound)


def _unfolded(resource: Resource, reading: Reading) -> Resource:
    """Return somebody with leaves."""
    if type(resource) is not Ready:
        return resource
    frame = {name: resource[name] for name in ("resourceType", "id")}
    return {**frame, **unfolded(resource, reading)}


def _references(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "reference":
                yield inner
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _refused(waiting: list[_Waiting], reading: Reading, settled: Settled) -> set[str]:
    refused = set()
    for one in waiting:
        if one.is_sound or not reading.is_checked:
            continue
        resource, where = one.resource, one.segment or reading.message.header
        try:
            check(resource, NOWHERE)
            if one.shape is not None:
                _good.keep(one.shape, None)
        except Poison:
            try:
                check(resource, where.place(reading.entry, reading.number))
            except Poison as error:
                settled.errors.append((error, where))
            refused.add(f"{resource['resourceType']}/{resource['id']}")
    return refused


def forget() -> None:
    """Begin anew, as a new process does."""
    _good.clear()


def _joined(variants: Sequence[tuple[Resource, list[tuple[T, str]]]]) -> tuple[Resource, list[tuple[T, str]]]:
    """Return somebody with all that the message says, and the leaves that are really in it."""
    if len(variants) == 1:
        return variants[0]
    plain, found = dict(variants[0][0]), list(variants[0][1])
    for more, leaves in variants[1:]:
        told = set()
        for key, value in more.items():
            if key not in plain:
                plain[key] = value
            elif isinstance(value, list):
                plain[key] = [*plain[key], *(one for one in value if one not in plain[key])]
            if isinstance(value, list) or plain[key] == value:
                told.add(f"{more['resourceType']}.{key}")
        found += [one for one in leaves if ".".join(one[1].split(".", 2)[:2]) in told]
    return plain, found


def _twins(reading: Reading) -> None:
    """Let those who were met word for word before, and values that were set before, share what became of the words."""
    for first, again in reading.actors.twins:
        if follow(first, again):
            continue
        loosen(first)
        loosen(again)
        for one, other in zip(leaves_of(first), leaves_of(again), strict=True):
            if one.fate == "mapped":
                other.fate, other.where = one.fate, one.where
    if reading.echoes and reading.is_crossed:
        # Of the leaves of an echo nobody says whose they are.
        for segment in reading.message.segments:
            for _, rep in segment.populated():
                loosen(rep)
    _echoes(reading.echoes)


def _echoes(echoes: Sequence[tuple[Any, Any]]) -> None:
    for first, again in echoes:
        told = next((one for one in leaves_told(first) if one.fate == "mapped"), None)
        if told is not None:
            for other in leaves_told(again):
                if other.fate == "unaccounted":
                    other.fate, other.where = told.fate, told.where


def _without(value: Any, refused: set[str]) -> Any:
    """Return a value without references to resources that were set aside, and without what is empty then."""
    if isinstance(value, dict):
        kept = {key: _without(inner, refused) for key, inner in value.items() if not _refers(inner, refused)}
        return {key: inner for key, inner in kept.items() if inner not in ({}, []) or value[key] == inner}
    if isinstance(value, list):
        return [_without(one, refused) for one in value if not _refers(one, refused)]
    return value


def _refers(value: Any, refused: set[str]) -> bool:
    """Whether a value is a reference to one of the refused, or holds one in its own elements."""
    if not isinstance(value, dict):
        return False
    inside = [value, *(inner for inner in value.values() if isinstance(inner, dict))]
    return any(str(one.get("reference")) in refused for one in inside)
