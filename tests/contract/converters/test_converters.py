"""The door's converters: a thread of its process and processes of their own do the same, and a lost one is told."""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from services.gateway.clients import Client
from services.gateway.conversion import Converters, work
from trialbridge.contracts.errors import Unavailable
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.testkit.adt_load import adt_message

CLIENT = Client("engine", TenantId("north"), NetworkId("lakeland"), SourceId("north/adt"))
CREATED = "2026-06-01T08:00:00+00:00"
BODIES = [(f"{number}.hl7", adt_message(number)) for number in range(3)]


@pytest.fixture(params=[0, 1], ids=["thread", "process"])
def converters(request: pytest.FixtureRequest) -> Iterator[Converters]:
    found = Converters(request.param, None)
    yield found
    found.close()


@pytest.mark.contract
async def test_messages_become_what_they_become_without_either(converters: Converters) -> None:
    assert await converters.run(CLIENT, CREATED, BODIES) == work(CLIENT, CREATED, BODIES)


@pytest.mark.contract
async def test_a_message_that_cannot_be_read_is_set_aside_and_the_others_go_on(converters: Converters) -> None:
    broken = ("x.hl7", b"MSH|^~\\&|A|B|C|D|20260601||ADT^A04|1|P|2.5.1\rPV1|1|O\r")
    found = await converters.run(CLIENT, CREATED, [*BODIES, broken])
    assert len(found.rows) == len(BODIES)
    assert [bad.place.entry for bad in found.bad] == ["4"]
    assert found.bad[0].payload


@pytest.mark.contract
async def test_groups_at_the_same_time_are_kept_apart(converters: Converters) -> None:
    found = await asyncio.gather(*(converters.run(CLIENT, CREATED, [one]) for one in BODIES))
    assert [one.rows[0].local_patient for one in found] == [f"L{number:08}" for number in range(3)]


async def until_lost(converters: Converters) -> None:
    """Convert until the death of a process is noticed, which takes a moment."""
    while True:
        await converters.run(CLIENT, CREATED, BODIES)


@pytest.mark.contract
async def test_a_process_that_ends_is_told_and_another_takes_its_place() -> None:
    converters = Converters(1, None)
    try:
        await converters.run(CLIENT, CREATED, BODIES)
        pool = converters._pool
        assert isinstance(pool, ProcessPoolExecutor)
        for process in list(pool._processes):
            os.kill(process, signal.SIGKILL)
        with pytest.raises(Unavailable, match="converter"):
            await until_lost(converters)
        assert await converters.run(CLIENT, CREATED, BODIES) == work(CLIENT, CREATED, BODIES)
    finally:
        converters.close()
