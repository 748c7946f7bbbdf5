"""The partition worker: order, batches, back-pressure, and nothing out of turn once it is closed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from trialbridge.runtime.stage.worker import BATCH_BYTES, PartitionWorker, close_all


@dataclass
class Slow:
    """Processes a batch when told to."""

    batches: list[list[int]] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    failures: list[Exception] = field(default_factory=list)

    async def process(self, batch: Sequence[int]) -> None:
        self.batches.append(list(batch))
        await self.go.wait()

    def worker(self, room: int = 4) -> PartitionWorker[int]:
        return PartitionWorker(self.process, self.failures.append, most=3, room=room)


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_messages_are_processed_in_order_and_by_batches() -> None:
    slow = Slow()
    slow.go.set()
    worker = slow.worker()
    for number in range(10):
        await worker.put(number)
    await settle()
    assert [number for batch in slow.batches for number in batch] == list(range(10))
    assert max(map(len, slow.batches)) == 3
    await close_all([worker])


async def test_a_batch_ends_with_the_message_that_makes_it_large() -> None:
    slow = Slow()
    slow.go.set()
    worker = PartitionWorker(slow.process, slow.failures.append, most=10, weigh=lambda one: one * BATCH_BYTES // 2)
    for number in (1, 1, 0, 3, 0):
        await worker.put(number)
    await settle()
    assert slow.batches == [[1, 1], [0, 3], [0]]
    await close_all([worker])


async def test_a_batch_gathers_more_where_another_ended_just_now_and_nothing_waits_at_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow, now = Slow(), [0.0]
    slow.go.set()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0])
    worker = PartitionWorker(slow.process, slow.failures.append, most=10, gather=0.05)
    await worker.put(1)
    await settle()
    assert slow.batches == [[1]]
    await worker.put(2)
    await settle()
    await worker.put(3)
    await settle()
    assert slow.batches == [[1]]
    now[0] += 0.08
    await settle()
    assert slow.batches == [[1], [2, 3]]
    now[0] += 0.08
    await worker.put(4)
    await settle()
    assert slow.batches == [[1], [2, 3], [4]]
    await worker.put(5)
    await settle()
    worker.close()
    await asyncio.gather(worker.task, return_exceptions=True)
    assert slow.batches == [[1], [2, 3], [4]], "what is gathered when the worker closes comes again elsewhere"


async def test_who_hands_over_waits_while_too_much_does() -> None:
    slow = Slow()
    worker = slow.worker(room=2)
    await worker.put(0)
    await settle()
    await worker.put(1)
    await worker.put(2)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(worker.put(3), 0.01)
    await close_all([worker], 0.01)


async def test_a_closed_worker_finishes_its_batch_and_handles_nothing_after_a_gap() -> None:
    slow = Slow()
    worker = slow.worker(room=2)
    await worker.put(0)
    await settle()
    await worker.put(1)
    await worker.put(2)
    handing_over = asyncio.create_task(worker.put(3))
    await settle()
    closing = asyncio.create_task(close_all([worker]))
    await settle()
    slow.go.set()
    await closing
    await handing_over
    await worker.put(4)
    await settle()
    assert slow.batches == [[0]]
    assert slow.failures == []


async def test_an_idle_worker_closes_at_once_and_a_stuck_one_is_broken_off() -> None:
    slow = Slow()
    idle, stuck = slow.worker(), slow.worker()
    await settle()
    await stuck.put(0)
    await settle()
    async with asyncio.timeout(60):
        await close_all([idle, stuck], 0.01)
    assert idle.task.done()
    assert stuck.task.cancelled()
    assert slow.failures == []


async def test_what_processing_raises_is_told_and_nothing_more_is_handled() -> None:
    failures: list[Exception] = []

    async def process(_batch: Sequence[int]) -> None:
        raise ValueError("broken")

    worker = PartitionWorker(process, failures.append, most=1)
    await worker.put(0)
    await worker.put(1)
    await settle()
    assert [str(one) for one in failures] == ["broken"]
    await close_all([worker])
