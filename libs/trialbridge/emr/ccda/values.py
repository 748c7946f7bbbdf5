"""Measured and other values (PQ, IVL_PQ, RTO, CD, ST, TS …) as FHIR's value[x]; numbers keep their digits."""

import re
from decimal import Decimal
from typing import Any, Final

from trialbridge.emr.account import Leaf, Made, made
from trialbridge.emr.ccda import codes, times
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.xmltree import Node

UCUM: Final = "http://unitsofmeasure.org"
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_TRUE: Final = {"true": True, "1": True, "false": False, "0": False}

Choice = tuple[str, Any]
"""The ending of value[x] and the value."""


def number(node: Node, document: Document, name: str = "value") -> Made | None:
    """Return a number with its digits, None where there is none or where it was reported as ``ccda.bad-number``."""
    written = node.get(name)
    if written is None:
        return None
    if _NUMBER.fullmatch(written) is None:
        document.report("ccda.bad-number", "This is not a number.", node, name)
        return None
    return Made(Decimal(written), (written,))


def quantity(node: Node, document: Document) -> dict[str, Any] | None:
    """Return a Quantity of a PQ; its unit is UCUM's as HL7 V3 has it."""
    value = number(node, document)
    if value is None:
        return None
    return {"value": value, **unit(node.get("unit") or node.get("currency"))}


def unit(written: Leaf | None) -> dict[str, Any]:
    """Return ``unit`` and, where it can be UCUM, ``system`` and ``code``."""
    if written is None:
        return {}
    if len(written.split()) > 1:
        return {"unit": written}
    return {"unit": written, "system": UCUM, "code": written}


def compared(node: Node, document: Document) -> Choice | None:
    """Return an IVL_PQ: both ends are a Range, one is a Quantity with its comparator, none but a center that."""
    low, high = node.one("low"), node.one("high")
    below = quantity(low, document) if low is not None else None
    above = quantity(high, document) if high is not None else None
    if below is not None and above is not None:
        return "Range", {"low": below, "high": above}
    for one, end, signs in ((below, low, (">=", ">")), (above, high, ("<=", "<"))):
        if one is not None and end is not None:
            inclusive = end.get("inclusive")
            open_end = inclusive is not None and inclusive.lower() == "false"
            return "Quantity", {"comparator": made(signs[open_end], inclusive, *one["value"].of), **one}
    center = node.one("center")
    found = quantity(center if center is not None else node, document)
    return ("Quantity", found) if found is not None else None


def value(node: Node, document: Document) -> Choice | None:
    """Return an observation's value by its ``xsi:type``, by its content where it names none; None where it has none."""
    if "nullFlavor" in node.attrs and not node.kids and len(node.attrs) < 3:  # noqa: PLR2004 - nothing but its type and why it is null
        return None
    reader = _READERS.get(node.get("xsi:type") or _guessed(node))
    return reader(node, document) if reader is not None else None


def _guessed(node: Node) -> str:
    if "code" in node.attrs:
        return "CD"
    if "value" in node.attrs:
        return "PQ"
    return "IVL_PQ" if node.one("low") is not None or node.one("high") is not None else "ST"


def _coded(node: Node, document: Document) -> Choice | None:
    found = codes.concept(node, document)
    return ("CodeableConcept", found) if found is not None else None


def _quantity(node: Node, document: Document) -> Choice | None:
    found = quantity(node, document)
    return ("Quantity", found) if found is not None else None


def _integer(node: Node, document: Document) -> Choice | None:
    written = node.get("value")
    if written is None:
        return None
    if _INTEGER.fullmatch(written) is None:
        return _quantity(node, document)
    return "Integer", Made(int(written), (written,))


def positive(node: Node) -> Made | None:
    """Return a whole number above 0, of a number or of a range's low end; None where there is none."""
    low = node.one("low")
    written = node.get("value") or (low.get("value") if low is not None else None)
    if written is None or _INTEGER.fullmatch(written) is None or int(written) < 1:
        return None
    return Made(int(written), (written,))


def _text(node: Node, document: Document) -> Choice | None:
    found = node.text or document.referred(node) or node.get("value")
    return ("String", found) if found else None


def _time(node: Node, document: Document) -> Choice | None:
    return times.either(node, document)


def _flag(node: Node, _: Document) -> Choice | None:
    written = node.get("value")
    found = _TRUE.get(written.lower()) if written is not None else None
    if written is None or found is None:
        return None
    return "Boolean", Made(found, (written,))


def _ratio(node: Node, document: Document) -> Choice | None:
    ends = {name: node.one(name) for name in ("numerator", "denominator")}
    found = {
        name: one for name, end in ends.items() if end is not None and (one := quantity(end, document)) is not None
    }
    return ("Ratio", found) if len(found) == len(ends) else None


_READERS: Final = {
    **dict.fromkeys(("CD", "CE", "CV", "CO", "CS", "SC"), _coded),
    **dict.fromkeys(("PQ", "REAL", "MO"), _quantity),
    **dict.fromkeys(("ST", "ED", "BIN", "URL", "TEL"), _text),
    **dict.fromkeys(("TS", "IVL_TS", "PIVL_TS"), _time),
    **dict.fromkeys(("RTO", "RTO_PQ_PQ", "RTO_QTY_QTY"), _ratio),
    "IVL_PQ": compared, "IVL_REAL": compared, "IVL_INT": compared, "INT": _integer, "BL": _flag,
}  # fmt: skip


def reference_range(node: Node, document: Document) -> dict[str, Any] | None:
    """Return one referenceRange, None where it is empty."""
    inner = node.one("observationRange")
    if inner is None:
        return None
    found: dict[str, Any] = {}
    limits = inner.one("value")
    for end in ("low", "high"):
        one = limits.one(end) if limits is not None else None
        shown = quantity(one, document) if one is not None else None
        if shown is not None:
            found[end] = shown
    code = inner.one("interpretationCode") or inner.one("code")
    meaning = codes.concept(code, document) if code is not None and "nullFlavor" not in code.attrs else None
    if meaning is not None:
        found["type"] = meaning
    text = inner.one("text")
    words = (text.text or document.referred(text)) if text is not None else None
    if words is None and limits is not None and not found:
        words = limits.text or limits.get("displayName")
    if words is not None:
        found["text"] = words
    return found if set(found) - {"type"} else None
