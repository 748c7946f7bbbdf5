from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.patientview.agents import handlers
from services.patientview.deliveries import resources_of
from services.patientview.extraction import Extractor, Resource
from services.patientview.tables import MEMBERS, SOURCE_PATIENTS
from trialbridge.contracts.documents import PATIENTS
from trialbridge.contracts.events import Display, Identifier, Merge, PatientViewChanged, RecordsReceived
from trialbridge.contracts.ids import (
    Digest,
    LocalPatientId,
    NetworkId,
    RecordId,
    SourceId,
    TenantId,
    TicketId,
)
from trialbridge.contracts.topics import EMR_RECORDS, PATIENT_CONTRIBUTIONS, PATIENT_LINKS, PATIENT_VIEWS
from trialbridge.criteria.facts import AnyFact, Demographics, Evidence, Performance
from trialbridge.runtime.effects import Origin
from trialbridge.testkit.pseudonyms import SYNTHETIC
from trialbridge.testkit.stage import FakeStage

NORTH = NetworkId("north")


def facts_of(resources: Sequence[Resource], source: SourceId, record: RecordId) -> dict[str, tuple[AnyFact, ...]]:
    """Read two kinds of resource, the shortest way that keeps the contract."""
    found: dict[str, tuple[AnyFact, ...]] = {}
    for resource in resources:
        ref = f"{resource['resourceType']}/{resource['id']}"
        evidence = Evidence(resource=ref, source=source, record=record)
        if resource.get("status") == "entered-in-error":
            found[ref] = ()
        elif resource["resourceType"] == "Patient":
            found[ref] = (Demographics(evidence=evidence, birth_date=resource.get("birthDate")),)
        else:
            value = resource["valueInteger"]
            found[ref] = (
                Performance(evidence=evidence, effective=resource.get("effective"), scale="ecog", value=value),
            )
    return found


def identifiers_of(patient: Resource) -> tuple[Identifier, ...]:
    return tuple(Identifier(system, value, word) for word, system, value in patient.get("identifier", ()))


def display_of(patient: Resource, tenant: TenantId) -> Display:
    return Display(name=patient.get("name", ""), local_ids={tenant: patient["id"]})


EXTRACTOR = Extractor(facts_of, identifiers_of, display_of)


def patient(
    local: str, *identifiers: tuple[str, str, str], birth: str = "1960-01-01", updated: str | None = None
) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "id": local,
        "name": f"Name {local}",
        "birthDate": birth,
        "identifier": identifiers,
    }
    return resource | ({"meta": {"lastUpdated": updated}} if updated else {})


def ecog(name: str, value: int, updated: str | None = None, **more: str) -> dict[str, Any]:
    resource: dict[str, Any] = {"resourceType": "Observation", "id": name, "valueInteger": value, **more}
    return resource | ({"meta": {"lastUpdated": updated}} if updated else {})


def delivery(
    source: str, local: str, *resources: dict[str, Any], day: int = 1, merges: tuple[Merge, ...] = (), name: str = ""
) -> RecordsReceived:
    record = RecordId(name or f"rec_{source}_{local}_{day}")
    return RecordsReceived(
        record=record,
        network=NORTH,
        tenant=TenantId(source.partition("/")[0]),
        source=SourceId(source),
        local_patient=LocalPatientId(local),
        key=SYNTHETIC.source_patient(NORTH, SourceId(source), LocalPatientId(local)),
        ticket=TicketId("tkt"),
        bundle_sha256=Digest("0"),
        received=f"2026-01-{day:02d}T00:00:00Z",
        resources=msgspec.Raw(msgspec.json.encode(resources)),
        merges=merges,
    )


def stage() -> FakeStage:
    return FakeStage(handlers(EXTRACTOR, SYNTHETIC))


async def send(target: FakeStage, *records: RecordsReceived) -> FakeStage:
    for record in records:
        await target.deliver(EMR_RECORDS, record.key, record, NORTH)
    return target


def newest(target: FakeStage) -> dict[str, PatientViewChanged]:
    views: dict[str, PatientViewChanged] = {}
    for record in target.emitted(PATIENT_VIEWS):
        if record.key not in views or views[record.key].version <= record.payload.version:
            views[record.key] = record.payload
    return views


