"""The newest version of each resource: what a patient's records are when the same resource comes several times."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from trialbridge.emr.jsontext import canonical
from trialbridge.emr.records import Resource


def newest(resources: Iterable[Resource]) -> list[Resource]:
    """Return one version of each resource, the Patient first, then by type and id: the same in whatever order they came.

    The latest ``meta.lastUpdated`` wins, then the highest ``meta.versionId``, then the greater content.
    """
    found: dict[tuple[str, str], Resource] = {}
    for resource in resources:
        key = (str(resource.get("resourceType")), str(resource.get("id")))
        known = found.get(key)
        if known is None or (known is not resource and age(known) < age(resource)):
            found[key] = resource
    return [found[key] for key in sorted(found, key=lambda key: (key[0] != "Patient", *key))]


def age(resource: Resource) -> tuple[str, int, bytes]:
    """Return what makes a version newer than another: time, version number, content."""
    given = resource.get("meta")
    meta: Mapping[str, Any] = given if isinstance(given, dict) else {}
    number = str(meta.get("versionId", ""))
    version = int(number) if number.isascii() and number.isdigit() and len(number) <= 18 else 0  # noqa: PLR2004 - a 64-bit number
    return instant(meta.get("lastUpdated")), version, canonical(resource)


def instant(time: Any) -> str:
    """Return a sortable form of a FHIR instant in UTC; empty where it is none."""
    try:
        moment = datetime.fromisoformat(time) if isinstance(time, str) else None
    except ValueError:
        moment = None
    if moment is None:
        return ""
    zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    try:
        return zoned.astimezone(UTC).isoformat(timespec="microseconds")
    except OverflowError:
        return ""
