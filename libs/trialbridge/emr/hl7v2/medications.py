"""Medication: RXO, RXE, RXD, RXA, RXR and RXC to requests, dispenses, administrations and immunizations."""

from typing import Any

from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.message import Segment
from trialbridge.emr.hl7v2.orders import numbers_of
from trialbridge.emr.hl7v2.rules import apply
from trialbridge.emr.hl7v2.state import reference_to
from trialbridge.emr.hl7v2.walk import Walk
from trialbridge.emr.records import Resource

Json = dict[str, Any]


def prescription(walk: Walk, segment: Segment) -> None:
    """Read what is prescribed: a MedicationRequest; an RXE that follows an RXO has one of its own."""
    reading = walk.reading
    field = 2 if segment.name == "RXE" else 1
    placer, filler = numbers_of(walk.order, None)
    code = str(segment.get(field) or segment.get(field, 2))
    found = walk.make("MedicationRequest", segment, segment.name, placer or filler, code)
    if walk.order is not None:
        apply("ORC/MedicationRequest", walk.order, found, reading)
    apply(f"{segment.name}/MedicationRequest", segment, found, reading)
    found.setdefault("status", "unknown")
    found.setdefault("intent", "order")
    if not any(name.startswith("medication") for name in found):
        found["medicationCodeableConcept"] = {"text": "unknown"}
    found |= walk.visit()
    walk.medication = walk.anchor = found


def dispensed(walk: Walk, rxd: Segment) -> None:
    """Make the MedicationDispense."""
    placer, filler = numbers_of(walk.order, None)
    key = (str(rxd.get(7)) or filler or placer, str(rxd.get(2)), str(rxd.get(3)))
    found = walk.make("MedicationDispense", rxd, *key)
    apply("RXD/MedicationDispense", rxd, found, walk.reading)
    if not any(name.startswith("medication") for name in found):
        found["medicationCodeableConcept"] = {"text": "unknown"}
    if walk.medication is not None:
        found["authorizingPrescription"] = [reference_to(walk.medication)]
    elif walk.order is not None:
        _ordered_by(walk, found)
    walk.anchor = walk.given = found


def _ordered_by(walk: Walk, found: Resource) -> None:
    """Say by its number which order something belongs to."""
    orc = walk.order
    rep = orc.first(2) if orc is not None and orc.field(2) else None
    known = values.entity(rep, "PLAC") if rep is not None else None
    if known is not None:
        name = "authorizingPrescription" if found["resourceType"] == "MedicationDispense" else "request"
        link = {"type": "MedicationRequest", "identifier": known}
        found[name] = [link] if name == "authorizingPrescription" else link


def administered(walk: Walk, rxa: Segment) -> None:
    """Make the Immunization of a vaccination message, else the MedicationAdministration."""
    reading = walk.reading
    placer, filler = numbers_of(walk.order, None)
    key = (filler or placer, str(rxa.get(5) or rxa.get(5, 2)), str(rxa.get(3)))
    if walk.kind.startswith("VXU") or walk.kind.startswith("VXR"):
        found = walk.make("Immunization", rxa, *key, subject="patient")
        apply("RXA/Immunization", rxa, found, reading)
        if walk.order is not None:
            apply("ORC/Immunization", walk.order, found, reading)
        if not any(name.startswith("occurrence") for name in found):
            found["occurrenceString"] = "unknown"
        found.setdefault("vaccineCode", {"text": "unknown"})
    else:
        found = walk.make("MedicationAdministration", rxa, *key)
        apply("RXA/MedicationAdministration", rxa, found, reading)
        if walk.order is not None:
            apply("ORC/MedicationAdministration", walk.order, found, reading)
            _ordered_by(walk, found)
        if not any(name.startswith("effective") for name in found):
            found["effectiveDateTime"] = reading.stamp["lastUpdated"]
        if not any(name.startswith("medication") for name in found):
            found["medicationCodeableConcept"] = {"text": "unknown"}
        if walk.encounter is not None:
            found["context"] = reference_to(walk.encounter)
    walk.given = walk.anchor = found


def route(walk: Walk, rxr: Segment) -> None:
    """Read the route into what is prescribed or given before it."""
    target = walk.given or walk.medication
    if target is None:
        return
    kind = target["resourceType"]
    if kind in ("Immunization", "MedicationAdministration"):
        apply(f"RXR/{kind}", rxr, target, walk.reading)
        if kind == "MedicationAdministration" and not target.get("dosage"):
            target.pop("dosage", None)
        return
    found: Json = {}
    apply("RXR/Dosage", rxr, found, walk.reading)
    listed = target.setdefault("dosageInstruction", [{}])
    free = next((one for one in listed if "route" not in one), None)
    if free is None:
        free = {}
        listed.append(free)
    for name, value in found.items():
        free[name] = [*free.get(name, []), *value] if isinstance(value, list) else free.get(name, value)


def component(walk: Walk, rxc: Segment) -> None:
    """Read a component of a medication: an ingredient of a contained Medication."""
    target = walk.given or walk.medication
    if target is None:
        return
    found: Json = {}
    apply("RXC/Medication", rxc, found, walk.reading)
    strength = found.get("strength")
    if strength:
        strength["denominator"] = {"value": 1}
    found.setdefault("itemCodeableConcept", {"text": "unknown"})
    whole = next((one for one in target.get("contained", ())), None)
    if whole is None:
        whole = {"resourceType": "Medication", "id": "medication", "ingredient": []}
        target["contained"] = [whole]
        code = target.get("medicationCodeableConcept")
        if code is not None:
            whole["code"] = code
        target.setdefault("extension", []).append(
            {"url": "urn:trialbridge:fhir:components", "valueReference": {"reference": "#medication"}}
        )
    whole["ingredient"].append(found)
