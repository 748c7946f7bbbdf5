"""Deletions of transactions and histories retract what they name: the resource stays, and says that it was entered in error."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from trialbridge.contracts.errors import Poison
from trialbridge.emr.fhir.checks import fits
from trialbridge.emr.fhir.good import Good
from trialbridge.emr.fhir.items import Deletion
from trialbridge.emr.fhir.links import target_of
from trialbridge.emr.fhir.settling import SUPERSEDED, forget_rows, forget_same
from trialbridge.emr.fhir.shapes import SHAPES, leaves_of, rows_of
from trialbridge.emr.newest import instant
from trialbridge.emr.records import Resource, SetAside, Warnings
from trialbridge.emr.tables.rows import rows

REQUEST: Final = "application/fhir+json; one request"
DELETED: Final = "fhir.deleted"


def without_deleted(
    good: Sequence[Good], deletions: Iterable[Deletion], warnings: Warnings
) -> tuple[list[Good], list[SetAside]]:
    """Return the resources with the deleted ones retracted, and the deletions of what is not in the input."""
    refused = []
    found = list(good)
    for one in deletions:
        target = target_of(one.target)
        versions = [each for each in found if each.name == target]
        if not versions:
            message = "What is deleted here is not in the input; deliver it once more, entered in error."
            refused.append(SetAside(Poison("fhir.deletion-elsewhere", message, one.place), b"", REQUEST))
            continue
        last = max(versions, key=lambda each: instant(_meta(each.resource).get("lastUpdated")))
        if one.at and instant(one.at) < instant(_meta(last.resource).get("lastUpdated")):
            continue  # it came back later
        for each in versions:
            if each is not last:
                _forget(each, warnings, SUPERSEDED)
        retracted = _retracted(last.resource, one.at)
        if retracted is None:
            warnings.note(DELETED)
            _forget(last, warnings, DELETED)
            found = [each for each in found if each.name != target]
            continue
        _replaced(last, retracted, warnings)
        found = [each for each in found if each.name != target or each is last]
    return found, refused


def _forget(good: Good, warnings: Warnings, reason: str) -> None:
    """Count the leaves of a resource that is left out as dropped."""
    if good.rows is None:
        forget_same(good.resource, warnings.account, reason)
    else:
        forget_rows(good.rows, warnings.account, reason)


def _replaced(good: Good, retracted: Resource, warnings: Warnings) -> None:
    """Put the retracted version in the place of a resource; what it said instead counts as dropped."""
    before, kind = good.resource, good.resource["resourceType"]
    changed = {name: value for name, value in before.items() if name != "meta" and retracted.get(name) != value}
    if "lastUpdated" in _meta(before) and _meta(before) != _meta(retracted):
        changed["meta"] = {"lastUpdated": ""}
    paths: Counter[str] = Counter()
    leaves_of(changed, kind, paths)
    good.resource = retracted
    if good.rows is None:
        SHAPES.walk(before, warnings.account.same, -1)
        good.rows = rows_of(before)
    left = ((source, fate, tuple(one for one in where if one not in paths)) for source, fate, where in good.rows)
    good.rows = tuple((source, fate if where else "dropped", where or (DELETED,)) for source, fate, where in left)


def _meta(resource: Resource) -> dict[str, Any]:
    meta = resource.get("meta")
    return meta if isinstance(meta, dict) else {}


def _retracted(resource: Resource, at: str) -> Resource | None:
    """Return a resource that says that it does not hold, None where its type cannot say so."""
    row = next((row for row in rows("fhir_retractions") if row[0] == resource["resourceType"]), None)
    if row is None:
        return None
    _, element, system, code = row
    value: Any = {"coding": [{"system": system, "code": code}]} if system else False if code == "false" else code
    found = {**resource, element: value}
    found.pop(f"_{element}", None)
    if system:
        # Neither a condition nor an allergy may say that it is active and entered in error (con-5, ait-2).
        found.pop("clinicalStatus", None)
    if at:
        dated = {**found, "meta": {**_meta(resource), "lastUpdated": at}}
        found = dated if fits(dated) else found
    return found
