"""When and how much: TQ1 into what is ordered, prescribed, given or booked."""

from typing import Any, Final

from trialbridge.emr.hl7v2.message import Segment
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.rules import apply
from trialbridge.emr.hl7v2.walk import Walk
from trialbridge.emr.records import Resource

Json = dict[str, Any]
_TIMING: Final = "urn:trialbridge:fhir:timing"


def timing(walk: Walk, tq1: Segment) -> None:
    """Read timing and quantity into what is prescribed, ordered, given or booked, in this order."""
    reading = walk.reading
    target = walk.medication or walk.request or walk.given or walk.appointment or walk.anchor
    if target is None:
        return
    kind = target["resourceType"]
    if kind == "Appointment":
        apply("TQ1/Appointment", tq1, target, reading)
        return
    found: Json = {}
    apply("TQ1/Timing", tq1, found, reading)
    if kind == "MedicationRequest":
        _prescribed(target, tq1, found, reading)
        return
    if kind == "ServiceRequest":
        apply("TQ1/ServiceRequest", tq1, target, reading)
        if found and not any(name.startswith("occurrence") for name in target):
            target["occurrenceTiming"] = found
            return
    else:
        more: Resource = {}
        apply("TQ1/Appointment", tq1, more, reading)
        target.setdefault("extension", []).extend(more.get("extension", ()))
    if found:
        target.setdefault("extension", []).append({"url": _TIMING, "valueTiming": found})


def _prescribed(target: Resource, tq1: Segment, found: Json, reading: Reading) -> None:
    """Add a dosage; the first TQ1 completes the one that the prescription has."""
    listed = target.setdefault("dosageInstruction", [{}])
    if "timing" in listed[0]:
        more: Resource = {"dosageInstruction": [{}]}
        apply("TQ1/MedicationRequest", tq1, more, reading)
        listed.append({**more.pop("dosageInstruction")[0], **({"timing": found} if found else {})})
        for name, value in more.items():
            target.setdefault(name, value)
    else:
        apply("TQ1/MedicationRequest", tq1, target, reading)
        if found:
            listed[0]["timing"] = found
    target["dosageInstruction"] = [one for one in listed if one]
    if not target["dosageInstruction"]:
        del target["dosageInstruction"]
