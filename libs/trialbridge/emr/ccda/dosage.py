"""When a medication is taken: CDA's effectiveTime elements (IVL_TS, PIVL_TS, EIVL_TS, TS) as period and timing."""

from typing import Any, Final

from trialbridge.emr.account import Made, made
from trialbridge.emr.ccda import codes, times, values
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import triples

ONCE: Final = Made(1, ())
"""A PIVL_TS says how far apart doses are: one in each period."""


def add_timing(resource: Resource, dosage: str, statement: Node, document: Document) -> None:
    """Put the times of a substanceAdministration where they belong: its course as a whole, and the repetition of its doses."""
    unit = statement.one("administrationUnitCode")
    for node in statement.all("effectiveTime"):
        kind = node.get("xsi:type") or ("PIVL_TS" if node.one("period") is not None else "IVL_TS")
        if kind in ("PIVL_TS", "EIVL_TS", "SXPR_TS"):
            repeat = _repeat(node, document)
            if repeat:
                first = resource.setdefault(dosage, [{}])[0]
                first.setdefault("timing", {}).setdefault("repeat", {}).update(repeat)
        else:
            _course(resource, dosage, node, document)
    if unit is not None and dosage in resource:
        _dose_unit(resource[dosage][0], unit)


def _course(resource: Resource, dosage: str, node: Node, document: Document) -> None:
    found = times.either(node, document)
    if found is None:
        return
    if dosage == "dosage":
        if not any(key.startswith("effective") for key in resource):
            resource[f"effective{found[0]}"] = found[1]
        return
    timing = resource.setdefault(dosage, [{}])[0].setdefault("timing", {})
    if found[0] == "Period":
        timing.setdefault("repeat", {}).setdefault("boundsPeriod", found[1])
    else:
        timing.setdefault("event", []).append(found[1])


def _repeat(node: Node, document: Document) -> dict[str, Any]:
    event = node.one("event")
    when = codes.word(event, "event")
    if when is not None:
        return {"when": [when]}
    period = node.one("period")
    if period is None:
        return {}
    low, high = period.one("low"), period.one("high")
    shortest = values.number(low if low is not None else period, document)
    unit = (low if low is not None else period).get("unit")
    word = triples("ccda_codes").get(("timeUnit", str(unit)))
    if shortest is None or word is None:
        return {}
    found: dict[str, Any] = {"frequency": ONCE, "period": shortest, "periodUnit": made(word, unit)}
    longest = values.number(high, document) if high is not None else None
    if longest is not None and high is not None and high.get("unit") == unit:
        found["periodMax"] = longest
    return found


def _dose_unit(dosage: dict[str, Any], unit: Node) -> None:
    """Say what is counted (tablets, puffs) where the dose itself has no unit."""
    coding = codes.coding(unit)
    if coding is None:
        return
    named: dict[str, Any] = {"unit": coding.get("display") or coding.get("code")}
    if "system" in coding:
        named |= {"system": coding["system"], "code": coding["code"]}
    for rate in dosage.get("doseAndRate", ()):
        ends = (rate.get("doseQuantity"), *(rate.get("doseRange", {}).get(end) for end in ("low", "high")))
        for quantity in ends:
            if quantity is not None and "unit" not in quantity:
                quantity.update(named)
