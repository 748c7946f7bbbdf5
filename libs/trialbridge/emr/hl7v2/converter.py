"""HL7 v2 to FHIR R4: one message at a time; a bad message, or a bad segment in one, is set aside alone."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.events import Identifier
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.account import made
from trialbridge.emr.hl7v2 import medications, orders, papers, persons, planning, schedules, visits
from trialbridge.emr.hl7v2.identity import Events, events_of, local_of, named_in
from trialbridge.emr.hl7v2.leftovers import Owners, account_for
from trialbridge.emr.hl7v2.meeting import Met, meet
from trialbridge.emr.hl7v2.message import Message, Segment, parse, split
from trialbridge.emr.hl7v2.planning import Taken
from trialbridge.emr.hl7v2.plans import PLANS, Plan, is_wrong
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.settling import Settled, settle_all
from trialbridge.emr.hl7v2.times import offset_of
from trialbridge.emr.hl7v2.walk import Walk
from trialbridge.emr.records import Entry, Feed, Found, Piece, SetAside, Shared, Warnings
from trialbridge.emr.tables.rows import rows

MEDIA_TYPE: Final = "x-application/hl7-v2+er7"
_OWN: Final = "RelatedPerson"
_ONLY: Final = {"ORU": "R01", "ORM": "O01"}
"""Messages of 2.1, whose type says it all."""


def _result(walk: Walk, obx: Segment) -> None:
    """Read an observation: the content of a document where one was announced, else an Observation."""
    if walk.document is not None and obx.get(2).upper() in papers.DOCUMENTED:
        papers.content(walk, walk.document, obx)
    else:
        orders.result(walk, obx)


STEPS: Final = {
    "MSH": persons.header, "EVN": persons.nothing, "MSA": persons.answered, "SFT": persons.software, "PID": persons.patient,
    "PD1": persons.details, "ARV": persons.restricted, "NK1": persons.relative, "CTD": persons.contact, "GT1": persons.guarantor,
    "IN1": persons.insurance, "IN2": persons.insurance_more, "IN3": persons.case_manager, "AUT": persons.insurance_more,
    "MRG": persons.merged, "BLG": persons.billing,
    "PV1": visits.visit, "PV2": visits.visit_more, "DG1": visits.diagnosis, "AL1": visits.allergy, "IAM": visits.allergy,
    "PR1": visits.procedure, "ROL": visits.role, "PRT": visits.role, "PRD": visits.provider, "RF1": visits.referral,
    "ACC": visits.finding, "PDA": visits.finding, "DB1": visits.disability, "PRB": visits.problem, "FT1": visits.charge,
    "ORC": orders.order, "OBR": orders.test, "OBX": _result, "NTE": Walk.note, "SPM": orders.specimen,
    "SAC": orders.container, "INV": orders.inventory, "TQ1": schedules.timing, "RXO": medications.prescription,
    "RXE": medications.prescription,
    "RXD": medications.dispensed, "RXA": medications.administered, "RXR": medications.route, "RXC": medications.component,
    "ODS": papers.diet,
    "CTI": papers.trial, "CON": papers.consent, "SCH": papers.appointment, "RGS": papers.booked, "AIS": papers.booked,
    "AIG": papers.booked, "AIL": papers.booked, "AIP": papers.booked, "TXA": papers.document,
}  # fmt: skip
"""What is done with each segment; others are kept as they are written."""


@cache
def messages() -> dict[str, tuple[str, str]]:
    """Return what is read of each message and what it says about identity, by ``ADT^A01``."""
    return {f"{message}^{event}": (reads, identity) for message, event, reads, identity in rows("v2_events")}


def convert(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Yield what each message says of its patients, of others, and what was set aside."""
    for number, text in enumerate(split(entry.body), 1):
        met = meet(text, feed) if PLANS.is_worthwhile() else None
        plan = PLANS.of(met)
        found = plan.run(met, warnings) if met is not None and plan is not None and not plan.trials else None
        if found is not None:
            yield from found
            continue
        try:
            message = parse(text, entry.name, number)
            if met is None:
                yield from _convert(message, entry.name, number, feed, warnings)
            else:
                yield from _learn(met, plan, message, entry.name, number, feed, warnings)
        except Poison as error:
            yield SetAside(error, text.encode(), MEDIA_TYPE)


def _learn(
    met: Met, plan: Plan | None, message: Message, entry: str, number: int, feed: Feed, warnings: Warnings
) -> Iterator[Found]:
    """Read a message in full; see whether a plan foretells it, or plan its kind where that is due."""
    if plan is None or not plan.trials:
        if plan is None and PLANS.is_due(met):
            PLANS.keep(met, planning.plan(met, feed, _take))
        yield from _convert(message, entry, number, feed, warnings)
        return
    apart = Warnings()
    apart.memory = warnings.memory
    try:
        found = list(_convert(message, entry, number, feed, apart))
        if is_wrong(plan, met, found, apart):
            PLANS.keep(met, None)
    finally:
        warnings.add(apart)
    yield from found


