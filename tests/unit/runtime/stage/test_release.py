"""Effects that are released before a handler's end: durable at once, not undone, and the same ids when they come again."""

from typing import Any

from tests.unit.runtime.stage.test_boundary import NET, TOPIC, boundary, seen
from trialbridge.contracts import topics
from trialbridge.contracts.documents import SETTINGS, SettingDoc
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.events import DemographicsSeen, PatientLinked
from trialbridge.contracts.ids import PatientId
from trialbridge.runtime.effects import Effects, Received


async def tell(record: Received[DemographicsSeen], effects: Effects) -> None:
    """Emit three times, and release in between; a bad one fails at its end."""
    for number in range(3):
        link = PatientLinked(network=NET, key=record.payload.key, patient=PatientId(f"p{number}"), seq=number)
        effects.emit(topics.PATIENT_LINKS, record.key, link, NET)
        effects.save(SETTINGS, SettingDoc(id=f"{record.key}{number}", version=1, value="x"))
        effects.warn("test.counted")
        if number < 2:
            await effects.release()
    if record.payload.local_patient == "bad":
        raise Refused("test.bad", "A bad one.")


async def test_what_is_released_is_sent_at_once_and_counted(bench: Any) -> None:
    event = await bench.event(TOPIC.name, ("a", seen("a")), ("b", seen("b")))
    line = boundary(bench, tell)
    await line.process(0, [event])
    assert event.acked
    sent = await bench.records("patient_links")
    assert [one.key for one in sent] == ["a"] * 3 + ["b"] * 3
    assert len({one.id for one in sent}) == 6
    assert sorted(doc.id for _, doc in bench.documents.written) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert line.counters.emitted == 6 + 1  # and the lineage of the warnings
    again = await bench.event(TOPIC.name, ("a", seen("a")), ("b", seen("b")))
    await boundary(bench, tell).process(0, [again])
    assert [one.id for one in await bench.records("patient_links")] == [one.id for one in sent] * 2


async def test_a_record_that_fails_later_loses_only_what_was_not_released(bench: Any) -> None:
    event = await bench.event(TOPIC.name, ("a", seen("a")), ("x", seen("bad")), ("b", seen("b")))
    await boundary(bench, tell).process(0, [event])
    sent = await bench.records("patient_links")
    assert [one.key for one in sent] == ["a"] * 3 + ["x"] * 2 + ["b"] * 3
    assert len(await bench.records("dead_letters")) == 1
    assert "x2" not in {doc.id for _, doc in bench.documents.written}


async def test_a_log_that_is_away_at_a_release_is_waited_for_and_nothing_is_lost(bench: Any) -> None:
    tries: list[int] = []

    async def shaky(record: Received[DemographicsSeen], effects: Effects) -> None:
        tries.append(1)
        if len(tries) == 1:
            bench.log.away = 1
        await tell(record, effects)

    event = await bench.event(TOPIC.name, ("a", seen("a")))
    await boundary(bench, shaky).process(0, [event])
    assert event.acked
    assert len(tries) == 2
    assert len({one.id for one in await bench.records("patient_links")}) == 3
