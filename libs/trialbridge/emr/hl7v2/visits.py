"""Visits and what was found, done and charged there: PV1, PV2, DG1, AL1, IAM, PR1, ROL, PRT, FT1 and their kin."""

from typing import Any, Final

from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.message import Segment
from trialbridge.emr.hl7v2.rules import apply
from trialbridge.emr.hl7v2.state import reference_to
from trialbridge.emr.hl7v2.walk import Walk
from trialbridge.emr.records import Resource

Json = dict[str, Any]
_UNCLASSED: Final = {"system": f"{values.TERMS}v3-NullFlavor", "code": "UNK"}
_PARTICIPANT: Final = {"Encounter": "individual", "ServiceRequest": "", "Observation": ""}
_DEVICE_FIELDS: Final = (10, 16, 19, 20, 21)


def visit(walk: Walk, pv1: Segment) -> None:
    """Make the Encounter; one without a number is the patient's only open one of its class."""
    reading = walk.reading
    number = pv1.get(19) or pv1.get(50) or _account_number(walk)
    key = (str(number),) if number else ("open", str(pv1.get(2)), str(pv1.get(44)))
    found = walk.make("Encounter", pv1, *key)
    walk.encounter = walk.anchor = found
    apply("MSH/Encounter", reading.message.header, found, reading)
    apply("PV1/Encounter", pv1, found, reading)
    found.setdefault("status", "unknown")
    found.setdefault("class", dict(_UNCLASSED))
    if pv1.get(54) or pv1.get(53):
        episode = walk.make("EpisodeOfCare", pv1, str(pv1.get(54) or number), subject="patient")
        apply("PV1/EpisodeOfCare", pv1, episode, reading)
        episode["status"] = "active"
        found["episodeOfCare"] = [reference_to(episode)]
    if walk.patient is not None and pv1.get(16):
        apply("PV1/Patient", pv1, walk.patient, reading)
    if walk.account is not None:
        found["account"] = [reference_to(walk.account)]


def _account_number(walk: Walk) -> str:
    pid = next((one for one in walk.segments if one.name == "PID"), None)
    return pid.get(18) if pid is not None else ""


def visit_more(walk: Walk, pv2: Segment) -> None:
    """Read additional visit data."""
    if walk.encounter is not None:
        apply("PV2/Encounter", pv2, walk.encounter, walk.reading)
        walk.anchor = walk.encounter


def diagnosis(walk: Walk, dg1: Segment) -> None:
    """Make the Condition, and name it in the visit."""
    first = dg1.first(3)
    key = first.get(1) or first.get(2) or dg1.get(4)
    if not key:
        return
    found = walk.make("Condition", dg1, str(key))
    apply("DG1/Condition", dg1, found, walk.reading)
    _standing(found)
    found |= walk.visit()
    if walk.encounter is not None:
        link: Json = {}
        apply("DG1/Encounter", dg1, link, walk.reading)
        walk.encounter.setdefault("diagnosis", []).append({"condition": reference_to(found), **link})
    walk.anchor = found


def _standing(found: Resource) -> None:
    """Take the clinical status from what was entered in error: FHIR allows none there."""
    codes = [one.get("code") for one in found.get("verificationStatus", {}).get("coding", ())]
    if "entered-in-error" in codes:
        found.pop("clinicalStatus", None)


def problem(walk: Walk, prb: Segment) -> None:
    """Make the Condition of a problem list's entry; PRB-9 and PRB-14 say whether it is still there."""
    first = prb.first(3)
    key = prb.get(4) or first.get(1) or first.get(2)
    if not key:
        return
    found = walk.make("Condition", prb, *(("problem", str(key)) if prb.get(4) else (str(key),)))
    apply("PRB/Condition", prb, found, walk.reading)
    if prb.get(1).upper() != "DE":
        word = "resolved" if "abatementDateTime" in found else "active"
        found["clinicalStatus"] = {"coding": [{"system": f"{values.TERMS}condition-clinical", "code": word}]}
    found |= walk.visit()
    walk.anchor = found


def allergy(walk: Walk, segment: Segment) -> None:
    """Make the AllergyIntolerance of an AL1 or IAM."""
    first = segment.first(3)
    number = segment.get(7) if segment.name == "IAM" else ""
    found = walk.make("AllergyIntolerance", segment, str(number or first.get(1) or first.get(2)), subject="patient")
    apply(f"{segment.name}/AllergyIntolerance", segment, found, walk.reading)
    _standing(found)
    for one in found.get("reaction", ()):
        # FHIR wants to know how a reaction shows.
        one.setdefault("manifestation", [{"text": "unknown"}])
    if not segment.field(5):
        found.pop("reaction", None)
    walk.anchor = found


