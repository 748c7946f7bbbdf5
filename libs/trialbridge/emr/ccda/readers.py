"""The datatypes that the mapping table names: each reads a node into a FHIR value, or into nothing."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from trialbridge.emr.account import made
from trialbridge.emr.ccda import codes, contacts, times, values
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.narrative import paragraph
from trialbridge.emr.ccda.xmltree import Node


class Choice(NamedTuple):
    """The ending of an element such as value[x], and its value."""

    ending: str
    value: Any


Reader = Callable[[Node, Document, str], Any]


def _choice(found: tuple[str, Any] | None, allowed: str) -> Choice | None:
    if found is None or (allowed and found[0] not in allowed.split()):
        return None
    return Choice(*found)


def _concept(node: Node, document: Document, argument: str) -> Any:
    if (
        argument == "known"
        and "nullFlavor" in node.attrs
        and node.one("originalText") is None
        and not node.all("translation")
    ):
        return None
    return codes.concept(node, document)


def _words(node: Node, document: Document, _: str) -> Any:
    return node.text or document.referred(node) or node.get("value")


def _note(node: Node, document: Document, _: str) -> Any:
    words = node.text or document.referred(node)
    return {"text": words} if words else None


def _narrative(node: Node, document: Document, _: str) -> Any:
    words = document.referred(node) or node.text
    return {"status": "additional", "div": made(paragraph(words), words)} if words else None


def _time(node: Node, document: Document, allowed: str) -> Any:
    return _choice(times.either(node, document), allowed)


def _period(node: Node, document: Document, _: str) -> Any:
    found = times.period(node, document)
    point = times.date_time(node, document) if found is None else None
    return {"start": point} if point is not None else found


def _value(node: Node, document: Document, allowed: str) -> Any:
    return _choice(values.value(node, document), allowed)


def _dose(node: Node, document: Document, _: str) -> Any:
    return _choice(values.compared(node, document), "Quantity Range")


def _ratio(node: Node, document: Document, _: str) -> Any:
    found = values.value(node, document) if "xsi:type" in node.attrs else None
    if found is not None and found[0] == "Ratio":
        return found[1]
    ends = {name: node.one(name) for name in ("numerator", "denominator")}
    shown = {name: values.quantity(one, document) for name, one in ends.items() if one is not None}
    return shown if len(shown) == len(ends) and all(shown.values()) else None


def _coded(node: Node, document: Document, _: str) -> Any:
    found = values.value(node, document)
    return found[1] if found is not None and found[0] == "CodeableConcept" else None


READERS: Final[Mapping[str, Reader]] = {
    "actor": lambda node, document, _: document.actors.of(node, alone=False),
    "age": lambda node, document, _: values.quantity(node, document),
    "anybody": lambda node, document, _: document.actors.of(node),
    "code": lambda node, _, table: codes.word(node, table),
    "coded": _coded,
    "concept": _concept,
    "count": lambda node, _, __: values.positive(node),
    "date": lambda node, document, _: times.date(node, document),
    "dateTime": lambda node, document, _: times.date_time(node, document),
    "dose": _dose,
    "identifier": lambda node, _, __: contacts.identifier(node),
    "location": lambda node, document, _: document.actors.location(node),
    "narrative": _narrative,
    "note": _note,
    "organization": lambda node, document, _: document.actors.organization(node),
    "period": _period,
    "quantity": lambda node, document, _: values.quantity(node, document),
    "range": lambda node, document, _: values.reference_range(node, document),
    "ratio": _ratio,
    "start": lambda node, document, _: times.start(node, document),
    "time": _time,
    "value": _value,
    "words": _words,
}
