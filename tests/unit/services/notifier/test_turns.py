"""A slow endpoint takes up its own share of the calls, never another's."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from services.notifier.endpoints import Endpoint, Endpoints
from services.notifier.sending import WebhookSender, make_client
from services.notifier.turns import Turns
from tests.unit.services.notifier.conftest import HILL, NORTH, PUBLIC, SECRET, House, decision
from trialbridge.contracts.documents import DELIVERIES, DeliveryDoc
from trialbridge.contracts.ids import MatchId
from trialbridge.testkit.fakes import MemoryEmitter

SLOW = Endpoint("north-hook", NORTH, "https://slow.example.org/", (SECRET,))
FAST = Endpoint("hill-hook", HILL, "https://fast.example.org/", (SECRET,))


class Web:
    """Two hosts, of which one never answers."""

    def __init__(self) -> None:
        self.slow = 0
        self.most = 0
        self.told = asyncio.Event()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if not request.headers["host"].startswith("slow"):
            self.told.set()
            return httpx.Response(204)
        self.slow += 1
        self.most = max(self.most, self.slow)
        try:
            await asyncio.sleep(3600)
        finally:
            self.slow -= 1
        return httpx.Response(204)


async def public(host: str, port: int) -> list[str]:
    return PUBLIC


@pytest.fixture
def house() -> House:
    return House(Endpoints((SLOW, FAST)))


@pytest.mark.parametrize("count", [32, 250])
async def test_a_withdrawal_does_not_wait_for_another_practices_slow_endpoint(house: House, count: int) -> None:
    await house.deliver(*(decision(match=MatchId(f"m{n}"), tenants=(NORTH,)) for n in range(count)))
    house.pass_time(seconds=1)
    web = Web()
    async with make_client(httpx.MockTransport(web.answer)) as client:
        sender = WebhookSender(client, 3600.0, resolving=public)
        running = asyncio.create_task(house.dispatcher(sender=sender)(MemoryEmitter()))
        while not web.slow:
            await asyncio.sleep(0.005)
        # It comes while those of the other practice are on their way, and behind hundreds that wait.
        await house.deliver(decision(match=MatchId("urgent"), tenants=(HILL,), decision="withdrawn"))
        await asyncio.wait_for(web.told.wait(), 60)
        assert web.most == 2
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert web.slow == 0


async def test_what_was_broken_off_is_sent_again_after_its_lease(house: House) -> None:
    await house.deliver(decision(tenants=(NORTH,)))
    web = Web()
    async with make_client(httpx.MockTransport(web.answer)) as client:
        sender = WebhookSender(client, 3600.0, resolving=public)
        running = asyncio.create_task(house.dispatcher(sender=sender)(MemoryEmitter()))
        while not web.slow:
            await asyncio.sleep(0.005)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    house.time += timedelta(minutes=2)
    assert await house.dispatch() == 1
    assert (await house.log()).status == "delivered"


def due(endpoint: str, *numbers: int) -> list[DeliveryDoc]:
    return [
        DeliveryDoc(id=f"{endpoint}{n}", version=1, tenant="t", endpoint=endpoint, notification="n", status="pending")
        for n in numbers
    ]


async def test_endpoints_take_turns_within_the_limits() -> None:
    begun: list[str] = []
    free = asyncio.Event()

    async def attempt(doc: DeliveryDoc) -> bool:
        begun.append(doc.id)
        await free.wait()
        return True

    turns = Turns(at_once=3, per_endpoint=2)
    waiting = [*due("a", 1, 2, 3, 4), *due("b", 1, 2), *due("c", 1)]
    turns.begin(waiting, attempt)
    await asyncio.sleep(0)
    assert begun == ["a1", "b1", "c1"]
    turns.begin(waiting, attempt)
    await asyncio.sleep(0)
    assert len(begun) == 3
    assert (turns.room(), turns.full("a")) == (0, False)
    free.set()
    assert await turns.ended() == 3
    turns.begin([doc for doc in waiting if doc.id not in begun], attempt)
    await asyncio.sleep(0)
    assert begun[3:] == ["a2", "b2", "a3"]
    assert turns.full("a")
    await turns.stop()
    assert not turns.busy


async def test_a_failure_of_the_store_is_raised() -> None:
    async def attempt(doc: DeliveryDoc) -> bool:
        raise ConnectionError

    turns = Turns(2, 2)
    turns.begin(due("a", 1), attempt)
    with pytest.raises(ConnectionError):
        await turns.ended()


def test_the_documents_that_are_asked_for_have_the_field() -> None:
    assert "endpoint" in DELIVERIES.doc.__struct_fields__
    assert "endpoint" not in DELIVERIES.sealed
