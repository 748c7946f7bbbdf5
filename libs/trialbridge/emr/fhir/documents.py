"""From a JSON document to its resources: Bundles of every type are unfolded, each resource with its place; deletions are told."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.fhir.items import Deletion, Item, Scope
from trialbridge.emr.fhir.packed import Part
from trialbridge.emr.fhir.passing import Passing
from trialbridge.emr.fhir.shapes import leaves_of, step
from trialbridge.emr.records import Warnings

DEEPEST: Final = 3
"""Bundles within Bundles: a search result of documents is two deep."""
_ETAG: Final = 'W/"'


Told = Item | Passing | Deletion


class Documents:
    """Unfolds the documents of one entry, and counts what only packs resources."""

    def __init__(self, warnings: Warnings) -> None:
        """Begin at nothing."""
        self._warnings = warnings
        self.envelope: Counter[str] = Counter()
        """Values of Bundles and Parameters that are no part of a resource, by path."""

    def unfold(self, document: Any, place: Place) -> Iterator[Told]:
        """Yield the resources of a Bundle, of Parameters, of a JSON array, or the one resource that the document is."""
        if isinstance(document, list):
            for number, one in enumerate(document):
                yield from self._one(one, place, f"[{number}]", {}, 1)
        else:
            yield from self._one(document, place, "", {}, 0)

    def _one(self, value: Any, base: Place, field: str, scope: Scope, depth: int) -> Iterator[Told]:
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if kind == "Bundle":
            yield from self._bundle(value, base, field, depth)
        elif kind == "Parameters" and depth < DEEPEST and isinstance(value.get("parameter"), list):
            for number, one in enumerate(value["parameter"]):
                if isinstance(one, dict) and isinstance(one.get("resource"), dict):
                    yield from self._one(
                        one["resource"], base, _joined(field, f"parameter[{number}].resource"), scope, depth + 1
                    )
                    one = {name: inner for name, inner in one.items() if name != "resource"}  # noqa: PLW2901
                leaves_of(one, "Parameters.parameter", self.envelope)
        else:
            yield Item(value, base, field, scope)

    def _bundle(self, bundle: Mapping[str, Any], base: Place, field: str, depth: int) -> Iterator[Told]:
        entries = bundle.get("entry", [])
        error = None
        if depth >= DEEPEST:
            place = msgspec.structs.replace(base, field=field or None)
            error = Poison("fhir.nested-bundle", "There are Bundles within Bundles beyond the third.", place)
        elif not isinstance(entries, list):
            place = msgspec.structs.replace(base, field=_joined(field, "entry"))
            error = Poison("fhir.not-a-bundle", "The Bundle's entry is not a list.", place)
        if error is not None:
            yield Item(bundle, base, field, {}, error=error)
            return
        leaves_of({name: inner for name, inner in bundle.items() if name != "entry"}, "Bundle", self.envelope)
        yield from self._entries(entries, base, field, depth, is_history=bundle.get("type") == "history")

    def _entries(
        self, entries: Sequence[Any], base: Place, field: str, depth: int, *, is_history: bool
    ) -> Iterator[Told]:
        scope: Scope = {}
        start = _joined(field, "entry[")
        known: Counter[tuple[str, ...]] = Counter()
        for number, one in enumerate(entries):
            if type(one) is tuple:
                text, recognised, url, request = one
                known[request] += 1
                yield Passing(text, recognised, base, start, number, scope, url)
                continue
            here = f"{start}{number}].resource"
            if type(one) is not dict:
                yield Item(one, base, here, scope)
                continue
            part, url = one.get("resource"), one.get("fullUrl")
            if type(url) is str and part is not None and len(one) == 2:  # noqa: PLR2004 - these two, as nearly always
                self.envelope["Bundle.entry.fullUrl"] += 1
            else:
                self._count(one)
            resource = part.value if type(part) is Part else part
            if type(part) is Part and part.recognised is not None:
                yield Passing(part.text, part.recognised, base, start, number, scope, url if type(url) is str else "")
            elif resource is None and "resource" not in one and ("request" in one or "response" in one):
                yield from self._without(one, base, here, is_history=is_history)
            elif type(resource) is dict and resource.get("resourceType") in ("Bundle", "Parameters"):
                yield from self._one(resource, base, here, scope, depth + 1)
            else:
                item = Item(resource, base, here, scope, url if type(url) is str else "")
                item.text = part.text if type(part) is Part else b""
                if ("request" in one or "response" in one) and type(resource) is dict:
                    _complete(item, resource, one, is_history=is_history)
                yield item
        self._count_known(known)

    def _count_known(self, known: Counter[tuple[str, ...]]) -> None:
        """Count what packs resources that were recognised: a full URL, and the elements of a request."""
        for request, count in known.items():
            for path in ("Bundle.entry.fullUrl", *[step("Bundle.entry.request", name) for name in request]):
                self.envelope[path] += count

    def _count(self, one: Mapping[str, Any]) -> None:
        for name, inner in one.items():
            if name == "resource":
                continue
            if type(inner) is str and name == "fullUrl":
                self.envelope["Bundle.entry.fullUrl"] += 1
            else:
                leaves_of({name: inner}, "Bundle.entry", self.envelope)

    def _without(self, one: Mapping[str, Any], base: Place, here: str, *, is_history: bool) -> Iterator[Deletion]:
        """Yield the deletion that an entry without a resource is; the answer to another request is only counted."""
        request, response = one.get("request"), one.get("response")
        url = request.get("url") if isinstance(request, dict) and request.get("method") == "DELETE" else None
        if not isinstance(url, str):
            self._warnings.note("fhir.entry-without-resource")
            return
        at = response.get("lastModified") if isinstance(response, dict) else None
        place = msgspec.structs.replace(base, field=here.removesuffix("resource") + "request.url")
        yield Deletion(url, at if isinstance(at, str) else "", place, is_history=is_history)


def _complete(item: Item, resource: dict[str, Any], entry: Mapping[str, Any], *, is_history: bool) -> None:
    """Give a resource the id, version and time that only its entry tells (PUT to a URL, history)."""
    request, response = entry.get("request"), entry.get("response")
    if "id" not in resource and isinstance(request, dict) and request.get("method") == "PUT":
        kind, _, own = str(request.get("url", "")).partition("/")
        if kind == resource.get("resourceType") and own and "?" not in own:
            item.value = resource = {**resource, "id": own}
            item.added = ("id",)
    if not is_history or not isinstance(response, dict) or not isinstance(resource.get("meta", {}), dict):
        return
    meta = dict(resource.get("meta", {}))
    etag = response.get("etag")
    if "versionId" not in meta and isinstance(etag, str) and etag.startswith(_ETAG):
        meta["versionId"] = etag.removeprefix(_ETAG).removesuffix('"')
        item.added += ("meta.versionId",)
    if "lastUpdated" not in meta and isinstance(response.get("lastModified"), str):
        meta["lastUpdated"] = response["lastModified"]
        item.added += ("meta.lastUpdated",)
    if meta:
        item.value = {**resource, "meta": meta}


def _joined(field: str, step: str) -> str:
    return f"{field}.{step}" if field else step
