"""Provenance: who had which part in the document, and who wrote each entry when."""

from collections.abc import Iterator
from typing import Any, Final

from trialbridge.emr.account import Leaf, leaves_of
from trialbridge.emr.ccda import contacts, times
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.header import PARTS, PROFESSIONAL, ROLES, document_key
from trialbridge.emr.ccda.required import UNKNOWN
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource

_HEADER: Final = (
    ("author", "assignedAuthor", "AUT"),
    ("dataEnterer", "assignedEntity", "ENT"),
    ("informant", "assignedEntity", "INF"),
    ("informant", "relatedEntity", "INF"),
    ("informationRecipient", "intendedRecipient", "IRCP"),
    ("legalAuthenticator", "assignedEntity", "LA"),
    ("authenticator", "assignedEntity", "AUTHEN"),
)
"""Participations of the header, the role in each, and the part (v3 ParticipationType) that it is."""


def _agent(who: dict[str, str], part: Any) -> dict[str, Any]:
    return {"type": {"coding": [{"system": PARTS, "code": part}]}, "who": who}


def of_document(root: Node, document: Document, target: dict[str, str]) -> Resource:
    """Return the Provenance of the document as a whole; relatives become persons of their own on the way."""
    agents: list[dict[str, Any]] = []
    for name, role, part in _HEADER:
        for node in root.all(name):
            for one in node.all(role):
                own = role == "relatedEntity"
                who = document.actors.related(one, _relation(one)) if own else document.actors.of(one)
                if who is not None:
                    agents.append(_agent(who, part))
    agents += _participants(root, document)
    when = times.date_time(root.one("effectiveTime"), document)
    found: dict[str, Any] = {
        "resourceType": "Provenance",
        "id": document.id_of("Provenance", *document_key(root, document)),
        "meta": document.stamp,
        "target": [target],
        **_recorded(when, document),
        "agent": agents or [{"who": UNKNOWN}],
    }
    numbers = contacts.identifiers(root.all("id"))
    if numbers:
        found["entity"] = [{"role": "source", "what": {"identifier": numbers[0]}}]
    return found


def _participants(root: Node, document: Document) -> Iterator[dict[str, Any]]:
    for node in root.all("participant"):
        role = node.one("associatedEntity")
        if role is None:
            continue
        own = str(role.get("classCode")) not in PROFESSIONAL
        who = document.actors.related(role, _relation(role), node.one("time")) if own else document.actors.of(role)
        if who is not None:
            yield _agent(who, node.get("typeCode") or "IND")


def _relation(role: Node) -> dict[str, Any] | None:
    code = role.get("classCode")
    return {"coding": [{"system": ROLES, "code": code}]} if code is not None else None


def _recorded(when: Any, document: Document) -> dict[str, Any]:
    """Return ``recorded``, which FHIR wants to the second: a time that is known less well is when it occurred."""
    if when is not None and "T" in when:
        return {"recorded": when}
    found: dict[str, Any] = {"recorded": document.feed.received}
    return {**found, "occurredDateTime": when} if when is not None else found


_WHO: Final = (
    ("author", "assignedAuthor", "AUT"),
    ("informant", "assignedEntity", "INF"),
    ("performer", "assignedEntity", "PRF"),
)
"""Participations of a statement; a performer is here where its resource has no element for one."""
_PARTS: Final = frozenset(name for name, _, _ in _WHO)
_PERFORMED: Final = frozenset({"MedicationStatement", "MedicationRequest", "Condition", "AllergyIntolerance", "Goal"})


class Authors:
    """Who wrote which entries when: entries of one author and time share a Provenance."""

    def __init__(self, document: Document) -> None:
        """Begin with nobody."""
        self._document = document
        self._targets: dict[tuple[str, str, str], dict[str, None]] = {}

    def enter(self, statement: Node, target: dict[str, str]) -> list[tuple[Leaf, str]]:
        """Note who wrote a statement; return the leaves of the times, which are in the Provenance."""
        leaves: list[tuple[Leaf, str]] = []
        if _PARTS.isdisjoint(statement.by):
            return leaves
        performed = target["reference"].partition("/")[0] in _PERFORMED
        for name, role_name, part in _WHO:
            if name == "performer" and not performed:
                continue
            for node in statement.all(name):
                leaves += self._one(node, role_name, part, target["reference"])
        return leaves

    def _one(self, node: Node, role_name: str, part: str, target: str) -> list[tuple[Leaf, str]]:
        role = node.one(role_name)
        who = self._document.actors.of(role) if role is not None else None
        when = times.date_time(node.one("time"), self._document)
        if who is None:
            return []
        self._targets.setdefault((who["reference"], str(when or ""), part), {})[target] = None
        if when is None:
            return []
        path = "Provenance.recorded" if "T" in when else "Provenance.occurredDateTime"
        return [(one, path) for one in leaves_of(when)]

    def resources(self, root: Node) -> Iterator[Resource]:
        """Yield a Provenance for each author and time."""
        for (who, when, part), targets in self._targets.items():
            yield {
                "resourceType": "Provenance",
                "id": self._document.id_of("Provenance", *document_key(root, self._document), who, when, part),
                "meta": self._document.stamp,
                "target": [{"reference": one} for one in targets],
                **_recorded(when or None, self._document),
                "agent": [_agent({"reference": who}, part)],
            }
