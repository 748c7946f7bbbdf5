"""OBX segments of an ORU to FHIR Observations, each under its order."""

import re
from collections.abc import Iterator
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.hl7v2 import datatypes as dt
from trialbridge.emr.hl7v2.message import Message, Segment
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Feed, Resource, SetAside, Warnings

STATUS: Final = {
    "F": "final", "C": "corrected", "P": "preliminary", "R": "registered", "S": "preliminary", "A": "amended", "U": "final",
    "W": "entered-in-error", "D": "entered-in-error", "": "final", "I": "registered", "V": "final",
}  # fmt: skip
"""HL7 table 0085 to the FHIR observation status; X (no result) and N (not asked) give no observation."""
_RANGE: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)\s*")
_COMPARED: Final = re.compile(r"\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*")
_INTEGERS: Final = frozenset({"89247-1", "89243-0", "89245-5"})
"""Scores without a unit: ECOG, Karnofsky, Lansky."""
OBX: Final = "x-application/hl7-v2+er7; one OBX"


def observations(
    message: Message, local: str, patient: str, stamp: dict[str, str], entry: str, number: int, feed: Feed, warnings: Warnings,
    aside: list[SetAside],
) -> Iterator[tuple[Resource, Place]]:  # fmt: skip
    """Yield the observations of a message; a bad one is put into ``aside`` and the next one goes on."""
    order: Segment | None = None
    for segment in message.segments:
        if segment.name == "OBR":
            order = segment
        elif segment.name == "OBX":
            try:
                found = _observation(segment, order, local, patient, stamp, entry, number, feed, warnings)
            except Poison as error:
                aside.append(SetAside(error, segment.marks.field.join(segment.fields).encode(), OBX))
                continue
            if found is not None:
                yield found, segment.place(entry, number)


def _observation(
    obx: Segment, order: Segment | None, local: str, patient: str, stamp: dict[str, str], entry: str, number: int, feed: Feed,
    warnings: Warnings,
) -> Resource | None:  # fmt: skip
    code = dt.concept(obx.first(3))
    status = STATUS.get(obx.field(11).strip().upper())
    if code is None:
        raise Poison("v2.no-code", "OBX-3 does not say what was observed.", obx.place(entry, number, 3))
    if status is None:
        warnings.note("v2.no-result")
        return None
    on = _time(obx, order, entry, number)
    placed = (order.first(3).part(1) or order.first(2).part(1)) if order else ""
    key = (local, placed, obx.first(3).part(1), obx.field(4), on)
    found: Resource = {
        "resourceType": "Observation",
        "id": resource_id(feed.source, "Observation", *key),
        "meta": dict(stamp),
        "status": status,
        "code": code,
        "subject": {"reference": f"Patient/{patient}"},
    }
    if on:
        found["effectiveDateTime"] = on
    found |= _value(obx, entry, number, warnings)
    limits = _RANGE.fullmatch(obx.field(7))
    if limits is not None:
        low, high = (dt.number(text, obx.place(entry, number, 7)) for text in limits.groups())
        found["referenceRange"] = [{"low": _quantity(low, obx), "high": _quantity(high, obx)}]
    elif obx.field(7):
        found["referenceRange"] = [{"text": obx.first(7).part(1)}]
    return found


def _time(obx: Segment, order: Segment | None, entry: str, number: int) -> str:
    for segment, field in ((obx, 14), (order, 7), (order, 22)):
        if segment is not None and segment.field(field):
            return dt.timestamp(segment.first(field).part(1), segment.place(entry, number, field))
    return ""


def _value(obx: Segment, entry: str, number: int, warnings: Warnings) -> dict[str, Any]:  # noqa: PLR0911 - one for each OBX-2 type
    kind, first = obx.field(2).strip().upper(), obx.first(5)
    if not obx.field(5):
        return {}
    if kind == "NM":
        value = dt.number(first.part(1), obx.place(entry, number, 5))
        if obx.first(3).part(1) in _INTEGERS and value == value.to_integral_value():
            return {"valueInteger": int(value)}
        return {"valueQuantity": _quantity(value, obx)}
    if kind == "SN":
        sign = first.part(1).strip()
        quantity = _quantity(dt.number(first.part(2), obx.place(entry, number, 5)), obx)
        return {"valueQuantity": {**({"comparator": sign} if sign in ("<", "<=", ">", ">=") else {}), **quantity}}
    if kind in ("CE", "CWE", "CNE", "IS"):
        coded = dt.concept(first)
        return {"valueCodeableConcept": coded} if coded else {}
    compared = _COMPARED.fullmatch(first.part(1))
    if compared is not None and obx.field(6):
        quantity = _quantity(dt.number(compared[2], obx.place(entry, number, 5)), obx)
        return {"valueQuantity": {"comparator": compared[1], **quantity}}
    if kind in ("DT", "TS", "DTM"):
        return {"valueDateTime": dt.timestamp(first.part(1), obx.place(entry, number, 5))}
    if kind not in ("ST", "TX", "FT", ""):
        warnings.note("v2.value-as-text")
    text = "\n".join(one.part(1) or one.raw for one in obx.repetitions(5))
    return {"valueString": text} if text else {}


def _quantity(value: Any, obx: Segment) -> dict[str, Any]:
    unit = obx.first(6)
    found: dict[str, Any] = {"value": value}
    if unit.part(1):
        found |= {"unit": unit.part(2) or unit.part(1), "system": "http://unitsofmeasure.org", "code": unit.part(1)}
    return found