def live(target: FakeStage) -> dict[str, PatientViewChanged]:
    """Return the newest live views without their versions, which count arrivals."""
    return {
        name: msgspec.structs.replace(view, version=0, changed=())
        for name, view in newest(target).items()
        if not view.removed
    }


def facts(view: PatientViewChanged) -> tuple[AnyFact, ...]:
    return msgspec.json.decode(view.facts, type=tuple[AnyFact, ...])


def values(view: PatientViewChanged) -> list[int]:
    return sorted(fact.value for fact in facts(view) if isinstance(fact, Performance))


async def test_one_delivery_becomes_a_view_and_a_document() -> None:
    found = await send(stage(), delivery("a/ehr", "1", patient("1", ("MR", "a", "1")), ecog("o", 1)))
    person = SYNTHETIC.patient(NORTH, "a|1")
    view = newest(found)[person]
    assert (view.version, view.tenants, view.records, view.removed) == (1, ("a",), ("rec_a/ehr_1_1",), False)
    assert view.changed == ("demographics", "performance")
    assert values(view) == [1]
    document = found.docs(PATIENTS)[person]
    assert (document.version, document.digest, bytes(document.facts)) == (1, view.digest, bytes(view.facts))
    display = msgspec.json.decode(document.display, type=Display)
    assert display == Display(name="Name 1", birth_date="1960-01-01", local_ids={"a": "1"})


async def test_two_sources_of_one_person_share_a_view() -> None:
    found = await send(
        stage(),
        delivery("a/ehr", "1", patient("1", ("NI", "gov", "7")), ecog("o", 1)),
        delivery("b/ehr", "9", patient("9", ("NI", "gov", "7"), birth="1961-01-01"), ecog("p", 2), day=2),
    )
    views = live(found)
    assert list(views) == [SYNTHETIC.patient(NORTH, "gov|7")]
    view = next(iter(views.values()))
    assert (view.tenants, values(view)) == (("a", "b"), [1, 2])
    births = [fact.birth_date for fact in facts(view) if isinstance(fact, Demographics)]
    assert births == ["1961-01-01"]
    survivors = bytes(found.docs(PATIENTS)[view.patient].survivors)
    assert b"1960-01-01" in survivors


async def test_the_newest_version_of_a_resource_wins_in_any_order() -> None:
    records = [
        delivery("a/ehr", "1", patient("1"), ecog("o", 1, "2025-01-01T00:00:00Z"), day=3),
        delivery("a/ehr", "1", ecog("o", 2, "2025-01-02T01:00:00+02:00"), day=1),
        delivery("a/ehr", "1", ecog("o", 3, "2025-01-01T23:30:00Z"), day=2),
    ]
    for order in permutations(records):
        (view,) = live(await send(stage(), *order)).values()
        assert values(view) == [3]


async def test_a_version_beyond_the_calendar_counts_as_delivered_when_it_was() -> None:
    for beyond in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
        found = await send(stage(), delivery("a/ehr", "1", patient("1"), ecog("o", 1, beyond), ecog("p", 2)))
        assert not found.set_aside
        (view,) = live(found).values()
        assert values(view) == [1, 2]


async def test_a_retraction_takes_the_fact_out_even_when_it_comes_first() -> None:
    records = [
        delivery("a/ehr", "1", patient("1"), ecog("o", 1), day=1),
        delivery("a/ehr", "1", ecog("o", 1, status="entered-in-error"), day=2),
    ]
    for order in (records, records[::-1]):
        (view,) = live(await send(stage(), *order)).values()
        assert values(view) == []


async def test_a_repeat_changes_nothing_and_sends_the_same_view_again() -> None:
    record = delivery("a/ehr", "1", patient("1", ("NI", "gov", "7")), ecog("o", 1))
    found = await send(stage(), record)
    before = (found.values(SOURCE_PATIENTS), found.docs(PATIENTS), found.take(PATIENT_VIEWS)[-1])
    again = found.restarted(handlers(EXTRACTOR, SYNTHETIC))
    await send(again, record)
    views = again.emitted(PATIENT_VIEWS)
    assert views
    assert {msgspec.json.encode(view.payload) for view in views} == {msgspec.json.encode(before[2].payload)}
    assert (again.values(SOURCE_PATIENTS), again.docs(PATIENTS)) == before[:2]


