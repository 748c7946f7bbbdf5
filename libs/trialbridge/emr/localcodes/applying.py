"""Adds the standard coding beside a local one, where a person has accepted what it means; nothing is ever replaced."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from trialbridge.criteria.facts import Fact
from trialbridge.emr.facts.read import contained_drug, mapping, objects, unit_of
from trialbridge.emr.localcodes.codes import SYSTEMS, LocalCode, Target
from trialbridge.emr.localcodes.finding import CONCEPTS, local_answer, local_concept, local_unit, parts
from trialbridge.emr.records import Resource

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Meaning:
    """An accepted mapping in force: what the code means, and in which version of the feed's table that was decided."""

    target: Target
    since: int


Lookup = Callable[[LocalCode], Meaning | None]
"""Returns what a local code means, None where nothing is accepted."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A resource with its standard codings, and the versions of the table that they come from."""

    resource: Resource
    versions: tuple[int, ...] = ()
    answers: tuple[LocalCode, ...] = ()
    """Local answers in it, also to questions that are local codes themselves and of which it is known what they ask."""


def coded(resource: Resource, lookup: Lookup) -> Coded:
    """Return the resource with what is accepted of its local codes; the given one itself, unchanged, where nothing is."""
    found = CONCEPTS.get(resource.get("resourceType", ""))
    if found is None:
        return Coded(resource)
    name, kind = found
    used: set[int] = set()
    answers: list[LocalCode] = []
    if kind == "observation":
        made = _with_parts(resource, lookup, used, answers)
    else:
        inside = contained_drug(resource)
        told = resource.get(name) or inside.get("code")
        concept = _concept(local_concept(kind, told), told, lookup, used)
        made = (
            resource
            if concept is None
            else _with_drug(resource, inside, concept)
            if inside
            else {**resource, name: concept}
        )
    return Coded(made, tuple(sorted(used)), tuple(dict.fromkeys(answers)))


def _with_drug(resource: Resource, drug: dict[str, Any], code: dict[str, Any]) -> Resource:
    """Return a resource whose contained Medication has another code."""
    inside = [{**one, "code": code} if one is drug else one for one in objects(resource.get("contained"))]
    return {**resource, "contained": inside}


def _with_parts(resource: Resource, lookup: Lookup, used: set[int], answers: list[LocalCode]) -> Resource:
    """Return an observation with all its components; the given one where none has an accepted code."""
    before = list(parts(resource))
    after = [_part(part, lookup, used, answers) for part in before]
    if all(one is other for one, other in zip(before, after, strict=True)):
        return resource
    whole, components = after[0], after[1:]
    return {**whole, "component": components} if components else whole


def _part(part: dict[str, Any], lookup: Lookup, used: set[int], answers: list[LocalCode]) -> dict[str, Any]:
    quantity = mapping(part.get("valueQuantity"))
    concept = _concept(
        local_concept("observation", part.get("code"), unit_of(quantity) or ""), part.get("code"), lookup, used
    )
    changed: dict[str, Any] = {} if concept is None else {"code": concept}
    unit = local_unit(quantity)
    meaning = lookup(unit) if unit is not None else None
    if meaning is not None:
        used.add(meaning.since)
        local = quantity.get("unit") or quantity.get("code")
        ucum = {"system": SYSTEMS["ucum"], "code": meaning.target.code}
        changed["valueQuantity"] = {**quantity, "unit": local, **ucum}
    said = local_answer(changed.get("code", part.get("code")), part.get("valueCodeableConcept"))
    if said is not None:
        answers.append(said)
        value = _concept(said, part.get("valueCodeableConcept"), lookup, used)
        changed.update({} if value is None else {"valueCodeableConcept": value})
    return {**part, **changed} if changed else part


def _concept(held: LocalCode | None, concept: Any, lookup: Lookup, used: set[int]) -> dict[str, Any] | None:
    meaning = lookup(held) if held is not None else None
    if meaning is None:
        return None
    used.add(meaning.since)
    known = mapping(concept)
    listed = known.get("coding")
    beside = listed if isinstance(listed, list) else []
    return {**known, "coding": [*beside, coding_of(meaning.target)]}


def coding_of(target: Target) -> dict[str, str]:
    """Return a target as a FHIR Coding; a drug's generic name stands as its display alone."""
    if target.system == "drug":
        return {"display": target.code}
    shown = {"display": target.display} if target.display else {}
    return {"system": SYSTEMS[target.system], "code": target.code, **shown}


def named(facts: Iterable[F], versions: tuple[int, ...]) -> tuple[F, ...]:
    """Return facts whose evidence names the versions of the feed's table of codes that they rest on."""
    if not versions:
        return tuple(facts)
    tables = "local codes " + ", ".join(f"v{version}" for version in versions)
    return tuple(
        msgspec.structs.replace(fact, evidence=msgspec.structs.replace(fact.evidence, tables=tables)) for fact in facts
    )
