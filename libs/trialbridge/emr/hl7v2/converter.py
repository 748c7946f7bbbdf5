"""HL7 v2 ADT and ORU to FHIR R4: one message at a time; a bad message, or a bad result in one, is set aside alone."""

from collections.abc import Iterator
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.events import Identifier, Merge
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.hl7v2 import datatypes as dt
from trialbridge.emr.hl7v2.message import Message, Segment, parse, split
from trialbridge.emr.hl7v2.observations import observations
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Entry, Feed, Piece, Resource, SetAside, Warnings

MEDIA_TYPE: Final = "x-application/hl7-v2+er7"
EVENTS: Final = frozenset(
    {f"ADT^{event}" for event in ("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A28", "A31", "A40")}
    | {"ORU^R01"}
)
"""Messages that are read; others are set aside as ``v2.unsupported-message`` until their converter comes."""
_LOCAL: Final = ("MR", "PI", "PT", "")
"""Types of PID-3 that may be the source's own patient number, the best first (HL7 table 0203)."""


def convert(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Piece | SetAside]:
    """Yield what each message says of its patient."""
    for number, text in enumerate(split(entry.body), 1):
        try:
            message = parse(text, entry.name, number)
            yield from _convert(message, entry.name, number, feed, warnings)
        except Poison as error:
            yield SetAside(error, text.encode(), MEDIA_TYPE)


def _convert(message: Message, entry: str, number: int, feed: Feed, warnings: Warnings) -> Iterator[Piece | SetAside]:
    kind = message.header.first(9)
    name = f"{kind.part(1)}^{kind.part(2)}".upper()
    if name not in EVENTS:
        place = message.header.place(entry, number, 9)
        raise Poison("v2.unsupported-message", "Messages of this type are not read yet.", place)
    pid = message.get("PID")
    if pid is None:
        raise Poison("v2.no-patient", "The message has no PID segment.", Place(entry=entry, message=number))
    identifiers = tuple(one for given in pid.repetitions(3) if (one := dt.identifier(given)) is not None)
    local = _local(identifiers, pid.place(entry, number, 3))
    sent = (
        dt.timestamp(message.header.first(7).part(1), message.header.place(entry, number, 7))
        if message.header.field(7)
        else ""
    )
    stamp = {"lastUpdated": sent if "T" in sent else feed.received}
    patient_id = resource_id(feed.source, "Patient", local)
    resources: list[Resource] = []
    if name.startswith("ADT"):
        resources.append(_patient(pid, patient_id, identifiers, stamp, entry, number))
    aside: list[SetAside] = []
    for resource, place in _clinical(message, local, patient_id, stamp, entry, number, feed, warnings, aside):
        check(resource, place)
        resources.append(resource)
    merges = tuple(_merges(message, name, local, sent or feed.received, entry, number))
    yield Piece(local, tuple(resources), identifiers, merges)
    yield from aside


def _clinical(
    message: Message, local: str, patient: str, stamp: dict[str, str], entry: str, number: int, feed: Feed, warnings: Warnings,
    aside: list[SetAside],
) -> Iterator[tuple[Resource, Place]]:  # fmt: skip
    for segment in message.all("DG1"):
        resource = _condition(segment, local, patient, stamp, entry, number, feed)
        if resource is not None:
            yield resource, segment.place(entry, number)
    yield from observations(message, local, patient, stamp, entry, number, feed, warnings, aside)


def _local(identifiers: tuple[Identifier, ...], place: Place) -> LocalPatientId:
    for kind in _LOCAL:
        for one in identifiers:
            if one.type == kind:
                return LocalPatientId(one.value)
    raise Poison(
        "v2.no-identifier", "PID-3 holds no medical record number, so it is not known whose message this is.", place
    )


def _patient(
    pid: Segment, patient_id: str, identifiers: tuple[Identifier, ...], stamp: dict[str, str], entry: str, number: int
) -> Resource:
    found: dict[str, Any] = {"resourceType": "Patient", "id": patient_id, "meta": dict(stamp)}
    found["identifier"] = [dt.fhir_identifier(one) for one in identifiers]
    names = [name for given in pid.repetitions(5) if (name := dt.human_name(given))]
    if names:
        found["name"] = names
    phones = [{"system": "phone", "value": given.part(1)} for given in pid.repetitions(13) if given.part(1)]
    if phones:
        found["telecom"] = phones
    if pid.field(8):
        found["gender"] = dt.gender(pid.field(8))
    if pid.field(7):
        found["birthDate"] = dt.timestamp(pid.first(7).part(1), pid.place(entry, number, 7))[:10]
    homes = [home for given in pid.repetitions(11) if (home := dt.address(given))]
    if homes:
        found["address"] = homes
    if pid.field(29):
        found["deceasedDateTime"] = dt.timestamp(pid.first(29).part(1), pid.place(entry, number, 29))
    elif pid.field(30).upper() == "Y":
        found["deceasedBoolean"] = True
    check(found, pid.place(entry, number))
    return found


def _condition(
    segment: Segment, local: str, patient: str, stamp: dict[str, str], entry: str, number: int, feed: Feed
) -> Resource | None:
    code = dt.concept(segment.first(3))
    if code is None:
        return None
    key = segment.first(3).part(1) or segment.first(3).part(2)
    terms = "http://terminology.hl7.org/CodeSystem/"
    found: Resource = {
        "resourceType": "Condition",
        "id": resource_id(feed.source, "Condition", local, key),
        "meta": dict(stamp),
        "clinicalStatus": {"coding": [{"system": f"{terms}condition-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{terms}condition-ver-status", "code": "confirmed"}]},
        "code": code,
        "subject": {"reference": f"Patient/{patient}"},
    }
    if segment.field(5):
        on = dt.timestamp(segment.first(5).part(1), segment.place(entry, number, 5))
        found |= {"onsetDateTime": on, "recordedDate": on}
    return found


def _merges(message: Message, name: str, local: LocalPatientId, at: str, entry: str, number: int) -> Iterator[Merge]:
    if name != "ADT^A40":
        return
    for segment in message.all("MRG"):
        retired = tuple(one for given in segment.repetitions(1) if (one := dt.identifier(given)) is not None)
        yield Merge(local, _local(retired, segment.place(entry, number, 1)), at)
