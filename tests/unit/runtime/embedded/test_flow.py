"""After a rewind nothing is read before flow is resumed, and nothing that was read before it is delivered (stage/flow.py)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from trialbridge.runtime.embedded.log import Log
from trialbridge.runtime.embedded.storage import LogTopic
from trialbridge.runtime.embedded.transport import Consumer
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage.app import make_app

SPOT = TP("events", 0)
OTHER = TP("events", 1)


@dataclass
class Reading:
    """A consumer that holds both partitions, with ten records in each; nothing is committed."""

    log: Log
    consumer: Any

    async def take(self, timeout: float = 0.05) -> list[tuple[int, int]]:  # noqa: ASYNC109 - Faust's word
        return [(message.partition, message.offset) async for _, message in self.consumer.getmany(timeout)]


@pytest.fixture
async def reading(tmp_path: Path) -> AsyncIterator[Reading]:
    settings = read_settings(BaseServiceSettings, broker=f"trialbridge-embedded://{tmp_path / 'log.db'}")
    app = make_app("reader", settings, tmp_path / "faust")
    app.finalize()
    log = Log.acquire(tmp_path / "log.db")
    await log.create([LogTopic("events", 2, compacted=False, retention_ms=None)])
    for partition in (0, 1):
        for number in range(10):
            await log.append("events", partition, b"k", b"%d" % number, (), 2e9)
    await log.flush()
    consumer: Any = app.consumer
    assert isinstance(consumer, Consumer)
    consumer._assigned = {SPOT, OTHER}
    consumer._set_active_tps({SPOT, OTHER})
    conductor: Any = app.topics
    conductor._acking_topics.add("events")
    log.wake(consumer._news.set)
    yield Reading(log, consumer)
    while log._users:
        await log.release()


WHOLE = [(partition, number) for number in range(10) for partition in (0, 1)]


async def test_records_come_once(reading: Reading) -> None:
    assert sorted(await reading.take()) == sorted(WHOLE)
    assert await reading.take() == []


async def test_nothing_is_read_between_a_rewind_and_the_resumption_of_flow(reading: Reading) -> None:
    await reading.take()
    await reading.consumer.perform_seek()
    # Faust empties the streams' queues here: what were delivered now would never come again.
    assert await reading.take() == []
    reading.consumer.resume_flow()
    assert sorted(await reading.take()) == sorted(WHOLE)


async def test_what_a_fetch_brings_that_began_before_a_rewind_is_not_delivered(reading: Reading) -> None:
    consumer, log = reading.consumer, reading.log
    got, reached, go_on = log.read, asyncio.Event(), asyncio.Event()

    async def slow(wanted: Any) -> Any:
        found = await got(wanted)
        reached.set()
        await go_on.wait()
        return found

    log.read = slow  # type: ignore[method-assign]
    taking = asyncio.create_task(reading.take())
    await reached.wait()
    await consumer.perform_seek()
    consumer.resume_flow()
    go_on.set()
    assert await taking == []
    assert sorted(await reading.take()) == sorted(WHOLE), "and its records are not skipped either"


async def test_a_set_of_partitions_that_grows_empty_does_not_mean_all(reading: Reading) -> None:
    consumer = reading.consumer
    consumer.pause_partitions({SPOT, OTHER})
    assert await reading.take() == []
    consumer.resume_partitions({OTHER})
    assert {partition for partition, _ in await reading.take()} == {1}


async def test_a_stream_that_has_room_again_is_served_at_once(reading: Reading) -> None:
    consumer = reading.consumer
    consumer.on_buffer_full(SPOT)
    consumer.on_buffer_full(OTHER)
    taking = asyncio.create_task(reading.take(timeout=30))
    await asyncio.sleep(0.01)
    consumer.on_buffer_drop(SPOT)
    async with asyncio.timeout(15):
        await taking
        assert {partition for partition, _ in await reading.take()} == {0}


async def test_acknowledgements_from_before_a_rewind_do_not_count_after_it(reading: Reading) -> None:
    consumer = reading.consumer
    messages = [message async for _, message in consumer.getmany(0.05) if message.partition == 0]
    for message in messages[5:]:
        assert consumer.ack(message)
    await consumer.perform_seek()
    consumer.resume_flow()
    assert consumer._filter_committable_offsets([SPOT]) == {}


async def test_a_record_wakes_a_waiting_consumer(reading: Reading) -> None:
    await reading.take()
    taking = asyncio.create_task(reading.take(timeout=30))
    await asyncio.sleep(0.01)
    await reading.log.append("events", 1, b"k", b"new", (), 2e9)
    async with asyncio.timeout(15):
        assert await taking == [(1, 10)]
