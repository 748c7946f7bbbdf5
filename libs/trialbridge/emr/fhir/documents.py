"""From a JSON document to its resources: Bundles of every type are unfolded, each resource with its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.records import Warnings

DEEPEST: Final = 3
"""Bundles within Bundles: a search result of documents is two deep."""


@dataclass(frozen=True, slots=True)
class Unfolded:
    """One resource of a document, or what stands where one should be."""

    value: Any
    place: Place
    url: str = ""
    """The entry's full URL."""
    error: Poison | None = None


def unfold(document: Any, place: Place, warnings: Warnings, depth: int = 0) -> Iterator[Unfolded]:
    """Yield the resources of a Bundle, of a JSON array, or the one resource that the document is."""
    if isinstance(document, list) and depth == 0:
        for number, one in enumerate(document):
            yield from unfold(one, _inside(place, f"[{number}]"), warnings, 1)
    elif isinstance(document, dict) and document.get("resourceType") == "Bundle":
        yield from _bundle(document, place, warnings, depth)
    else:
        yield Unfolded(document, place)


def _inside(place: Place, step: str) -> Place:
    joined = f"{place.field}.{step}" if place.field and not step.startswith("[") else f"{place.field or ''}{step}"
    return msgspec.structs.replace(place, field=joined)


def _bundle(bundle: Mapping[str, Any], place: Place, warnings: Warnings, depth: int) -> Iterator[Unfolded]:
    entries = bundle.get("entry", [])
    if depth >= DEEPEST:
        error = Poison("fhir.nested-bundle", "There are Bundles within Bundles beyond the third.", place)
        yield Unfolded(bundle, place, error=error)
        return
    if not isinstance(entries, list):
        error = Poison("fhir.not-a-bundle", "The Bundle's entry is not a list.", _inside(place, "entry"))
        yield Unfolded(bundle, place, error=error)
        return
    for number, one in enumerate(entries):
        here = _inside(place, f"entry[{number}].resource")
        if isinstance(one, dict) and "resource" not in one and ("request" in one or "response" in one):
            # A deletion, or the answer to a request: there is no resource to read.
            warnings.note("fhir.entry-without-resource")
            continue
        resource = one.get("resource") if isinstance(one, dict) else None
        url = one.get("fullUrl") if isinstance(one, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == "Bundle":
            yield from unfold(resource, here, warnings, depth + 1)
        else:
            yield Unfolded(resource, here, url if isinstance(url, str) else "")
