"""Records in parts: nothing behind an unfinished one is acknowledged, and none of it is forgotten by compaction."""

import random
from typing import Any

import msgspec
import pytest

from trialbridge.contracts import topics
from trialbridge.contracts.events import DayBegan, DemographicsSeen, LineageRecorded
from trialbridge.contracts.ids import EventId, LocalPatientId, NetworkId, SourceId, SourcePatientKey
from trialbridge.runtime.effects import Effects, Received, TableSpec
from trialbridge.runtime.stage import boundary as boundary_module
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.boundary import Boundary
from trialbridge.runtime.stage.tables import PartitionedStore, StateTable

TOPIC = topics.PATIENT_DEMOGRAPHICS
NET = NetworkId("net")
TEXT = TableSpec("text", str)


def noise(seed: int, size: int = 1_000_000) -> str:
    return random.Random(seed).randbytes(size).hex()


def seen(local: str) -> DemographicsSeen:
    return DemographicsSeen(
        network=NET, key=SourcePatientKey("k"), source=SourceId("s"), local_patient=LocalPatientId(local), seq=1
    )


async def messages(bench: Any, name: str, local: str) -> list[wire.Message]:
    envelope = wire.Envelope(EventId(name), "k", NET, "0" * 32, msgspec.Raw(msgspec.json.encode(seen(local))))
    return await wire.encode([envelope], NET, f"topic:{TOPIC.name}", bench.seal, {})


class Keeper:
    """Keeps what it was given."""

    def __init__(self) -> None:
        self.got: list[str] = []

    async def keep(self, record: Received[DemographicsSeen], _effects: Effects) -> None:
        self.got.append(record.payload.local_patient)


async def events(bench: Any, *sent: wire.Message) -> list[Any]:
    return [bench.message(TOPIC.name, offset, message) for offset, message in enumerate(sent)]


async def test_nothing_behind_an_unfinished_record_is_acknowledged(bench: Any) -> None:
    keeper = Keeper()
    line = Boundary(bench.links, {TOPIC.name: (TOPIC, keeper.keep)})
    first, second = await messages(bench, "big", noise(1)), await messages(bench, "other", noise(2))
    assert (len(first), len(second)) == (2, 2)
    [small] = await messages(bench, "small", "small")
    a0, b0, whole, a1, b1 = await events(bench, first[0], second[0], small, first[1], second[1])
    await line.process(0, [a0, b0, whole])
    assert keeper.got == ["small"]
    assert not whole.acked, "a commit past the first part would lose it in a crash"
    await line.process(0, [a1])
    assert (a0.acked, b0.acked, whole.acked, a1.acked) == (True, False, False, False)
    await line.process(0, [b1])
    assert all(event.acked for event in (b0, whole, a1, b1))
    assert [len(text) for text in keeper.got] == [5, 2_000_000, 2_000_000]


async def test_a_record_whose_other_parts_never_come_is_set_aside(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary_module, "HELD_MESSAGES", 3)
    line = Boundary(bench.links, {TOPIC.name: (TOPIC, Keeper().keep)})
    orphan = (await messages(bench, "big", noise(1)))[0]
    smalls = [(await messages(bench, f"s{number}", "small"))[0] for number in range(4)]
    all_events = await events(bench, orphan, *smalls)
    await line.process(0, all_events)
    assert all(event.acked for event in all_events)
    assert line.counters.dead_lettered == 1
    [lineage] = [msgspec.json.decode(e.data, type=LineageRecorded) for e in await bench.records("lineage")]
    assert lineage.warnings == {"wire.part-missing": 1}


async def test_parts_of_a_compacted_topic_have_keys_of_their_own(bench: Any) -> None:
    topic = topics.PATIENT_VIEWS
    chunks = [wire.Message(b"", {"part": b"id/%d/3" % number}) for number in range(3)]
    assert [wire.message_key(topic, "k", chunk) for chunk in chunks] == [b"k", b"k\x001", b"k\x002"]
    assert [wire.message_key(TOPIC, "k", chunk) for chunk in chunks] == [b"k", b"k", b"k"]
    assert wire.message_key(topic, "k", wire.Message(b"", {})) == b"k"


async def test_what_compaction_left_of_an_older_record_does_not_hold_up_the_newer(bench: Any) -> None:
    topic = topics.CALENDAR_DAYS
    got: list[str] = []

    async def keep(record: Received[DayBegan], _effects: Effects) -> None:
        got.append(record.payload.date)

    line = Boundary(bench.links, {topic.name: (topic, keep)})
    day = msgspec.Raw(msgspec.json.encode(DayBegan(date="2026-06-01")))
    envelope = wire.Envelope(EventId("new"), "k", NET, "0" * 32, day)
    [whole] = await wire.encode([envelope], NET, f"topic:{topic.name}", bench.seal, {})
    left = bench.message(topic.name, 0, wire.Message(whole.value, {"part": b"old/1/2"}))
    left.key = b"k\x001"
    newer = bench.message(topic.name, 1, whole)
    await line.process(0, [left])
    assert not left.acked
    await line.process(0, [newer])
    assert (left.acked, newer.acked) == (True, True)
    assert got == ["2026-06-01"]


def table_of(bench: Any) -> tuple[StateTable[str], PartitionedStore]:
    store = PartitionedStore.__new__(PartitionedStore)
    store.parts = {}
    return StateTable(TEXT, store, "toy-text-changelog", bench.seal), store


async def test_after_a_crash_between_the_pieces_of_a_table_value_the_old_value_stands(bench: Any) -> None:
    table, store = table_of(bench)
    old, new = noise(3), noise(4)
    table.keep(0, await table.encode(0, "k", old, NET))
    writes = await table.encode(0, "k", new, NET)
    for count in range(len(writes) + 1):
        recovered, store_after = table_of(bench)
        store_after.parts = {0: dict(store.parts[0])}
        recovered.keep(0, dict(list(writes.items())[:count]))
        assert recovered.get(0, "k") in {old, new}, f"after {count} entries"
    assert recovered.get(0, "k") == new
    assert set(store_after.parts[0]) == {name for name, raw in writes.items() if raw is not None}


async def test_a_change_that_is_not_durable_is_not_in_the_table_of_the_next_owner(bench: Any) -> None:
    table, store = table_of(bench)
    table.keep(0, await table.encode(0, "k", "old", NET))
    table.note(0, "k", "new")
    await table.encode(0, "k", "new", NET)
    table.forget(0)
    assert table.get(0, "k") == "old"
    assert set(store.parts[0]) == {"k"}