def procedure(walk: Walk, pr1: Segment) -> None:
    """Make the Procedure."""
    first = pr1.first(3)
    key = (pr1.get(19),) if pr1.get(19) else (first.get(1) or first.get(2) or pr1.get(4), pr1.get(5))
    found = walk.make("Procedure", pr1, *(str(one) for one in key))
    apply("PR1/Procedure", pr1, found, walk.reading)
    if "performedPeriod" in found and "performedDateTime" in found:
        del found["performedDateTime"]
    found |= walk.visit()
    walk.anchor = found


def role(walk: Walk, segment: Segment) -> None:
    """Read a ROL or PRT: somebody in a role for what it stands behind, as FHIR has a place for it there."""
    reading = walk.reading
    if not any(segment.fields[4:]):
        return
    content: Json = {}
    apply(f"{segment.name}/PractitionerRole", segment, content, reading)
    who = reading.actors.role(content, reading) if content else None
    target = walk.anchor or walk.patient or walk.header
    if segment.name == "PRT" and any(segment.get(number) for number in _DEVICE_FIELDS):
        _device(walk, segment, target)
    if who is None or target is None:
        return
    kind = target["resourceType"]
    if kind == "Patient":
        _add(target, "generalPractitioner", who)
    elif kind == "Encounter" and segment.name == "ROL":
        link: Json = {}
        apply("ROL/Encounter", segment, link, reading)
        _add(target, "participant", {**link, "individual": who})
    elif kind in ("ServiceRequest", "Observation"):
        _add(target, "performer", who)
    elif kind == "Procedure":
        _add(target, "performer", {"actor": who})
    else:
        _add(target, "extension", {"url": "urn:trialbridge:fhir:participation", "valueReference": who})


def _device(walk: Walk, prt: Segment, target: Resource | None) -> None:
    content: Json = {}
    apply("PRT/Device", prt, content, walk.reading)
    if not content:
        return
    key = tuple(str(prt.get(number)) for number in _DEVICE_FIELDS)
    found = walk.reading.actors.add("Device", walk.reading, key, content)
    if target is not None and target["resourceType"] == "Observation" and "device" not in target:
        target["device"] = found
    elif target is not None:
        _add(target, "extension", {"url": "urn:trialbridge:fhir:device", "valueReference": found})


def _add(target: Resource, name: str, value: Any) -> None:
    listed = target.setdefault(name, [])
    if value not in listed:
        listed.append(value)


def provider(walk: Walk, prd: Segment) -> None:
    """Read a provider of a referral: who refers, who is referred to."""
    content: Json = {}
    apply("PRD/PractitionerRole", prd, content, walk.reading)
    who = walk.reading.actors.role(content, walk.reading) if content else None
    target = walk.anchor or walk.header
    if who is None or target is None:
        return
    if target["resourceType"] == "ServiceRequest":
        if prd.get(1).upper() == "RP" and "requester" not in target:
            target["requester"] = who
        else:
            _add(target, "performer", who)
    else:
        _add(target, "extension", {"url": "urn:trialbridge:fhir:participation", "valueReference": who})


def referral(walk: Walk, rf1: Segment) -> None:
    """Make the ServiceRequest of a referral."""
    key = rf1.get(6) or rf1.get(11)
    found = walk.make("ServiceRequest", rf1, "referral", str(key))
    apply("RF1/ServiceRequest", rf1, found, walk.reading)
    walk.anchor = found


def finding(walk: Walk, segment: Segment) -> None:
    """Make the Observation of an accident (ACC) or a death (PDA)."""
    found = walk.make("Observation", segment, segment.name, str(segment.get(1)))
    apply(f"{segment.name}/Observation", segment, found, walk.reading)
    found |= walk.visit()
    walk.anchor = found


def disability(walk: Walk, db1: Segment) -> None:
    """Make the Condition of a disability; one that DB1-4 denies is refuted."""
    found = walk.make("Condition", db1, "disability", str(db1.get(3)))
    apply("DB1/Condition", db1, found, walk.reading)
    word = "refuted" if db1.get(4).upper() == "N" else "confirmed"
    found["verificationStatus"] = {"coding": [{"system": f"{values.TERMS}condition-ver-status", "code": word}]}
    if word == "confirmed":
        status = "resolved" if "abatementDateTime" in found else "active"
        found["clinicalStatus"] = {"coding": [{"system": f"{values.TERMS}condition-clinical", "code": status}]}
    walk.anchor = found


def charge(walk: Walk, ft1: Segment) -> None:
    """Make the ChargeItem of a transaction."""
    code = ft1.get(7) or ft1.get(7, 2)
    if not code:
        return
    key = (ft1.get(2), ft1.get(1)) if ft1.get(2) else (ft1.get(4), code)
    found = walk.make("ChargeItem", ft1, *(str(one) for one in key))
    apply("FT1/ChargeItem", ft1, found, walk.reading)
    if walk.account is not None:
        found["account"] = [reference_to(walk.account)]
    if walk.encounter is not None:
        found["context"] = reference_to(walk.encounter)
    walk.anchor = found
