"""Header, patient, relatives, cover and accounts: MSH, EVN, SFT, PID, PD1, NK1, GT1, IN1 to IN3, MRG and their kin."""

from typing import Any, Final

from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.actors import key_of
from trialbridge.emr.hl7v2.message import Segment
from trialbridge.emr.hl7v2.rules import apply
from trialbridge.emr.hl7v2.state import reference_to
from trialbridge.emr.hl7v2.walk import Walk
from trialbridge.emr.records import Resource

Json = dict[str, Any]
_UNKNOWN: Final = {"extension": [{"url": f"{values.DEFINITIONS}data-absent-reason", "valueCode": "unknown"}]}


def header(walk: Walk, msh: Segment) -> None:
    """Make the MessageHeader, and the Provenance that says where everything here comes from."""
    reading = walk.reading
    sender = values.universal(msh.get(3), msh.get(3, 2), msh.get(3, 3)) or ""
    site = values.universal(msh.get(4), msh.get(4, 2), msh.get(4, 3)) or ""
    control = msh.get(10) or msh.get(7)
    key = (str(sender), str(site), str(control))
    found = reading.resource("MessageHeader", reading.id_of("MessageHeader", *key, reading.local), msh)
    walk.fill(msh, "MessageHeader", found)
    source = found.setdefault("source", {})
    if "endpoint" not in source:
        source.setdefault("_endpoint", _UNKNOWN)
    for one in found.get("destination", ()):
        if "endpoint" not in one:
            one.setdefault("_endpoint", _UNKNOWN)
    if "eventCoding" not in found:
        found["eventUri"] = "urn:trialbridge:v2:unknown-event"
    walk.header = walk.anchor = found
    _provenance(walk, msh, key, found)


def _provenance(walk: Walk, msh: Segment, key: tuple[str, ...], message: Resource) -> None:
    reading = walk.reading
    found: Resource = {"resourceType": "Provenance", "id": reading.id_of("Provenance", *key, reading.local)}
    event = next((one for one in walk.segments if one.name == "EVN"), None)
    if event is not None:
        apply("EVN/Provenance", event, found, reading)
    reading.segment = msh
    apply("MSH/Provenance", msh, found, reading)
    agents = found.get("agent")
    if not agents:
        return
    recorded = found.get("recorded") or reading.stamp["lastUpdated"]
    if "activity" in found and event is not None and event.field(1):
        found["activity"]["coding"][0] = {"system": f"{values.TERMS}v2-0003", **found["activity"]["coding"][0]}
    entity = {"role": "source", "what": reference_to(message)}
    found |= {
        "meta": dict(reading.stamp),
        "target": [reading.patient],
        "recorded": recorded,
        "entity": [entity, *found.get("entity", ())],
    }
    built = reading.resource("Provenance", found["id"], event or msh)
    built |= found


def nothing(walk: Walk, segment: Segment) -> None:
    """Pass over a segment that another one reads."""
    del walk, segment


def answered(walk: Walk, msa: Segment) -> None:
    """Read an acknowledgement in the header."""
    if walk.header is not None and msa.field(1) and msa.field(2):
        walk.fill(msa, "MessageHeader", walk.header)


def software(walk: Walk, sft: Segment) -> None:
    """Read what software sent the message: as a device, and the first of them in the header."""
    reading = walk.reading
    if walk.header is not None and sft.number == 1:
        apply("SFT/MessageHeader", sft, walk.header, reading)
    content = walk.fill(sft, "Device")
    if content.get("deviceName") or content.get("version"):
        names = [str(one["name"]) for one in content.get("deviceName", ())]
        versions = [str(one.get("value", "")) for one in content.get("version", ())]
        reading.actors.add(
            "Device", reading, ("software", str(content.get("manufacturer", "")), *names, *versions), content
        )


def patient(walk: Walk, pid: Segment) -> None:
    """Make the Patient, and the account and mother that its PID names."""
    reading = walk.reading
    found: Resource = {"resourceType": "Patient", "id": reading.patient["reference"].partition("/")[2]}
    found["meta"] = dict(reading.stamp)
    apply("PID/Patient", pid, found, reading)
    if walk.whole:
        built = reading.resource("Patient", found["id"], pid)
        built |= found
        if walk.kind == "ADT^A29":
            built["active"] = False
        walk.patient = walk.anchor = built
    if pid.get(18):
        walk.account = account(walk, pid, 18)
    if pid.get(21) and walk.whole:
        mother = {"patient": walk.who()}
        apply("PID/RelatedPerson", pid, mother, reading)
        reading.actors.add("RelatedPerson", reading, (reading.local, *key_of(mother)), mother)


