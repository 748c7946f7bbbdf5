"""Turns the statements of an entry into resources: each by the rules of its kind, statements inside it into resources it refers to."""

from functools import cache
from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.ccda import contacts
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.finishing import FINISHERS
from trialbridge.emr.ccda.kinds import NO_RESOURCE, Kind, kind_of, kind_of_element, kinds
from trialbridge.emr.ccda.rules import apply, inner, put, slots
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import rows

RELATED: Final = "urn:trialbridge:fhir:related"
FAMILY_HISTORY: Final = "10157-6"
_OF_THE_PATIENT: Final = frozenset(
    {"Condition", "Observation", "Procedure", "MedicationStatement", "AllergyIntolerance"}
)
"""Types that tell of the patient whose record it is, and of nobody else."""
DEEPEST: Final = 12
"""Statements within statements; those below are kept raw."""
_PATIENT: Final = frozenset({"AllergyIntolerance", "Immunization", "FamilyMemberHistory", "SupplyDelivery"})
"""Types whose patient element is called so, not subject."""
_BY_CODE: Final = frozenset({"Observation", "DiagnosticReport"})
"""Types that keep their code through all corrections: it tells those apart that share an identifier."""


class Built:
    """A resource with the statement that it is made of."""

    __slots__ = ("concern", "node", "reference", "resource")

    def __init__(self, node: Node, resource: Resource, concern: Node | None = None) -> None:
        """Keep the two, and the act that the statement is the subject of."""
        self.node = node
        self.resource = resource
        self.concern = concern
        self.reference = {"reference": f"{resource['resourceType']}/{resource['id']}"}
        """The reference to the resource."""


def build_entry(statement: Node, document: Document) -> tuple[list[Built], list[Built]]:
    """Return the resources that stand for an entry's statement itself, and all that are made of it, those first.

    What stands in the section of family history, or has a relative as its subject, is not the patient's.
    """
    return _build(statement, document, None, 1, relative=document.section_code == FAMILY_HISTORY)


def _build(
    statement: Node, document: Document, concern: Node | None, depth: int, *, relative: bool
) -> tuple[list[Built], list[Built]]:
    kind = kind_of(statement)
    relative = relative or any(one.one("relatedSubject") is not None for one in statement.all("subject"))
    if depth == 1 and kind.name == "inline":
        kind = kind_of_element(statement)
    if depth > DEEPEST or (kind.resource == NO_RESOURCE and kind.name != "concern"):
        return [], []
    if relative and kind.resource in _OF_THE_PATIENT:
        kind = kinds()["other"]
    if kind.name == "concern":
        found = [_build(kid, document, statement, depth + 1, relative=relative) for _, kid in inner(statement)]
        return [one for tops, _ in found for one in tops], [one for _, every in found for one in every]
    built = Built(statement, _resource(kind, statement, document, concern), concern)
    every = [built]
    for _, kid in inner(statement):
        tops, more = _build(kid, document, None, depth + 1, relative=relative)
        for one in tops:
            _relate(built.resource, one)
        every += more
    return [built], every


def unread(statement: Node, document: Document) -> Built:
    """Return a Basic that keeps a statement of which no resource can be made."""
    return Built(statement, _resource(kinds()["other"], statement, document, None))


def _resource(kind: Kind, statement: Node, document: Document, concern: Node | None) -> Resource:
    of = [value for name, value in statement.attrs.items() if name in ("classCode", "moodCode")]
    resource: Resource = {
        "resourceType": made(kind.resource, *of),
        "id": identity(kind.resource, statement, document),
        "meta": document.stamp,
    }
    if kind.resource in _PATIENT:
        resource["patient"] = document.subject()
    else:
        resource["subject"] = document.subject()
    for name in kind.rules:
        apply(name, statement, document, resource)
    if concern is not None:
        apply("concern", concern, document, resource)
    finish = FINISHERS.get(kind.resource)
    if finish is not None:
        finish(resource, kind, statement, document, concern)
    return resource


def identity(resource: str, statement: Node, document: Document) -> str:
    """Return the id: of the statement's identifier, or where it has none of what it says when.

    Documents use one identifier for several statements; what differs is told apart by code, time and order.
    """
    key = contacts.key_of(statement.all("id"))
    by_code = resource in _BY_CODE
    about = ("", "") if key and not by_code else _about(statement)
    parts = [document.local, *(key or ("", *about))]
    if by_code:
        parts.append(about[0])
    base = document.id_of(resource, *parts)
    asked = document.used.setdefault((resource, base), {})
    place = asked.setdefault(statement.mark, len(asked))
    return base if place == 0 else document.id_of(resource, *parts, *_about(statement), str(place))


def _about(statement: Node) -> tuple[str, str]:
    """Return a statement's code (or what it is about) and time."""
    for name in ("code", "value"):
        node = statement.one(name)
        given = node.attrs.get("code") if node is not None else None
        if node is not None and given and (name == "value" or given != "ASSERTION"):
            code = f"{node.attrs.get('codeSystem') or ''}|{given}"
            break
    else:
        code = ""
    time = statement.one("effectiveTime")
    if time is None:
        return code, ""
    for end in (time, time.one("low"), time.one("center")):
        value = end.attrs.get("value") if end is not None else None
        if value:
            return code, str(value)
    return code, ""


@cache
def _relations() -> dict[tuple[str, str], str]:
    return {(mine, other): target for mine, other, target in rows("ccda_relations")}


def _relate(resource: Resource, other: Built) -> None:
    kind = str(resource["resourceType"])
    known = _relations()
    target = known.get((kind, str(other.resource["resourceType"]))) or known.get((kind, "*"))
    if target is None:
        value: Any = {"url": RELATED, "valueReference": other.reference}
        resource.setdefault("extension", []).append(value)
    else:
        put(resource, slots(target), other.reference)
