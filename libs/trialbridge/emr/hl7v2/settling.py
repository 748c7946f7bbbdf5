"""Makes resources plain and checks them: one that fails is set aside, and nothing refers to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from trialbridge.contracts.errors import Poison
from trialbridge.emr.account import Found, confirm, leaves_within, settle
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.hl7v2 import templates
from trialbridge.emr.hl7v2.again import Again, Joint, Placed, leaves_in, remember
from trialbridge.emr.hl7v2.message import Segment
from trialbridge.emr.hl7v2.reading import NOWHERE, Built, Reading
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
_Told = Sequence[Resource | Again]
_Waiting = tuple[Segment | None, _Told, Resource, Found, bool]
"""The segment that it is made of, what was said of it, that as one plain resource, the leaves in it, and whether it is known to be good."""


def settle_all(reading: Reading) -> Settled:
    """Check resources and enter into their leaves where they went."""
    settled = Settled()
    waiting: list[_Waiting] = []
    waiting.extend(_actor(variants, reading) for variants in reading.actors.variants.values())
    waiting.extend(_settled(one, reading) for one in reading.built)
    refused = reading.lost or _refused(waiting, reading, settled)
    while refused:
        waiting = [_freed(one, refused) for one in waiting if f"{one[2]['resourceType']}/{one[2]['id']}" not in refused]
        refused = _refused(waiting, reading, settled)
    for segment, _, resource, found, _ in waiting:
        confirm(found)
        if segment is None:
            settled.shared.append(resource)
        else:
            settled.resources.append(resource)
            settled.owners.setdefault(id(segment), resource)
    _twins(reading)
    return settled


def _settled(one: Built, reading: Reading) -> _Waiting:
    """Return a resource with its leaves; one that was made after another is looked at where it differs."""
    return one.segment, [one.resource], *(templates.settled(one, reading) or (*settle(one.resource), False))


def _freed(one: _Waiting, refused: set[str]) -> _Waiting:
    """Return a resource without references to what was set aside; what goes with them is not in it any more."""
    segment, told, resource, found, sound = one
    if not any(str(reference) in refused for reference in _references(resource)):
        return segment, told, resource, found, sound
    rest = [_without(variant.whole() if isinstance(variant, Again) else variant, refused) for variant in told]
    return segment, rest, *_joined([settle(variant) for variant in rest]), False


def _actor(variants: _Told, reading: Reading) -> _Waiting:
    """Return somebody with all that the message says; who is known in just these words is not looked at again."""
    again = [one for one in variants if isinstance(one, Again)]
    if len(again) < len(variants):
        whole = [one.whole() if isinstance(one, Again) else one for one in variants]
        return None, whole, *_joined([settle(one) for one in whole]), False
    memory = reading.warnings.memory
    key = tuple([one.known for one in again])
    known: Joint | None = memory.get(key)
    if known is None:
        told: list[tuple[Resource, Placed]] = [
            (one.known.plain, [((which, at), path) for at, path in one.known.paths]) for which, one in enumerate(again)
        ]
        known = Joint(*_joined(told))
        remember(memory, key, known)
    if not known.is_sound:
        try:
            check(known.plain, NOWHERE)
            known.is_sound = True
        except Poison:
            # The checks that follow say what is wrong, and where.
            known.is_sound = False
    return None, variants, known.plain, known.found(again), known.is_sound


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
    for segment, _, resource, _, sound in waiting:
        if sound:
            continue
        where = segment or reading.message.header
        try:
            check(resource, NOWHERE)
        except Poison:
            try:
                check(resource, where.place(reading.entry, reading.number))
            except Poison as error:
                settled.errors.append((error, where))
            refused.add(f"{resource['resourceType']}/{resource['id']}")
    return refused


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
        for one, other in zip(leaves_in(first), leaves_in(again), strict=True):
            if one.fate == "mapped":
                other.fate, other.where = one.fate, one.where
    for first, again in reading.echoes:
        told = next((one for one in leaves_within(first) if one.fate == "mapped"), None)
        if told is not None:
            for other in leaves_within(again):
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