def _take(message: Message, feed: Feed, warnings: Warnings, make: type[Reading]) -> Taken:
    """Read a message that stands for all of its kind."""
    readings: list[Reading] = []

    def noted(*given: Any) -> Reading:
        readings.append(make(*given))
        return readings[-1]

    found = list(_convert(message, "", 1, feed, warnings, noted))
    if len(readings) != 1:
        raise Poison("v2.unplanned", "This message is about several patients.", Place())
    return Taken(found, readings[0])


def kind_of(message: Message, place: Place) -> tuple[str, str, str]:
    """Return the name of a message that is read (``ADT^A01``), what is read of it, and what it says about identity."""
    kind = message.header.first(9)
    code, event = kind.get(1).upper(), kind.get(2).upper()
    name = f"{code}^{event}" if event else _without_event(message, code, kind.get(3).upper())
    found = messages().get(name)
    if found is None:
        raise Poison("v2.unsupported-message", "Messages of this type are not read.", place)
    return name, *found


def _without_event(message: Message, code: str, structure: str) -> str:
    """Return the name of a message that has its event elsewhere: in its structure, in EVN-1 (2.1), or that has one event only."""
    if structure:
        return f"{code}^{structure.rpartition('_')[2]}"
    evn = message.get("EVN")
    event = evn.get(1).upper() if evn is not None else _ONLY.get(code, "")
    return f"{code}^{event}" if event else code


def _convert(
    message: Message, entry: str, number: int, feed: Feed, warnings: Warnings, begin: Callable[..., Reading] = Reading
) -> Iterator[Found]:
    name, reads, identity = kind_of(message, message.header.place(entry, number, 9))
    groups = _groups(message.segments)
    if not any(one.name == "PID" for one in groups[0]):
        raise Poison("v2.no-patient", "The message has no PID segment.", Place(entry=entry, message=number))
    locals_: list[LocalPatientId] = []
    for segments in groups:
        pid = next(one for one in segments if one.name == "PID")
        identifiers = named_in(pid, 3)
        local = local_of(identifiers, pid.place(entry, number, 3))
        locals_.append(local)
        noted = dict(warnings.counts), dict(warnings.not_read)
        for remembers in (True, False):
            reading = begin(message, entry, number, feed, warnings)
            reading.remembers = remembers and reading.remembers
            sent = _begin(reading, message.header, str(local), name)
            whole = reads == "patient" or feed.alone
            walk = Walk(reading, segments, name, whole=whole, identity=identity)
            walk.run(STEPS)
            events = events_of(identity, local, segments, sent, reading)
            settled = settle_all(reading)
            if settled is not None:
                yield from _end(reading, walk, settled, local, identifiers, events)
                break
            warnings.counts, warnings.not_read = Counter(noted[0]), Counter(noted[1])
    if identity == "unlink" and len(locals_) > 1:
        place = message.header.place(entry, number, 9)
        error = Poison("v2.unlink", "The message takes two patients apart; a person must look at their links.", place)
        yield SetAside(error, "\r".join(one.text() for one in message.segments).encode(), MEDIA_TYPE)


def _groups(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Return the segments by patient: what stands in front of the first PID belongs to the first."""
    found: list[list[Segment]] = [[]]
    seen = False
    for segment in segments:
        if segment.name == "PID":
            if seen:
                found.append([])
            seen = True
        found[-1].append(segment)
    return found


def _begin(reading: Reading, msh: Segment, local: str, name: str) -> str:
    """Take time, zone and patient of a message; return when it was sent."""
    reading.segment, reading.field = msh, 7
    written = msh.get(7)
    reading.zone = offset_of(written) or reading.feed.zone
    sent = reading.time(written)
    reading.field = None
    exact = sent if sent is not None and "T" in sent else None
    reading.stamp = {"lastUpdated": exact or made(reading.feed.received)}
    reading.local = local
    reading.event = name
    reading.patient = {"reference": f"Patient/{reading.id_of('Patient', local)}"}
    return str(sent or reading.feed.received)


def _end(
    reading: Reading, walk: Walk, settled: Settled, local: LocalPatientId, identifiers: tuple[Identifier, ...],
    events: Events,
) -> Iterator[Found]:  # fmt: skip
    """Count every leaf of what was built and checked, and yield it."""
    account_for(walk.segments, Owners(settled, walk), reading)
    own = [one for one in settled.shared if one["resourceType"] == _OWN]
    merges, pieces = events
    yield Piece(local, (*settled.resources, *own), identifiers, merges)
    yield from pieces
    yield from (Shared(one) for one in settled.shared if one["resourceType"] != _OWN)
    for error, segment in (*reading.errors, *settled.errors):
        yield SetAside(error, segment.text().encode(), f"{MEDIA_TYPE}; one {segment.name}")
