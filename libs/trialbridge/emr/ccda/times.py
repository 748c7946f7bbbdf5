"""Points in time of HL7 V3 (TS, IVL_TS) as FHIR dates and dateTimes: as precise as they are written, never more."""

from typing import Any

from trialbridge.emr.account import Leaf, made
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.moments import moment


def date_time(node: Node | None, document: Document, name: str = "value") -> Leaf | Any:
    """Return the dateTime of a TS's ``value``, None where it has none or where it was reported as ``ccda.bad-date``."""
    written = node.get(name) if node is not None else None
    if node is None or written is None:
        return None
    known = document.moments
    found = known.get(written)
    if found is None and written not in known:
        found = known[str(written)] = moment(written, document.zone)
        document.look_for_edges(found or "")
    if found is None:
        document.report("ccda.bad-date", "This is not a date or time of HL7 V3.", node, name)
        return None
    return made(found, written)


def date(node: Node | None, document: Document) -> Any:
    """Return the day of a TS, as far as it is known."""
    found = date_time(node, document)
    return made(found[:10], found) if found is not None else None


def period(node: Node, document: Document) -> dict[str, Any] | None:
    """Return the Period of an IVL_TS, None where neither end is known."""
    low, high = date_time(node.one("low"), document), date_time(node.one("high"), document)
    found = {}
    if low is not None:
        found["start"] = low
    if high is not None:
        found["end"] = high
    return found or None


def either(node: Node, document: Document) -> tuple[str, Any] | None:
    """Return ``DateTime`` or ``Period`` with its value: a point, an interval, or the middle of one."""
    point = date_time(node, document)
    if point is None:
        point = date_time(node.one("center"), document)
    if point is not None:
        return "DateTime", point
    found = period(node, document)
    return ("Period", found) if found is not None else None


def start(node: Node, document: Document) -> Any:
    """Return when something began: the low end, else the point."""
    low = date_time(node.one("low"), document)
    return low if low is not None else date_time(node, document)
