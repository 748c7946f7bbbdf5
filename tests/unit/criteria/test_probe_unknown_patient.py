"""The probe of a genomic result whose patient is not known yet: held and joined later, never dropped."""

from collections.abc import Sequence

import msgspec

from services.patientview.agents import handlers
from services.patientview.extraction import Extractor, Resource
from trialbridge.contracts.events import Display, Identifier, PatientViewChanged, RecordsReceived
from trialbridge.contracts.ids import (
    Digest,
    LocalPatientId,
    NetworkId,
    RecordId,
    SourceId,
    TenantId,
    TicketId,
)
from trialbridge.contracts.topics import EMR_RECORDS, PATIENT_VIEWS
from trialbridge.criteria.facts import AnyFact, Demographics, Evidence, Variant
from trialbridge.testkit.pseudonyms import SYNTHETIC
from trialbridge.testkit.stage import FakeStage

NORTH = NetworkId("north")
CLINIC, LAB = SourceId("clinic/ehr"), SourceId("clinic/sequencing")


def facts_of(resources: Sequence[Resource], source: SourceId, record: RecordId) -> dict[str, tuple[AnyFact, ...]]:
    found: dict[str, tuple[AnyFact, ...]] = {}
    for resource in resources:
        ref = f"{resource['resourceType']}/{resource['id']}"
        evidence = Evidence(resource=ref, source=source, record=record)
        if resource["resourceType"] == "Patient":
            found[ref] = (Demographics(evidence=evidence, birth_date=resource["birthDate"]),)
        else:
            found[ref] = (Variant(evidence=evidence, gene=resource["gene"]),)
    return found


EXTRACTOR = Extractor(
    facts_of,
    lambda patient: tuple(Identifier("gov", number, "NI") for number in patient.get("numbers", ())),
    lambda patient, tenant: Display(name="", local_ids={tenant: patient["id"]}),
)


def delivered(source: SourceId, local: str, day: int, *resources: Resource) -> RecordsReceived:
    return RecordsReceived(
        record=RecordId(f"rec_{day}"),
        network=NORTH,
        tenant=TenantId("clinic"),
        source=source,
        local_patient=LocalPatientId(local),
        key=SYNTHETIC.source_patient(NORTH, source, LocalPatientId(local)),
        ticket=TicketId("tkt"),
        bundle_sha256=Digest("0"),
        received=f"2026-01-{day:02d}T00:00:00Z",
        resources=msgspec.Raw(msgspec.json.encode(resources)),
    )


def person(name: str) -> Resource:
    return {"resourceType": "Patient", "id": name, "birthDate": "1960-01-01", "numbers": ("7",)}


async def seen(stage: FakeStage, *records: RecordsReceived) -> dict[str, PatientViewChanged]:
    """Return the newest live views after these deliveries."""
    for record in records:
        await stage.deliver(EMR_RECORDS, record.key, record, NORTH)
    views: dict[str, PatientViewChanged] = {}
    for sent in stage.emitted(PATIENT_VIEWS):
        if sent.key not in views or views[sent.key].version <= sent.payload.version:
            views[sent.key] = sent.payload
    return {key: view for key, view in views.items() if not view.removed}


def genes(view: PatientViewChanged) -> list[str]:
    facts = msgspec.json.decode(view.facts, type=tuple[AnyFact, ...])
    return [fact.gene for fact in facts if isinstance(fact, Variant)]


async def test_a_genomic_result_whose_patient_is_not_known_yet_is_held_and_joined_later() -> None:
    stage = FakeStage(handlers(EXTRACTOR, SYNTHETIC))
    report = delivered(LAB, "S-9", 2, {"resourceType": "Observation", "id": "o", "gene": "KRAS"})
    known = SYNTHETIC.patient(NORTH, "gov|7")
    views = await seen(stage, delivered(CLINIC, "1", 1, person("1")), report)
    # Held under the laboratory's own number, where it can be seen; the clinic's patient does not have it.
    (alone,) = set(views) - {known}
    assert genes(views[alone]) == ["KRAS"]
    assert genes(views[known]) == []
    views = await seen(stage, delivered(LAB, "S-9", 3, person("S-9")))
    assert set(views) == {known}
    assert genes(views[known]) == ["KRAS"]
