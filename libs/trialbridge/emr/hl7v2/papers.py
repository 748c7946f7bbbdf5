"""Appointments, documents, diets, consents and studies: SCH, RGS, AI*, TXA, ODS, CON, CTI."""

from base64 import b64encode
from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.hl7v2 import quantities, values
from trialbridge.emr.hl7v2.message import Rep, Segment
from trialbridge.emr.hl7v2.orders import numbers_of
from trialbridge.emr.hl7v2.rules import apply
from trialbridge.emr.hl7v2.state import reference_to
from trialbridge.emr.hl7v2.walk import Walk
from trialbridge.emr.records import Resource

Json = dict[str, Any]
DOCUMENTED: Final = frozenset({"TX", "FT", "ST", "ED", "RP"})
"""Types of OBX-2 that are content of a document."""
_ABSENT: Final = {"extension": [{"url": f"{values.DEFINITIONS}data-absent-reason", "valueCode": "unknown"}]}


def diet(walk: Walk, ods: Segment) -> None:
    """Make the NutritionOrder of a diet."""
    placer, filler = numbers_of(walk.order, None)
    found = walk.make("NutritionOrder", ods, placer or filler, str(ods.get(1)), str(ods.get(3)), subject="patient")
    apply("ODS/NutritionOrder", ods, found, walk.reading)
    orc = walk.order
    found |= {"status": "active", "intent": "order"}
    found["dateTime"] = walk.reading.time(orc.get(9)) if orc is not None and orc.get(9) else None
    found["dateTime"] = found["dateTime"] or walk.reading.stamp["lastUpdated"]
    if orc is not None:
        content: Resource = {}
        apply("ORC/ServiceRequest", orc, content, walk.reading)
        for name in ("identifier", "extension"):
            if content.get(name):
                found[name] = [*found.get(name, []), *content[name]]
        requester = content.get("requester")
        if requester is not None:
            found["orderer"] = requester
    found |= walk.visit()
    walk.anchor = found


def trial(walk: Walk, cti: Segment) -> None:
    """Read which study a result belongs to: a ResearchSubject."""
    number = cti.get(1)
    if not number:
        return
    found = walk.make("ResearchSubject", cti, str(number), subject="individual")
    apply("CTI/ResearchSubject", cti, found, walk.reading)
    found["study"] = {"type": "ResearchStudy", "identifier": values.entity(cti.first(1))}


def consent(walk: Walk, con: Segment) -> None:
    """Make the Consent."""
    key = con.get(3) or con.get(2) or con.get(1)
    found = walk.make("Consent", con, str(key), subject="patient")
    apply("CON/Consent", con, found, walk.reading)
    found.setdefault("category", [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}])
    found.setdefault("policyRule", {"text": "unknown"})


def appointment(walk: Walk, sch: Segment) -> None:
    """Make the Appointment; the patient takes part in it."""
    key = sch.get(2) or sch.get(1)
    found = walk.make("Appointment", sch, str(key), subject="")
    apply("SCH/Appointment", sch, found, walk.reading)
    found.setdefault("status", "proposed")
    patient = {"actor": walk.who(), "status": "accepted" if found["status"] == "booked" else "needs-action"}
    found["participant"] = [patient, *found.get("participant", ())]
    subject = {
        "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.subject",
        "valueReference": walk.who(),
    }
    found.setdefault("extension", []).append(subject)
    walk.appointment = walk.anchor = found


def booked(walk: Walk, segment: Segment) -> None:
    """Read what is booked for an appointment: a service (AIS), a thing (AIG), a place (AIL), a person (AIP)."""
    target = walk.appointment
    if target is None:
        return
    if segment.name in ("AIS", "RGS"):
        apply(f"{segment.name}/Appointment", segment, target, walk.reading)
        return
    found: Json = {}
    apply(f"{segment.name}/Participant", segment, found, walk.reading)
    if "actor" not in found and "type" not in found:
        return
    found.setdefault("status", "needs-action")
    target["participant"].append(found)


def document(walk: Walk, txa: Segment) -> None:
    """Make the DocumentReference; the OBX that follow are its content."""
    number = txa.get(12) or txa.get(16) or txa.get(14)
    found = walk.make("DocumentReference", txa, str(number))
    apply("TXA/DocumentReference", txa, found, walk.reading)
    if walk.request is not None:
        context = found.setdefault("context", {})
        context["related"] = [reference_to(walk.request)]
    if walk.encounter is not None:
        found.setdefault("context", {})["encounter"] = [reference_to(walk.encounter)]
    found["content"] = [{"attachment": dict(_ABSENT)}]
    walk.document = walk.anchor = found


def content(walk: Walk, target: Resource, obx: Segment) -> None:
    """Add what an OBX holds to the content of a document."""
    kind = obx.get(2).upper()
    rep = obx.first(5)
    if kind == "ED":
        attachment = quantities.encapsulated(rep)
    elif kind == "RP":
        attachment = quantities.pointer(rep)
    else:
        attachment = _text_content(obx, kind)
    found: Json = {"attachment": attachment or dict(_ABSENT)}
    title = obx.get(3, 9) or obx.get(3, 2)
    if title and attachment is not None:
        attachment["title"] = title
    inner: Resource = {}
    apply("OBX/Component", obx, inner, walk.reading)
    code = inner.pop("code", None)
    extensions = inner.get("extension", [])
    if code is not None:
        extensions = [{"url": "urn:trialbridge:fhir:content-code", "valueCodeableConcept": code}, *extensions]
    if extensions:
        found["extension"] = extensions
    listed = target["content"]
    if listed == [{"attachment": dict(_ABSENT)}]:
        listed.clear()
    listed.append(found)
    walk.anchor = target


def _text_content(obx: Segment, kind: str) -> Json | None:
    lines = [_line(one) for one in obx.repetitions(5)]
    told = [leaf for one in obx.repetitions(5) for subs in one.parts for leaf in subs if leaf]
    if not told:
        return None
    text = "\n".join(lines)
    media = "text/hl7v2" if kind == "FT" else "text/plain"
    return {"contentType": media, "data": made(b64encode(text.encode()).decode(), *told, obx.get(2))}


def _line(rep: Rep) -> str:
    return "^".join("&".join(subs) for subs in rep.parts)