async def test_an_older_delivery_changes_no_fact_and_still_answers() -> None:
    found = await send(stage(), delivery("a/ehr", "1", patient("1"), ecog("o", 2), day=2))
    (view,) = newest(found).values()
    found.take(PATIENT_VIEWS)
    await send(found, delivery("a/ehr", "1", patient("1"), ecog("o", 1), day=1))
    (after,) = newest(found).values()
    assert (after.digest, after.version) == (view.digest, 1)


async def test_only_changed_demographics_go_to_the_one_writer() -> None:
    found = await send(stage(), delivery("a/ehr", "1", patient("1", ("NI", "gov", "7")), ecog("o", 1)))
    found.take(PATIENT_LINKS)
    await send(found, delivery("a/ehr", "1", ecog("q", 2), day=2))
    assert found.emitted(PATIENT_LINKS) == []
    (view,) = live(found).values()
    assert values(view) == [1, 2]


async def test_a_better_identifier_moves_the_source_and_leaves_a_tombstone() -> None:
    first = delivery("a/ehr", "1", patient("1", ("MR", "a", "1")), ecog("o", 1), day=1)
    second = delivery("a/ehr", "1", patient("1", ("MR", "a", "1"), ("NI", "gov", "7")), day=2)
    found = await send(stage(), first, second)
    old, new = SYNTHETIC.patient(NORTH, "a|1"), SYNTHETIC.patient(NORTH, "gov|7")
    views = newest(found)
    assert views[old].removed
    assert (views[old].tenants, facts(views[old]), views[old].changed) == ((), (), ("demographics", "performance"))
    assert found.docs(PATIENTS)[old].removed
    assert values(views[new]) == [1]


async def test_unlinking_restores_the_view_exactly() -> None:
    mine = delivery("a/ehr", "1", patient("1", ("NI", "gov", "7")), ecog("o", 1))
    theirs = delivery("b/ehr", "9", patient("9", ("NI", "gov", "7")), ecog("p", 2))
    corrected = delivery("b/ehr", "9", patient("9", ("NI", "gov", "8")), day=2)
    before = live(await send(stage(), mine))
    found = await send(stage(), mine, theirs)
    assert live(found) != before
    await send(found, corrected)
    views = live(found)
    assert views[SYNTHETIC.patient(NORTH, "gov|7")] == before[SYNTHETIC.patient(NORTH, "gov|7")]
    assert values(views[SYNTHETIC.patient(NORTH, "gov|8")]) == [2]
    # And back again: the person that was left takes the source in once more.
    await send(found, delivery("b/ehr", "9", patient("9", ("NI", "gov", "7")), day=3))
    assert values(live(found)[SYNTHETIC.patient(NORTH, "gov|7")]) == [1, 2]
    assert newest(found)[SYNTHETIC.patient(NORTH, "gov|8")].removed


async def test_a_merge_joins_two_patients_of_a_source_in_any_order() -> None:
    merge = Merge(LocalPatientId("1"), LocalPatientId("2"), "2026-01-02")
    records = [
        delivery("a/adt", "1", patient("1", ("MR", "a", "1")), ecog("o", 1), day=1),
        delivery("a/adt", "2", patient("2", ("MR", "a", "2")), ecog("p", 2), day=2),
        delivery("a/adt", "1", merges=(merge,), day=3),
    ]
    expected = live(await send(stage(), *records))
    (view,) = expected.values()
    assert values(view) == [1, 2]
    for order in permutations(records):
        assert live(await send(stage(), *order)) == expected


async def test_a_source_patient_known_from_a_merge_alone_has_no_view() -> None:
    merge = Merge(LocalPatientId("1"), LocalPatientId("2"), "2026-01-02")
    found = await send(stage(), delivery("a/adt", "1", patient("1", ("MR", "a", "1")), merges=(merge,)))
    assert len(found.values(MEMBERS)) == 2
    (view,) = newest(found).values()
    assert view.tenants == ("a",)


