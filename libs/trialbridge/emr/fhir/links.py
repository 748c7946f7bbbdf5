"""References: into the same input they are relative; what they name elsewhere becomes a logical reference, so that none dangles.

A logical reference (FHIR R4, Reference.identifier) says what is meant without claiming that it can be looked up here.
"""

import re
from collections.abc import Container, Mapping, MutableMapping
from typing import Any, Final

from trialbridge.emr.fhir.shapes import Holders
from trialbridge.emr.records import Resource

KEPT: Final = "urn:trialbridge:fhir:kept"
"""An extension with ``path`` and ``value`` of what has no place of its own."""
_RELATIVE: Final = re.compile(
    r"(?:^|/)(([A-Z][A-Za-z]{2,40})/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#.*)?$"
)
_CONDITIONAL: Final = re.compile(r"([A-Z][A-Za-z]{2,40})\?(?:.*&)?identifier=(?:([^|&]*)\|)?([^|&]+)(?:&.*)?")
_URI: Final = "urn:ietf:rfc:3986"

Numbers = Mapping[tuple[str, str, str], str]
"""Reference (``Type/id``) by resource type, system and value of an identifier."""


def target_of(reference: str) -> str | None:
    """Return ``Type/id`` out of a reference, relative or absolute, with a version or not; None for any other."""
    found = _RELATIVE.search(reference)
    return found[1] if found else None


def resolve(holders: Holders, urls: Mapping[str, str], numbers: Numbers) -> None:
    """Make references by full URL or by search relative ones, in place, where ``urls`` or ``numbers`` know their targets."""
    for holder, _ in holders:
        reference = holder["reference"]
        found = urls.get(reference)
        if found is None and "?" in reference:
            asked = _CONDITIONAL.fullmatch(reference)
            found = numbers.get((asked[1], asked[2] or "", asked[3])) if asked else None
        if found is not None:
            holder["reference"] = found


def numbers_of(resource: Resource, into: MutableMapping[tuple[str, str, str], str]) -> None:
    """Enter a resource under its identifiers; one that two resources have names neither."""
    listed = resource.get("identifier")
    kind, here = resource["resourceType"], f"{resource['resourceType']}/{resource['id']}"
    for one in listed if isinstance(listed, list) else [listed]:
        if isinstance(one, dict) and isinstance(one.get("value"), str):
            for system in {"", str(one.get("system", ""))}:
                key = (kind, system, one["value"])
                into[key] = here if into.get(key, here) == here else ""


def unresolved(resource: Resource, holders: Holders, known: Container[str]) -> tuple[str, ...]:
    """Return the references of a resource that name nothing in it and nothing of ``known`` (a set of ``Type/id``).

    An absolute one into ``known`` becomes relative, in place.
    """
    found = []
    for holder, _ in holders:
        reference = holder["reference"]
        if reference in known:
            continue
        if reference.startswith("#"):
            if not _is_inside(resource, reference):
                found.append(reference)
        elif (target := target_of(reference)) is None or target not in known:
            found.append(reference)
        elif not reference.startswith(target):
            holder["reference"] = reference[reference.index(target) :]
    return tuple(found)


def _is_inside(resource: Resource, reference: str) -> bool:
    inner = resource.get("contained", ())
    return reference == "#" or any(one.get("id") == reference[1:] for one in inner)


def settle(resource: Resource, holders: Holders, known: Container[str]) -> list[tuple[str, str]]:
    """Make each reference relative or logical, in place; return source and output path of those that became logical.

    An absolute one whose ``Type/id`` is in ``known`` becomes relative.
    """
    away = []
    for holder, shape in holders:
        reference = holder["reference"]
        if reference in known or (reference.startswith("#") and _is_inside(resource, reference)):
            continue
        target = target_of(reference)
        if target is None or target not in known:
            away.append((f"{shape.text}.reference", f"{shape.text}.{_make_logical(holder)}"))
        elif not reference.startswith(target):
            holder["reference"] = reference[reference.index(target) :]
    return away


def _make_logical(holder: dict[str, Any]) -> str:
    reference = holder.pop("reference")
    asked = _CONDITIONAL.fullmatch(reference)
    target = target_of(reference)
    kind = asked[1] if asked else target.partition("/")[0] if target else None
    if kind is not None:
        holder.setdefault("type", kind)
    if "identifier" in holder:
        steps = [{"url": "path", "valueString": "reference"}, {"url": "value", "valueString": reference}]
        holder.setdefault("extension", []).append({"url": KEPT, "extension": steps})
        return "extension.extension.valueString"
    if asked:
        holder["identifier"] = {**({"system": asked[2]} if asked[2] else {}), "value": asked[3]}
    elif reference == target or reference.startswith(("#", f"{target}/")):
        holder["identifier"] = {"value": reference}
    else:
        holder["identifier"] = {"system": _URI, "value": reference}
    return "identifier.value"
