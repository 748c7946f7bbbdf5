"""The rule of the boundary: decode, handle, send, wait, acknowledge; poison aside, faults waited out."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from trialbridge.contracts import topics
from trialbridge.contracts.documents import SETTINGS, SettingDoc
from trialbridge.contracts.errors import Refused, TooMuchPoison, Unavailable, Undecodable
from trialbridge.contracts.events import DayBegan, DeadLettered, DemographicsSeen, PatientViewChanged
from trialbridge.contracts.ids import (
    EventId,
    LocalPatientId,
    NetworkId,
    PatientId,
    SourceId,
    SourcePatientKey,
    TenantId,
    TicketId,
    digest,
)
from trialbridge.runtime.effects import Effects, Handler, Origin, Received, TableSpec
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.boundary import Boundary
from trialbridge.runtime.stage.lane import KEPT_BYTES
from trialbridge.runtime.stage.poison import PoisonGuard
from trialbridge.runtime.stage.tables import PartitionedStore, StateTable

TOPIC = topics.PATIENT_DEMOGRAPHICS
NET = NetworkId("net")
SEEN = TableSpec("seen", int)


def seen(local: str, seq: int = 1) -> DemographicsSeen:
    return DemographicsSeen(
        network=NET, key=SourcePatientKey(local), source=SourceId("s"), local_patient=LocalPatientId(local), seq=seq
    )


async def no_sleep(_: float) -> None:
    return None


def boundary(bench: Any, handler: Handler[Any], spec: TableSpec[int] = SEEN, **options: Any) -> Boundary:
    store = PartitionedStore.__new__(PartitionedStore)
    store.parts = {}
    bench.links.tables["seen"] = StateTable(spec, store, "toy-seen-changelog", bench.seal)
    return Boundary(bench.links, {TOPIC.name: (TOPIC, handler)}, sleep=no_sleep, **options)


async def count_and_tell(record: Received[DemographicsSeen], effects: Effects) -> None:
    table = effects.table(SEEN)
    table.put(record.key, (table.get(record.key) or 0) + record.payload.seq)
    if record.payload.local_patient == "bad":
        raise Refused("test.bad", "A bad one.")
    view = PatientViewChanged(network=NET, patient=PatientId("p"), version=record.payload.seq, digest=digest(b""))
    effects.emit(topics.PATIENT_VIEWS, record.key, view, NET)
    effects.save(SETTINGS, SettingDoc(id=record.key, version=record.payload.seq, value="x"))


async def test_effects_are_sent_then_the_message_is_acknowledged(bench: Any) -> None:
    event = await bench.event(TOPIC.name, ("a", seen("a")), ("b", seen("b")))
    await boundary(bench, count_and_tell).process(0, [event])
    assert event.acked
    assert {r.key for r in await bench.records("patient_views")} == {"a", "b"}
    assert [s.key for s in bench.log.sent if s.topic == "toy-seen-changelog"] == [b"a", b"b"]
    assert [doc.id for _, doc in bench.documents.written] == ["a", "b"]


async def test_nothing_is_acknowledged_while_the_log_is_away_and_nothing_is_lost_when_it_returns(bench: Any) -> None:
    waits: list[float] = []
    event = await bench.event(TOPIC.name, ("a", seen("a")))
    line = boundary(bench, count_and_tell)

    async def sleep(seconds: float) -> None:
        assert not event.acked
        assert line.counters.waiting
        waits.append(seconds)

    line.sleep = sleep
    bench.log.away = 5
    await line.process(0, [event])
    assert event.acked
    assert waits == sorted(waits)
    assert len(waits) >= 2
    assert [r.key for r in await bench.records("patient_views")][-1] == "a"
    assert not line.counters.waiting


async def test_a_partition_that_goes_on_does_not_hide_that_another_one_waits(bench: Any) -> None:
    away, waiting, back = [True], asyncio.Event(), asyncio.Event()

    async def handle(record: Received[DemographicsSeen], _effects: Effects) -> None:
        if record.key == "stuck" and away:
            away.clear()
            raise Unavailable("store.away", "Away.")

    async def sleep(_: float) -> None:
        waiting.set()
        await back.wait()

    line = boundary(bench, handle)
    line.sleep = sleep
    stuck = asyncio.create_task(line.process(0, [await bench.event(TOPIC.name, ("stuck", seen("a")))]))
    await waiting.wait()
    await line.process(1, [await bench.event(TOPIC.name, ("free", seen("b")), offset=1)])
    assert line.counters.waiting == 1
    back.set()
    await stuck
    assert not line.counters.waiting


async def test_poison_is_set_aside_with_its_effects_undone_and_the_next_record_goes_on(bench: Any) -> None:
    event = await bench.event(TOPIC.name, ("x", seen("good")), ("x", seen("bad")), ("x", seen("good", 2)))
    line = boundary(bench, count_and_tell)
    await line.process(0, [event])
    assert event.acked
    assert bench.links.tables["seen"].get(0, "x") == 3
    assert len(await bench.records("patient_views")) == 2
    [letter] = [msgspec.json.decode(r.data, type=DeadLettered) for r in await bench.records("dead_letters")]
    assert letter.first_seen == "2026-06-01T12:00:00+00:00"
    assert (letter.code, letter.key, letter.topic, letter.stage) == ("test.bad", "x", TOPIC.name, "toy")
    assert msgspec.json.decode(letter.payload, type=DemographicsSeen).local_patient == "bad"
    assert line.counters.dead_lettered == 1


async def test_a_document_that_no_store_can_hold_is_its_records_fault_and_not_the_batchs(bench: Any) -> None:
    event = await bench.event(TOPIC.name, ("a", seen("a")), ("b", seen("b", 2**63)), ("c", seen("c")))
    await boundary(bench, count_and_tell).process(0, [event])
    assert event.acked
    assert [doc.id for _, doc in bench.documents.written] == ["a", "c"]
    (letter,) = [msgspec.json.decode(r.data, type=DeadLettered) for r in await bench.records("dead_letters")]
    assert (letter.key, letter.code) == ("b", "document.refused")
    assert {r.key for r in await bench.records("patient_views")} == {"a", "c"}


async def test_a_payload_too_large_to_keep_stays_in_the_log_and_its_letter_says_where(bench: Any) -> None:
    async def set_large_aside(record: Received[DemographicsSeen], effects: Effects) -> None:
        for size in (KEPT_BYTES, KEPT_BYTES + 1):
            effects.set_aside(Refused(f"test.{size}", "A large one."), b"x" * size, "a")

    event = await bench.event(TOPIC.name, ("a", seen("a")), offset=7)
    await boundary(bench, set_large_aside).process(0, [event])
    parts = [sent for sent in bench.log.sent if sent.topic == "dead_letters"]
    kept, left = [msgspec.json.decode(r.data, type=DeadLettered) for r in await bench.records("dead_letters")]
    assert len(parts) == 2
    assert (len(kept.payload), kept.message) == (KEPT_BYTES, "A large one.")
    assert (left.payload, left.payload_type) == (b"", "a")
    assert f"topic {TOPIC.name}, partition 0, offset 7" in left.message


async def test_a_letter_names_what_its_record_came_with_and_not_what_the_record_before_it_did(bench: Any) -> None:
    async def handle(record: Received[DemographicsSeen], effects: Effects) -> None:
        if record.key == "named":
            effects.name_origin(Origin(TicketId("tkt_1"), TenantId("clinic"), "tkt_1"))
            effects.set_aside(Refused("test.part", "A bad part."), b"{}", "part")
        raise Refused("test.bad", "A bad one.")

    good = wire.Envelope(EventId("e1"), "named", NET, "0" * 32, msgspec.Raw(msgspec.json.encode(seen("a"))))
    broken = wire.Envelope(EventId("e3"), "broken", NET, "0" * 32, msgspec.Raw(b'{"seq":"x"}'))
    run = [good, wire.Envelope(EventId("e2"), "bare", NET, "0" * 32, good.data), good, broken]
    [message] = await wire.encode(run, NET, f"topic:{TOPIC.name}", bench.seal, {})
    line = boundary(bench, handle)
    await line.process(0, [bench.message(TOPIC.name, 0, message), bench.message(TOPIC.name, 1, wire.Message(b"?", {}))])
    letters = [msgspec.json.decode(r.data, type=DeadLettered) for r in await bench.records("dead_letters")]
    named = {(one.key, one.code, one.ticket, one.tenant) for one in letters}
    assert named == {
        ("named", "test.bad", "tkt_1", "clinic"),
        ("bare", "test.bad", None, ""),
        ("broken", "wire.payload-invalid", None, ""),
        ("", "wire.unknown-form", None, ""),
    }


@pytest.mark.parametrize("stepwise", [True, False])
async def test_a_stepwise_table_takes_one_step_of_a_key_with_its_outputs_before_the_next(
    bench: Any, *, stepwise: bool
) -> None:
    event = await bench.event(
        TOPIC.name, ("a", seen("a")), ("b", seen("b")), ("a", seen("a", 2)), ("a", seen("bad", 3)), ("b", seen("b", 4))
    )
    line = boundary(bench, count_and_tell, TableSpec("seen", int, stepwise=stepwise))
    await line.process(0, [event])
    sent = [one.topic for one in bench.log.sent if one.topic in ("toy-seen-changelog", "patient_views")]
    change, link = "toy-seen-changelog", "patient_views"
    # In steps: a and b; a again, until the bad one would change it a third time; then b again.
    steps = [change, change, link, link, change, link, change, link]
    assert sent == (steps if stepwise else [change, change, link, link, link, link])
    assert [r.key for r in await bench.records("patient_views")] == ["a", "b", "a", "b"]
    assert (bench.links.tables["seen"].get(0, "a"), bench.links.tables["seen"].get(0, "b")) == (3, 5)
    assert (line.counters.processed, line.counters.dead_lettered) == (4, 1)
    assert event.acked


async def test_a_record_of_a_network_without_a_key_is_set_aside_and_the_next_goes_on(bench: Any) -> None:
    bench.seal.strangers = {"stranger"}
    event = await bench.event(TOPIC.name, ("a", seen("a")), ("b", seen("b")), networks=("stranger", "net"))
    await boundary(bench, count_and_tell).process(0, [event])
    assert event.acked
    assert [r.key for r in await bench.records("patient_views")] == ["b"]
    [letter] = await bench.records("dead_letters")
    assert letter.network == ""
    assert msgspec.json.decode(letter.data, type=DeadLettered).code == "key.unknown"


async def test_a_dead_letter_is_sealed_and_its_headers_hold_ids_only(bench: Any) -> None:
    event = await bench.event(TOPIC.name, ("x", seen("bad")))
    await boundary(bench, count_and_tell).process(0, [event])
    [letter] = [s for s in bench.log.sent if s.topic == "dead_letters"]
    assert letter.value[:1] == wire.SEALED
    assert set(letter.headers) == {"ce_specversion", "ce_type", "ce_source", "ce_id", "content-type", "traceparent"}
    assert b"bad" not in b"".join(letter.headers.values())


async def set_aside_whole(bench: Any, damage: Callable[[bytes], bytes], *, sealed: bool) -> str:
    """Return the code by which a damaged message is set aside, once the good one behind it came through."""
    broken = await bench.event(TOPIC.name, ("a", seen("a")), offset=1, sealed=False)
    broken.value = damage(broken.value)
    if sealed:
        broken.value = wire.SEALED + await bench.seal.seal(NET, f"topic:{TOPIC.name}", broken.value[1:])
    good = await bench.event(TOPIC.name, ("b", seen("b")), offset=2)
    await boundary(bench, count_and_tell).process(0, [broken, good])
    assert broken.acked
    assert good.acked
    [letter] = [msgspec.json.decode(r.data, type=DeadLettered) for r in await bench.records("dead_letters")]
    assert letter.offset == 1
    assert [r.key for r in await bench.records("patient_views")] == ["b"]
    return letter.code


@pytest.mark.parametrize("damage", [lambda v: v[:10], lambda v: v[:-3]])
async def test_a_broken_content_is_set_aside_whole_and_the_next_goes_on(bench: Any, damage: Any) -> None:
    assert await set_aside_whole(bench, damage, sealed=True) == "wire.broken-frame"


@pytest.mark.parametrize("damage", [lambda v: b"\x07" + v[1:], lambda _: b""])
async def test_a_message_of_no_form_is_set_aside_whole_and_the_next_goes_on(bench: Any, damage: Any) -> None:
    assert await set_aside_whole(bench, damage, sealed=False) == "wire.unknown-form"


async def test_a_clear_message_on_a_sealed_topic_is_set_aside_whole(bench: Any) -> None:
    assert await set_aside_whole(bench, lambda value: value, sealed=False) == "wire.not-sealed"


async def test_a_payload_of_the_wrong_shape_names_its_path_not_its_content(bench: Any) -> None:
    wrong = SettingDoc(id="secret-name", version=1, value="v")
    event = await bench.event(TOPIC.name, ("k", wrong))
    await boundary(bench, count_and_tell).process(0, [event])
    [letter] = [msgspec.json.decode(r.data, type=DeadLettered) for r in await bench.records("dead_letters")]
    assert letter.code == "wire.payload-invalid"
    assert "secret" not in letter.message + str(letter.place)


async def test_a_defect_in_a_handler_becomes_a_dead_letter_without_its_text(bench: Any) -> None:
    async def broken(record: Received[DemographicsSeen], effects: Effects) -> None:
        del effects
        raise KeyError(f"John Doe {record.key}")

    event = await bench.event(TOPIC.name, ("a", seen("a")))
    await boundary(bench, broken).process(0, [event])
    [letter] = [msgspec.json.decode(r.data, type=DeadLettered) for r in await bench.records("dead_letters")]
    assert letter.code == "stage.unexpected"
    assert "John" not in letter.message


async def test_a_passing_fault_of_a_handler_is_waited_out(bench: Any) -> None:
    tries: list[int] = []

    async def shaky(record: Received[DemographicsSeen], effects: Effects) -> None:
        effects.table(SEEN).put(record.key, len(tries))
        tries.append(1)
        if len(tries) < 3:
            raise Unavailable("store.away", "The store is away.")

    event = await bench.event(TOPIC.name, ("a", seen("a")))
    line = boundary(bench, shaky)
    await line.process(0, [event])
    assert len(tries) == 3
    assert line.counters.retried == 2
    assert bench.links.tables["seen"].get(0, "a") == 2
    assert event.acked


async def test_a_key_that_is_not_at_hand_is_fetched_and_the_handler_runs_again(bench: Any) -> None:
    line = boundary(bench, count_and_tell)
    await line.process(0, [await bench.event(TOPIC.name, ("a", seen("a", 5)))])
    line.forget(0)
    event = await bench.event(TOPIC.name, ("a", seen("a", 1)), offset=1)
    bench.seal.cold = "table:"
    await line.process(0, [event])
    assert bench.seal.fetches == 2 + 1  # the values of both messages, and the table's
    assert bench.links.tables["seen"].get(0, "a") == 6


async def test_a_flood_of_poison_stops_the_stage_before_the_acknowledgement(bench: Any) -> None:
    line = boundary(bench, count_and_tell, guard=PoisonGuard(in_a_row=5))
    event = await bench.event(TOPIC.name, *[(str(n), seen("bad")) for n in range(9)])
    with pytest.raises(TooMuchPoison):
        await line.process(0, [event])
    assert not event.acked
    assert bench.log.sent == []


async def test_a_repeat_makes_the_same_ids(bench: Any) -> None:
    line = boundary(bench, count_and_tell)
    for _ in range(2):
        await line.process(0, [await bench.event(TOPIC.name, ("a", seen("a")))])
    first, second = await bench.records("patient_views")
    assert first.id == second.id


async def test_a_record_too_large_for_a_message_travels_in_parts(bench: Any) -> None:
    noise = random.Random(1).randbytes(3_000_000).hex()
    big = seen(noise)
    envelope = wire.Envelope(EventId("evt_big"), "k", NET, "0" * 32, msgspec.Raw(msgspec.json.encode(big)))
    messages = await wire.encode([envelope], NET, f"topic:{TOPIC.name}", bench.seal, {})
    assert len(messages) > 3
    assert all(len(m.value) <= topics.MESSAGE_LIMIT for m in messages)
    got: list[str] = []

    async def keep(record: Received[DemographicsSeen], effects: Effects) -> None:
        del effects
        got.append(record.payload.local_patient)

    events = [bench.message(TOPIC.name, n, m) for n, m in enumerate(messages)]
    line = boundary(bench, keep)
    await line.process(0, events[:-1])
    assert not any(event.acked for event in events), "parts stay unacknowledged until the last one is handled"
    await line.process(0, [events[1], events[-1]])  # a part again, as after a crash of the sender
    assert got == [noise]
    assert all(event.acked for event in events)


async def test_a_table_value_too_large_for_a_message_is_split_and_shrinks_again(bench: Any) -> None:
    sizes = iter((2_500_000, 10))
    spec = TableSpec("seen", str)

    async def grow(record: Received[DemographicsSeen], effects: Effects) -> None:
        effects.table(spec).put(record.key, random.Random(1).randbytes(next(sizes)).hex())

    line = boundary(bench, grow)
    store = PartitionedStore.__new__(PartitionedStore)
    store.parts = {}
    table = bench.links.tables["seen"] = StateTable(spec, store, "toy-seen-changelog", bench.seal)
    await line.process(0, [await bench.event(TOPIC.name, ("a", seen("a")))])
    written = {s.key: s.value for s in bench.log.sent}
    assert len(written) > 2
    assert all(len(value) <= topics.MESSAGE_LIMIT for value in written.values() if value)
    table.forget(0)
    value = table.get(0, "a")
    assert value is not None
    assert len(value) == 5_000_000
    assert [key for key, _ in table.items(0)] == ["a"]
    await line.process(0, [await bench.event(TOPIC.name, ("a", seen("a")), offset=1)])
    assert set(store.parts[0]) == {"a"}
    assert sum(1 for s in bench.log.sent if s.value is None) == len(written) - 1


def table_of(bench: Any, spec: TableSpec[str]) -> tuple[StateTable[str], PartitionedStore]:
    store = PartitionedStore.__new__(PartitionedStore)
    store.parts = {}
    table = bench.links.tables[spec.name] = StateTable(spec, store, "toy-seen-changelog", bench.seal)
    return table, store


async def test_a_table_value_that_was_moved_to_another_row_does_not_open(bench: Any) -> None:
    table, store = table_of(bench, TableSpec("seen", str))
    for key in ("a", "b"):
        table.keep(0, await table.encode(0, key, f"of {key}", NET))
    assert (table.get(0, "a"), table.get(0, "b")) == ("of a", "of b")
    store.parts[0]["b"] = store.parts[0]["a"]
    table.forget(0)
    assert table.get(0, "a") == "of a"
    with pytest.raises(Refused, match="another place"):
        table.get(0, "b")


@pytest.mark.parametrize("how", ["another row's", "another piece's"])
async def test_a_piece_of_a_table_value_that_was_moved_does_not_open(bench: Any, how: str) -> None:
    table, store = table_of(bench, TableSpec("seen", str))
    for key in ("a", "b"):
        table.keep(0, await table.encode(0, key, random.Random(key).randbytes(2_500_000).hex(), NET))
    mine = sorted(name for name in store.parts[0] if name.startswith("a\x00"))
    others = sorted(name for name in store.parts[0] if name.startswith("b\x00"))
    assert len(mine) > 2
    store.parts[0][mine[0]] = store.parts[0][others[0] if how == "another row's" else mine[1]]
    table.forget(0)
    with pytest.raises(Refused, match="another place"):
        table.get(0, "a")


@pytest.mark.parametrize("form", [wire.CLEAR, b"\x07"])
async def test_a_sealed_table_takes_no_value_that_nobody_sealed(bench: Any, form: bytes) -> None:
    table, store = table_of(bench, TableSpec("seen", str))
    store.parts[0] = {"a": form + b'"forged"'}
    with pytest.raises(Undecodable) as refused:
        table.get(0, "a")
    assert refused.value.code == "table.value-invalid"


async def test_a_table_in_clear_needs_no_seal(bench: Any) -> None:
    table, store = table_of(bench, TableSpec("seen", str, sealed=False))
    table.keep(0, await table.encode(0, "a", "of a", NET))
    assert store.parts[0] == {"a": wire.CLEAR + b'"of a"'}
    table.forget(0)
    assert table.get(0, "a") == "of a"


async def test_a_broadcast_record_goes_to_every_partition(bench: Any) -> None:
    async def tell(record: Received[DemographicsSeen], effects: Effects) -> None:
        del record
        effects.emit(topics.CALENDAR_DAYS, "day", DayBegan(date="2026-06-01"), NET)

    await boundary(bench, tell).process(0, [await bench.event(TOPIC.name, ("a", seen("a")))])
    assert sorted(s.partition for s in bench.log.sent if s.topic == "calendar_days") == [0, 1, 2, 3]


async def test_a_compacted_topic_carries_one_record_a_message(bench: Any) -> None:
    event = await bench.event(TOPIC.name, ("a", seen("a")), ("b", seen("b")), ("c", seen("c")))
    await boundary(bench, count_and_tell).process(0, [event])
    assert sorted(s.key for s in bench.log.sent if s.topic == "patient_views") == [b"a", b"b", b"c"]
