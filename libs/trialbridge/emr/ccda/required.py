"""What nearly every resource needs: a status, a category, a code, and what to say where the document says nothing."""

from functools import cache
from typing import Any, Final

from trialbridge.emr.ccda import codes
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.kinds import Kind
from trialbridge.emr.ccda.rules import TEMPLATES, has_template, inner
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import rows

UNKNOWN: Final = {"extension": [{"url": codes.ABSENT, "valueCode": "unknown"}]}
"""A required element of which the document says nothing."""


@cache
def categories() -> dict[str, dict[str, Any]]:
    """Return the categories by kind of statement or code of section."""
    return {name: {"coding": [{"system": system, "code": code}]} for name, system, code in rows("ccda_categories")}


def set_status(resource: Resource, kind: Kind, statement: Node) -> None:
    """Set the status by the kind's table."""
    found = codes.word(statement.one("statusCode"), kind.statuses)
    resource["status"] = found if found is not None else kind.status


def whole_of(node: Node | None) -> tuple[str, ...]:
    """Return the leaves of a coded value that may be absent."""
    return codes.whole(node) if node is not None else ()


def negated(statement: Node) -> str | None:
    """Return the negation indicator where it negates."""
    given = statement.get("negationInd")
    return given if given is not None and given.lower() in ("true", "1") else None


def inside(statement: Node, template: str) -> Node | None:
    """Return the first statement inside with a template of C-CDA, by the end of its OID."""
    return next((kid for _, kid in inner(statement) if has_template(kid, TEMPLATES + template)), None)


def name_it(resource: Resource, element: str, statement: Node, document: Document) -> None:
    """Say by words, or at least that it is unknown, what a required concept does not say by code."""
    if element not in resource:
        text = statement.one("text")
        words = (text.text or document.referred(text)) if text is not None else None
        resource[element] = {"text": words} if words else UNKNOWN
