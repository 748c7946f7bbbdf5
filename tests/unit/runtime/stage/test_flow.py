"""How a consumer waits for what it hands on: at once where nothing waits, else as Faust does."""

import asyncio
from typing import Any

import pytest

from trialbridge.runtime.stage.flow import QuickWait


class Bare(QuickWait):
    """As much of a consumer as waiting needs."""


async def forever() -> None:
    await asyncio.Event().wait()


async def answer(gate: asyncio.Event | None = None, fault: Exception | None = None) -> int:
    if gate is not None:
        await gate.wait()
        await asyncio.sleep(0)
    if fault is not None:
        raise fault
    return 7


async def test_what_ends_without_waiting_costs_no_task() -> None:
    before = asyncio.all_tasks()
    found = await Bare().wait_first(answer(), forever())
    assert found.results == [7]
    assert not found.stopped
    assert asyncio.all_tasks() == before


async def test_what_waits_is_waited_for() -> None:
    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, gate.set)
    found = await Bare().wait_first(answer(gate), forever())
    assert found.results == [7]


async def test_the_other_may_end_first() -> None:
    found = await Bare().wait_first(answer(asyncio.Event()), asyncio.sleep(0.01, "other"))
    assert found.results == ["other"]


@pytest.mark.parametrize("wait", [False, True])
async def test_a_fault_is_raised(wait: bool) -> None:
    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, gate.set)
    with pytest.raises(ValueError, match="away"):
        await Bare().wait_first(answer(gate if wait else None, ValueError("away")), forever())


async def test_a_cancelled_wait_is_seen_by_what_was_begun() -> None:
    seen: list[str] = []

    async def begun() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task: asyncio.Task[Any] = asyncio.create_task(Bare().wait_first(begun(), forever()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert seen == ["cancelled"]


async def test_nothing_is_begun_once_the_consumer_stopped() -> None:
    bare = Bare()
    bare._stopped.set()
    found = await bare.wait_first(answer(asyncio.Event()), forever())
    assert found.stopped
