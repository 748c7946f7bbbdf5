"""Makes resources plain and checks them: one that fails is set aside, and nothing refers to it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from trialbridge.contracts.errors import Poison
from trialbridge.emr.account import confirm
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.entries import Built
from trialbridge.emr.ccda.plainness import Found, enter, settle
from trialbridge.emr.ccda.provenance import Authors
from trialbridge.emr.fhir.checks import check, fits
from trialbridge.emr.fhir.instants import may_be_beyond
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Resource


@dataclass(slots=True)
class Settled:
    """The resources of an entry after their checks."""

    resources: list[Resource] = field(default_factory=list)
    owners: dict[int, Resource] = field(default_factory=dict)
    """Good ones by the id() of the node that each is made of, the first of each."""
    good: list[Built] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    """The id() of the nodes whose resources are set aside."""
    errors: list[Poison] = field(default_factory=list)


def settle_all(built: Iterable[Built], authors: Authors | None, document: Document) -> Settled:
    """Check resources and enter into their leaves where they went."""
    settled = Settled()
    good: list[tuple[Built, Resource, Found]] = []
    refused: set[str] = set()

    def judge(one: Built, resource: Resource, found: Found) -> None:
        error = _fault(one, resource, document)
        if error is None:
            good.append((one, resource, found))
        else:
            settled.errors.append(error)
            settled.refused.add(id(one.node))
            refused.add(one.reference["reference"])

    # Each is checked right after it was made, while it is at hand.
    for one in built:
        judge(one, *settle(one.resource))
    known = 0
    while known < len(refused):
        known, waiting = len(refused), good
        good = []
        for one, resource, found in waiting:
            judge(one, _without(resource, refused), found)
    for one, resource, found in good:
        enter(found)
        if authors is not None:
            confirm(authors.enter(one.node, one.reference))
            if one.concern is not None:
                confirm(authors.enter(one.concern, one.reference))
        settled.resources.append(resource)
        settled.owners.setdefault(id(one.node), resource)
        settled.good.append(one)
    return settled


def _fault(one: Built, resource: Resource, document: Document) -> Poison | None:
    """Return what is wrong with a resource; its place is looked for only then."""
    if fits(resource) and not (document.edges and may_be_beyond(encode(resource))):
        return None
    try:
        check(resource, document.place(one.node))
    except Poison as error:
        return error
    return None


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