async def test_networks_stay_apart() -> None:
    found = stage()
    record = delivery("a/ehr", "1", patient("1", ("NI", "gov", "7")))
    await send(found, record)
    south = NetworkId("south")
    other = msgspec.structs.replace(
        record, network=south, key=SYNTHETIC.source_patient(south, record.source, record.local_patient)
    )
    await found.deliver(EMR_RECORDS, other.key, other, south)
    assert len(live(found)) == 2


@pytest.mark.parametrize("resources", [b"{}", b'["x"]', b"7"])
async def test_broken_resources_are_set_aside_and_the_next_delivery_goes_on(resources: bytes) -> None:
    good = delivery("a/ehr", "1", patient("1"), ecog("o", 1))
    bad = msgspec.structs.replace(good, resources=msgspec.Raw(resources))
    found = await send(stage(), bad, good)
    assert [aside.error.code for aside in found.set_aside] == ["records.resources-invalid"]
    assert [aside.origin for aside in found.set_aside] == [Origin(bad.ticket, bad.tenant, bad.record)]
    assert len(live(found)) == 1


@pytest.mark.parametrize("kind", [b"[]", b"{}", b"null", b"7", b'"Encounter"'])
def test_a_type_may_be_anything(kind: bytes) -> None:
    good = delivery("a/ehr", "1", patient("1"))
    other = b'[{"resourceType":%s,"id":"x"},%s' % (kind, bytes(good.resources)[1:])
    found = resources_of(msgspec.structs.replace(good, resources=msgspec.Raw(other)))
    assert len(found) == (1 if kind == b'"Encounter"' else 2)


async def test_conflicting_national_numbers_are_counted_as_a_warning() -> None:
    found = await send(
        stage(),
        delivery("a/ehr", "1", patient("1", ("NI", "gov", "7"), ("MR", "a", "1"))),
        delivery("a/lab", "1", patient("1", ("NI", "gov", "8"), ("MR", "a", "1"))),
    )
    assert found.warnings["identity.conflict"] > 0
    assert len(live(found)) == 1


async def test_a_stale_contribution_does_not_bring_a_moved_source_back() -> None:
    first = delivery("a/ehr", "1", patient("1", ("MR", "a", "1")), ecog("o", 1), day=1)
    found = await send(stage(), first)
    stale = found.emitted(PATIENT_CONTRIBUTIONS)[0]
    await send(found, delivery("a/ehr", "1", patient("1", ("NI", "gov", "7")), day=2))
    await found.deliver(PATIENT_CONTRIBUTIONS, stale.key, stale.payload, NORTH)
    assert newest(found)[stale.key].removed


deliveries = st.lists(
    st.builds(
        lambda source, local, number, value, day, updated: delivery(
            source,
            local,
            patient(local, ("NI", "gov", number), ("MR", source, local)),
            ecog(f"o{value % 2}", value, updated),
            day=day,
            name=f"rec_{source}_{local}_{number}_{value}_{day}_{updated}",
        ),
        st.sampled_from(["a/ehr", "a/lab", "b/ehr"]),
        st.sampled_from("12"),
        st.sampled_from("789"),
        st.integers(0, 4),
        st.integers(1, 3),
        st.sampled_from([None, "2025-06-01T00:00:00Z", "2026-01-02T12:00:00Z"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60)
@given(deliveries, st.integers(0, 2**16))
async def test_any_order_and_any_repetition_give_the_same_views(records: list[RecordsReceived], seed: int) -> None:
    expected = live(await send(stage(), *records))
    shuffled = records + records[: len(records) // 2]
    Random(seed).shuffle(shuffled)
    found = await send(stage(), *shuffled)
    assert msgspec.json.encode(live(found)) == msgspec.json.encode({name: expected[name] for name in live(found)})
    assert live(found).keys() == expected.keys()
    documents = {name: doc for name, doc in found.docs(PATIENTS).items() if not doc.removed}
    assert {name: doc.digest for name, doc in documents.items()} == {name: v.digest for name, v in expected.items()}
