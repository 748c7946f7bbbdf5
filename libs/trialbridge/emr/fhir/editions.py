"""Which edition of FHIR something is of: by what it says of itself (media type, profiles), else by its elements."""

import re
from collections import Counter
from typing import Any, Final, NamedTuple, cast

from trialbridge.emr.fhir.checks import fits
from trialbridge.emr.fhir.elements import OLDER, Edition, edition_of_number, elements_of
from trialbridge.emr.fhir.rules import touches
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import rows

_PARAMETER: Final = re.compile(r';\s*fhirVersion\s*=\s*"?(\d+\.\d+)', re.IGNORECASE)
_ABSENT: Final = 1000
"""Misfits of a resource type that an edition does not have."""
_DEEPEST: Final = 40
_ALL: Final[tuple[Edition, ...]] = (*OLDER, "R4")


class Verdict(NamedTuple):
    """The edition of a resource, and whether anything but its invalidity as R4 speaks for it."""

    edition: Edition
    is_sure: bool


def label_of(media_type: str) -> Edition | None:
    """Return the edition that a media type names (``application/fhir+json; fhirVersion=3.0``), None where it names none."""
    found = _PARAMETER.search(media_type)
    return edition_of_number(found[1]) if found else None


def of_profiles(resource: Resource) -> Edition | None:
    """Return the edition that a resource's profiles belong to, None where they do not tell."""
    meta = resource.get("meta")
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    for one in claimed if isinstance(claimed, list) else ():
        for fragment, edition in rows("fhir_profiles"):
            if isinstance(one, str) and fragment in one:
                return cast("Edition", edition)
    return None


def misfits(value: Any, edition: Edition, kind: str, depth: int = 0) -> int:
    """Return how many elements are not as an edition has them: unknown, single where a list is due, plain where an object is."""
    elements = elements_of(edition, kind)
    if elements is None or depth > _DEEPEST:
        return _ABSENT
    count = 0
    for name, inner in value.items():
        if name in ("resourceType", "contained") or name.startswith("_"):
            continue
        element = elements.get(name)
        if element is None or element.several != isinstance(inner, list):
            count += 1
            continue
        for one in inner if isinstance(inner, list) else (inner,):
            if isinstance(one, dict) == element.is_primitive:
                count += 1
            elif isinstance(one, dict) and element.name not in ("Extension", "Resource"):
                count += misfits(one, edition, element.name, depth + 1)
    return count


class Votes:
    """What the resources of an entry say of their edition together."""

    def __init__(self, label: Edition | None) -> None:
        """Begin with what the entry says itself; R4 may be left out."""
        self.label: Edition | None = None if label in ("R4", "R4B") else label
        self._is_r4 = label is not None and self.label is None
        self._all: Counter[Edition] = Counter()

    def may_be(self, kind: str) -> bool:
        """Return whether a resource type that R4 does not have is one of another edition."""
        return any("implicitRules" in (elements_of(edition, kind) or ()) for edition in OLDER)

    def hear(self, resource: Resource) -> None:
        """Take a resource's word, before any verdict."""
        for edition in _ALL:
            self._all[edition] += misfits(resource, edition, resource["resourceType"])

    def verdict(self, resource: Resource) -> Verdict:
        """Return the edition of a resource that may not be R4."""
        if self._is_r4:
            return Verdict("R4", is_sure=True)
        own = self.label or of_profiles(resource)
        if own is None and fits(resource):
            return Verdict("R4", is_sure=True)
        if own is not None:
            return Verdict(own, is_sure=True)
        kind = resource["resourceType"]
        counts = {edition: misfits(resource, edition, kind) for edition in _ALL}
        best = min(OLDER, key=lambda edition: (counts[edition], self._all[edition], OLDER.index(edition)))
        if counts[best] < counts["R4"]:
            return Verdict(best, is_sure=counts[best] == 0)
        # It looks like R4 and is not valid: perhaps only a code is another edition's.
        others = [one for one in OLDER if counts[one] == counts["R4"] and touches(one, resource)]
        if others and counts["R4"] < _ABSENT:
            return Verdict(min(others, key=lambda one: (self._all[one], OLDER.index(one))), is_sure=False)
        return Verdict("R4", is_sure=True)
