"""From deliveries of the synthetic world to a person's view and outcomes, by the real converters, fold and engine, with no stage."""

from collections.abc import Iterable
from functools import cache

import msgspec

from services.patientview.coding import Coder
from services.patientview.deliveries import contribution, take_in
from services.patientview.extraction import Extractor
from services.patientview.tables import SourcePatient
from trialbridge.contracts.events import RecordsReceived
from trialbridge.contracts.ids import Digest, PatientId, SourcePatientKey, TicketId, record_id
from trialbridge.criteria.compiler import TrialPlan, compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.facts import AnyFact
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.verdicts import Explanation
from trialbridge.emr.convert import convert
from trialbridge.emr.facts import facts_of
from trialbridge.emr.jsontext import encode
from trialbridge.emr.patients import display_of, identifiers_of
from trialbridge.emr.records import Entry, Feed
from trialbridge.people.fold import Contribution, fold
from trialbridge.testkit.feeds import HL7V2, NDJSON
from trialbridge.testkit.packing import ndjson
from trialbridge.testkit.placing import Delivery
from trialbridge.testkit.pseudonyms import SYNTHETIC
from trialbridge.testkit.trials import demo_trials
from trialbridge.testkit.world import AS_OF, World

EXTRACTOR = Extractor(facts_of, identifiers_of, display_of)
PERSON = PatientId("pat_someone")
HOURS = {"initial": 6, "update": 12}
FACTS = msgspec.json.Decoder(tuple[AnyFact, ...])


@cache
def plans() -> tuple[TrialPlan, ...]:
    return tuple(load(compile_text(text, name).definition) for name, text in demo_trials())


def received(world: World, delivery: Delivery) -> RecordsReceived:
    """Return what the coat check sends for one delivery; it is about one patient and all of it is good."""
    source = delivery.source
    at = f"{world.as_of}T{HOURS[delivery.wave]:02d}:00:00Z"
    body = ndjson(delivery.resources) if delivery.resources else "".join(delivery.messages).encode()
    entry = Entry("1", NDJSON if delivery.resources else HL7V2, body)
    found = convert([entry], Feed(world.network, source.tenant, source.id, at))
    assert not found.set_aside
    (patient,) = found.patients
    key = SYNTHETIC.source_patient(world.network, source.id, patient.local_patient)
    ticket = TicketId(f"tkt_{source.id}/{delivery.index}/{delivery.wave}")
    return RecordsReceived(
        record=record_id(ticket, key, 0),
        network=world.network,
        tenant=source.tenant,
        source=source.id,
        local_patient=patient.local_patient,
        key=key,
        ticket=ticket,
        bundle_sha256=Digest("0"),
        received=at,
        resources=msgspec.Raw(encode(list(patient.resources))),
        identifiers=patient.identifiers,
        merges=patient.merges,
    )


def facts_from(records: Iterable[RecordsReceived]) -> tuple[AnyFact, ...]:
    """Return the facts of the view that these deliveries make of one person."""
    known: dict[SourcePatientKey, SourcePatient] = {}
    for record in records:
        coder = Coder(SYNTHETIC, record.network, record.source, lambda _: None)
        known[record.key] = take_in(known.get(record.key), record, EXTRACTOR, coder)
    given = {key: contribution(key, patient, PERSON) for key, patient in known.items()}
    return fold(
        {
            key: Contribution(one.tenant, one.source, FACTS.decode(one.facts), records=one.records, as_of=one.as_of)
            for key, one in given.items()
        }
    ).facts


def outcomes(records: Iterable[RecordsReceived]) -> list[Explanation]:
    """Return what every trial, arm and dose level says of the person."""
    index = FactIndex(facts_from(records))
    return [one for plan in plans() for one in evaluate(plan, index, AS_OF, PERSON)]


def eligible(records: Iterable[RecordsReceived]) -> frozenset[tuple[str, str | None, str | None]]:
    """Return trial, arm and dose level of all that the person is eligible for."""
    return frozenset((one.trial, one.arm, one.dose) for one in outcomes(records) if one.outcome == "eligible")
