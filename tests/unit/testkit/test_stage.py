import pytest

from trialbridge.contracts.documents import SETTINGS, SettingDoc
from trialbridge.contracts.errors import Poison, Unavailable
from trialbridge.contracts.events import DayBegan, DemographicsSeen, PatientLinked
from trialbridge.contracts.ids import LocalPatientId, NetworkId, PatientId, SourceId, SourcePatientKey
from trialbridge.contracts.topics import CALENDAR_DAYS, PATIENT_DEMOGRAPHICS, PATIENT_LINKS, PATIENT_VIEWS
from trialbridge.runtime.effects import Effects, HandlerTable, Received, TableSpec
from trialbridge.testkit.partitions import murmur2, partition_of
from trialbridge.testkit.stage import FakeStage

NORTH = NetworkId("north")
COUNTS = TableSpec("counts", int)


def seen(key: str, seq: int = 1) -> DemographicsSeen:
    return DemographicsSeen(
        network=NORTH,
        key=SourcePatientKey(key),
        source=SourceId("s"),
        local_patient=LocalPatientId("1"),
        seq=seq,
    )


async def note_link(record: Received[DemographicsSeen], effects: Effects) -> None:
    counts = effects.table(COUNTS)
    counts.put(record.key, (counts.get(record.key) or 0) + 1)
    link = PatientLinked(network=NORTH, key=record.payload.key, patient=PatientId("p"), seq=record.payload.seq)
    effects.emit(PATIENT_LINKS, record.payload.key, link, NORTH)
    effects.save(SETTINGS, SettingDoc(id=record.key, version=record.payload.seq, value=str(record.payload.seq)))
    if record.payload.seq == 13:
        raise Poison("test.poison", "Thirteen is refused.")
    if record.payload.seq == 14:
        raise Unavailable("test.away", "The store is away.")


async def count_link(record: Received[PatientLinked], effects: Effects) -> None:
    effects.table(COUNTS).put(record.key, record.partition)
    effects.warn("test.linked")


async def count_day(record: Received[DayBegan], effects: Effects) -> None:
    effects.table(COUNTS).put(f"day-{effects.partition}", 1)


TABLE: HandlerTable = {PATIENT_DEMOGRAPHICS: note_link, PATIENT_LINKS: count_link, CALENDAR_DAYS: count_day}


def test_murmur2_agrees_with_kafkas_own_vectors() -> None:
    # From org.apache.kafka.common.utils.UtilsTest, as unsigned numbers.
    vectors = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    assert {raw: murmur2(raw) for raw in vectors} == {raw: value & 0xFFFFFFFF for raw, value in vectors.items()}


async def test_records_of_its_own_topics_are_fed_back_to_the_keys_partition() -> None:
    stage = FakeStage(TABLE)
    await stage.deliver(PATIENT_DEMOGRAPHICS, "north", seen("k"), NORTH)
    assert stage.values(COUNTS) == {"north": 1, "k": partition_of("k", 4)}
    assert [record.payload.key for record in stage.emitted(PATIENT_LINKS)] == ["k"]
    assert stage.warnings == {"test.linked": 1}
    assert stage.emitted(PATIENT_VIEWS) == []


async def test_poison_undoes_the_record_and_the_next_one_goes_on() -> None:
    stage = FakeStage(TABLE)
    await stage.deliver(PATIENT_DEMOGRAPHICS, "north", seen("k", 13), NORTH)
    assert stage.values(COUNTS) == {}
    assert stage.emitted(PATIENT_LINKS) == []
    assert stage.docs(SETTINGS) == {}
    assert [aside.error.code for aside in stage.set_aside] == ["test.poison"]
    await stage.deliver(PATIENT_DEMOGRAPHICS, "north", seen("k"), NORTH)
    assert stage.values(COUNTS)["north"] == 1


async def test_a_passing_fault_comes_out_and_changes_nothing() -> None:
    stage = FakeStage(TABLE)
    with pytest.raises(Unavailable):
        await stage.deliver(PATIENT_DEMOGRAPHICS, "north", seen("k", 14), NORTH)
    assert stage.values(COUNTS) == {}


async def test_broadcast_reaches_every_partition() -> None:
    stage = FakeStage(TABLE)
    await stage.deliver(CALENDAR_DAYS, "day", DayBegan(date="2026-03-01"), NetworkId(""))
    assert sorted(stage.values(COUNTS)) == ["day-0", "day-1", "day-2", "day-3"]


async def test_documents_keep_the_newest_version() -> None:
    stage = FakeStage(TABLE)
    for seq in (2, 1):
        await stage.deliver(PATIENT_DEMOGRAPHICS, "north", seen("k", seq), NORTH)
    assert stage.docs(SETTINGS)["north"].value == "2"


async def test_repeats_carry_the_same_ids_and_a_restart_keeps_the_tables() -> None:
    stage = FakeStage(TABLE)
    await stage.deliver(PATIENT_DEMOGRAPHICS, "north", seen("k"), NORTH)
    again = stage.restarted(TABLE)
    await again.deliver(PATIENT_DEMOGRAPHICS, "north", seen("k"), NORTH)
    assert stage.take(PATIENT_LINKS)[0].id == again.take(PATIENT_LINKS)[0].id
    assert stage.take(PATIENT_LINKS) == []
    assert again.values(COUNTS)["north"] == 2
