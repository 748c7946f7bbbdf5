"""How far a resource's status lets its facts go: stated, begun, uncertain, denied or silent (`tables/statuses.tsv`)."""

from typing import Final, Literal, cast

from trialbridge.emr.facts.read import codings
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import statuses

Reading = Literal["stated", "begun", "uncertain", "denied", "silent"]

_CAUTIOUS: Final[tuple[Reading, ...]] = ("silent", "denied", "uncertain", "begun", "stated")


def standing(resource: Resource) -> Reading:
    """Return how a resource reads by all of its status elements: the most cautious of them.

    A code that the table does not have, or one of several that says less, takes the word of the resource back.
    """
    kind = str(resource.get("resourceType"))
    elements = [(element, rows) for (of, element), rows in statuses().items() if of == kind]
    found = [rows.get(code, "silent") for element, rows in elements for code in _codes(resource.get(element))]
    return cast("Reading", min(found, key=_CAUTIOUS.index, default="stated"))


def _codes(value: object) -> list[str]:
    """Return the codes of a status, which is a code or a concept; ``-`` where there is none."""
    if isinstance(value, str):
        return [value]
    return [coding.code for coding in codings(value) if coding.code] or ["-"]