def account(walk: Walk, segment: Segment, field: int) -> Resource | None:
    """Return the account that a field names, made once."""
    reading = walk.reading
    rep = segment.first(field)
    if not rep.get(1):
        return None
    uri = values.universal(rep.get(4), rep.get(4, 2), rep.get(4, 3))
    identity = reading.id_of("Account", reading.local, str(uri or ""), str(rep.get(1)))
    known = next((one.resource for one in reading.built if one.resource["id"] == identity), None)
    if known is not None:
        return known
    found = reading.resource("Account", identity, segment)
    apply(f"{segment.name}/Account", segment, found, reading)
    found.setdefault("status", "unknown")
    found["subject"] = [walk.who()]
    return found


def details(walk: Walk, pd1: Segment) -> None:
    """Read additional demographics, and a living will as an observation."""
    if walk.patient is not None:
        apply("PD1/Patient", pd1, walk.patient, walk.reading)
    if pd1.get(7):
        found = walk.make("Observation", pd1, "living-will")
        apply("PD1/Observation", pd1, found, walk.reading)


def restricted(walk: Walk, arv: Segment) -> None:
    """Read an access restriction: one extension with its parts."""
    target = walk.anchor or walk.patient or walk.header
    found: Json = {}
    apply("ARV/Patient", arv, found, walk.reading)
    parts = [inner for one in found.get("extension", ()) for inner in one.get("extension", (one,))]
    for one in parts:
        one["url"] = str(one["url"]).rpartition("#")[2]
    if target is not None and parts:
        url = "urn:trialbridge:fhir:access-restriction"
        target.setdefault("extension", []).append({"url": url, "extension": parts})


def relative(walk: Walk, nk1: Segment) -> None:
    """Read a next of kin: as a contact of the patient, and as a related person."""
    reading = walk.reading
    if walk.patient is not None:
        contact: Json = {}
        apply("NK1/Patient", nk1, contact, reading)
        if any(name in contact for name in ("name", "telecom", "address", "organization")):
            walk.patient.setdefault("contact", []).append(contact)
    _related(walk, nk1, ("NK1",))


def _related(walk: Walk, segment: Segment, key: tuple[str, ...]) -> Resource | None:
    reading = walk.reading
    content: Resource = {}
    apply(f"{segment.name}/RelatedPerson", segment, content, reading)
    if not content:
        return None
    named = {name: content[name] for name in ("identifier", "name") if content.get(name)}
    identity = reading.own("RelatedPerson", *(key_of(named) if named else (*key, str(segment.number))))
    found = reading.resource("RelatedPerson", identity, segment)
    found |= {"patient": walk.who(), **content}
    return found


def contact(walk: Walk, ctd: Segment) -> None:
    """Read contact data: somebody to be reached about an order or referral."""
    found = _related(walk, ctd, ("CTD",))
    if found is not None and walk.anchor is not None:
        extension = {"url": "urn:trialbridge:fhir:contact", "valueReference": reference_to(found)}
        walk.anchor.setdefault("extension", []).append(extension)


def guarantor(walk: Walk, gt1: Segment) -> None:
    """Read a guarantor: a related person, who stands in for the account where there is one."""
    found = _related(walk, gt1, ("GT1",))
    if found is not None and walk.account is not None:
        walk.account.setdefault("guarantor", []).append({"party": reference_to(found)})


def insurance(walk: Walk, in1: Segment) -> None:
    """Read an insurance: a Coverage."""
    number, plan = in1.get(36) or in1.get(49), in1.get(2) or in1.get(2, 2)
    found = walk.make("Coverage", in1, str(plan), str(number or in1.get(3)), subject="beneficiary")
    found["status"] = "active"
    apply("IN1/Coverage", in1, found, walk.reading)
    found.setdefault("payor", [dict(_UNKNOWN)])
    walk.coverage = walk.anchor = found


def insurance_more(walk: Walk, segment: Segment) -> None:
    """Read IN2 or AUT into the cover before it."""
    if walk.coverage is not None:
        apply(f"{segment.name}/Coverage", segment, walk.coverage, walk.reading)
    elif walk.anchor is not None:
        # An authorization without a cover belongs to what it authorizes.
        content: Json = {}
        apply(f"{segment.name}/Coverage", segment, content, walk.reading)
        walk.anchor.setdefault("extension", []).extend(content.get("extension", ()))


def case_manager(walk: Walk, in3: Segment) -> None:
    """Read who manages the case: a care team."""
    found = walk.make("CareTeam", in3, "case-manager")
    apply("IN3/CareTeam", in3, found, walk.reading)


def merged(walk: Walk, mrg: Segment) -> None:
    """Read the account of the patient who was merged, and whom this one replaces; the merge itself is an event."""
    if mrg.get(3):
        account(walk, mrg, 3)
    if walk.identity == "merge" and walk.patient is not None:
        apply("MRG/Patient", mrg, walk.patient, walk.reading)


def billing(walk: Walk, blg: Segment) -> None:
    """Read to which account an order is charged."""
    found = account(walk, blg, 3)
    if found is None and walk.anchor is not None:
        found = walk.anchor
        content: Json = {}
        apply("BLG/Account", blg, content, walk.reading)
        found.setdefault("extension", []).extend(content.get("extension", ()))
