"""Inbox entries and webhooks: what is told, to whom, how often, and what is kept of it."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import httpx
import msgspec
import pytest

from services.notifier.desk import WebhookDesk
from services.notifier.dispatching import LEASE, switch_id
from services.notifier.endpoints import Endpoint, Endpoints
from services.notifier.schedule import DELAYS, wait_after
from tests.unit.services.notifier.conftest import HOOK, NORTH, OLD_SECRET, SECRET, START, House, decision
from trialbridge.contracts.documents import COMMANDS, DELIVERIES, NOTIFICATIONS, SETTINGS, CommandDoc, SettingDoc
from trialbridge.contracts.errors import Unavailable
from trialbridge.runtime.commands import CommandDesk
from trialbridge.testkit.fakes import MemoryEmitter
from trialbridge.vault.webhooks import verify


async def test_every_practice_that_holds_the_patient_is_told_once(house: House) -> None:
    await house.deliver(decision(), decision())
    found = (await house.documents.all(NOTIFICATIONS)).values()
    assert sorted(doc.tenant for doc in found) == ["hill", "north"]
    doc = next(doc for doc in found if doc.tenant == "north")
    assert (doc.kind, doc.match, doc.patient, doc.trial, doc.title) == ("approved", "mat_1", "pat_1", "T-1", "A trial")
    assert (doc.reasons, doc.read, doc.network) == (("Every criterion is met.",), False, "lakeland")
    assert doc.created == START.isoformat()


async def test_a_repeat_changes_nothing_not_even_a_read_mark(house: House) -> None:
    await house.deliver(decision())
    docs = await house.documents.all(NOTIFICATIONS)
    read = [msgspec.structs.replace(doc, version=2, read=True) for doc in docs.values()]
    await house.documents.upsert(NOTIFICATIONS, read)
    house.pass_time(days=1)
    house.__post_init__()
    await house.deliver(decision())
    assert list((await house.documents.all(NOTIFICATIONS)).values()) == read


async def test_a_withdrawal_is_as_loud_as_an_approval(house: House) -> None:
    await house.deliver(decision(), decision(decision="withdrawn", seq=2), decision(seq=3))
    found = [doc for doc in (await house.documents.all(NOTIFICATIONS)).values() if doc.tenant == NORTH]
    assert sorted(doc.kind for doc in found) == ["approved", "approved", "withdrawn"]
    assert len(await house.documents.all(DELIVERIES)) == 3


async def test_a_webhook_goes_to_the_endpoints_of_the_practice_that_ask_for_it() -> None:
    rows = (
        HOOK,
        Endpoint("north-2", NORTH, "https://two.example.org/", (SECRET,), ("withdrawn",)),
        Endpoint("west", type(NORTH)("west"), "https://west.example.org/", (SECRET,)),
    )
    house = House(Endpoints(rows))
    await house.deliver(decision())
    assert {doc.endpoint for doc in (await house.documents.all(DELIVERIES)).values()} == {"north-hook"}
    await house.deliver(decision(decision="withdrawn", seq=2))
    assert {doc.endpoint for doc in (await house.documents.all(DELIVERIES)).values()} == {"north-hook", "north-2"}


async def test_a_webhook_is_signed_and_says_ids_only(house: House) -> None:
    await house.deliver(decision())
    assert await house.dispatch() == 1
    (call,) = house.calls
    log = await house.log()
    assert (log.status, log.attempts, log.last_code, log.last_error) == ("delivered", 1, 204, "")
    body = call.content
    assert log.body == body.decode()
    assert call.headers["webhook-id"] == log.id
    assert "." not in log.id
    stamp = int(call.headers["webhook-timestamp"])
    assert stamp == START.timestamp()
    for secret in (SECRET, OLD_SECRET):
        assert verify(secret, log.id, stamp, body, call.headers["webhook-signature"])
    said = msgspec.json.decode(body)
    assert said == {
        "type": "match.approved",
        "timestamp": START.isoformat(),
        "data": {"notification": log.notification, "match": "mat_1", "trial": "T-1", "seq": 1},
    }
    assert b"pat_1" not in body
    assert b"criterion" not in body


async def test_the_call_goes_to_the_address_that_was_judged_under_the_hosts_name(house: House) -> None:
    await house.deliver(decision())
    await house.dispatch()
    (call,) = house.calls
    assert str(call.url) == "https://93.184.216.34/in?x=1"
    assert call.headers["host"] == "hooks.example.org"
    assert call.extensions["sni_hostname"] == "hooks.example.org"


async def test_a_repeat_of_the_decision_does_not_send_again(house: House) -> None:
    await house.deliver(decision())
    await house.dispatch()
    await house.deliver(decision())
    assert await house.dispatch() == 0
    assert len(house.calls) == 1


async def test_failures_are_tried_again_after_the_schedule_under_the_same_id_then_given_up(house: House) -> None:
    await house.deliver(decision())
    house.answers = [httpx.Response(500) for _ in range(20)]
    times = []
    while (await house.log()).status == "pending":
        made = await house.dispatch()
        if made:
            times.append(house.time)
        log = await house.log()
        house.pass_time(seconds=60 if len(times) > 1 else 1)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == len(DELAYS) + 1 == 10
    for wait, delay in zip(waits, DELAYS, strict=True):
        assert delay <= wait <= delay * 1.1 + timedelta(seconds=61)
    assert (log.status, log.attempts, log.last_code, log.last_error) == ("failed", 10, 500, "webhook.refused")
    assert len({call.headers["webhook-id"] for call in house.calls}) == 1
    assert len({call.headers["webhook-timestamp"] for call in house.calls}) == 10
    assert len({call.content for call in house.calls}) == 1


@pytest.mark.parametrize(
    ("answer", "code", "error"),
    [
        (httpx.Response(302, headers={"location": "https://evil.example.org/"}), 302, "webhook.redirected"),
        (httpx.Response(404), 404, "webhook.refused"),
        (httpx.Response(429), 429, "webhook.refused"),
        (httpx.Response(500, text="canary"), 500, "webhook.refused"),
        (httpx.ConnectError("canary"), 0, "webhook.no-connection"),
        (httpx.ReadTimeout("canary"), 0, "webhook.timeout"),
    ],
)
async def test_whatever_is_not_a_success_is_a_failure_to_be_tried_again(
    house: House, answer: httpx.Response | Exception, code: int, error: str
) -> None:
    await house.deliver(decision())
    house.answers = [answer]
    await house.dispatch()
    log = await house.log()
    assert (log.status, log.last_code, log.last_error) == ("pending", code, error)
    assert b"canary" not in msgspec.json.encode(log)
    assert len(house.calls) == 1
    house.pass_time(seconds=6)
    await house.dispatch()
    assert (await house.log()).status == "delivered"


async def test_an_endpoint_may_ask_for_more_time_up_to_a_day(house: House) -> None:
    await house.deliver(decision())
    for text, wait in (("3600", 3600), ("999999", 86_400), ("99999999999", 1800), ("soon", 7200)):
        house.answers = [httpx.Response(503, headers={"retry-after": text})]
        assert await house.dispatch() == 1
        house.pass_time(seconds=wait - 1)
        assert await house.dispatch() == 0, text
        house.pass_time(seconds=wait * 0.1 + 2)


async def test_an_endpoint_that_is_gone_is_never_called_again_until_enabled(house: House) -> None:
    await house.deliver(decision())
    house.answers = [httpx.Response(410)]
    await house.dispatch()
    assert (await house.log()).status == "disabled"
    await house.deliver(decision(seq=2))
    await house.dispatch()
    assert len(house.calls) == 1
    assert {doc.status for doc in (await house.documents.all(DELIVERIES)).values()} == {"disabled"}
    assert (await ask(house, {"endpoint": "north-hook"})).status == "done"
    for identity in await house.documents.all(DELIVERIES):
        assert (await ask(house, {"delivery": identity})).status == "done"
    await house.dispatch()
    assert {doc.status for doc in (await house.documents.all(DELIVERIES)).values()} == {"delivered"}


async def ask(house: House, body: dict[str, str]) -> CommandDoc:
    identity = f"cmd_{len(await house.documents.all(COMMANDS))}"
    raw = msgspec.Raw(msgspec.json.encode(body))
    asked = CommandDoc(id=identity, version=1, to="notifier", kind="redeliver", tenant="o", actor="a", body=raw)
    await house.documents.upsert(COMMANDS, [asked])
    desk = WebhookDesk(house.documents, house.endpoints, house.now)
    await CommandDesk(house.documents, "notifier", 1.0, desk.kinds(), desk.now).carry_out(MemoryEmitter())
    return (await house.documents.all(COMMANDS))[identity]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "redeliver.malformed"),
        ({"delivery": "a", "endpoint": "b"}, "redeliver.malformed"),
        ({"delivery": "a"}, "redeliver.unknown"),
        ({"endpoint": "a"}, "redeliver.unknown"),
        ({"other": "a"}, "command.malformed"),
    ],
)
async def test_what_cannot_be_sent_again_is_refused(house: House, body: dict[str, str], code: str) -> None:
    assert (await ask(house, body)).code == code


async def test_a_delivered_webhook_can_be_sent_again_under_its_id(house: House) -> None:
    await house.deliver(decision())
    await house.dispatch()
    await ask(house, {"delivery": (await house.log()).id})
    await house.dispatch()
    first, again = house.calls
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert (await house.log()).attempts == 1


async def test_an_endpoint_that_was_taken_out_of_the_file_fails_by_and_by(house: House) -> None:
    await house.deliver(decision())
    house.endpoints = Endpoints()
    await house.dispatch()
    log = await house.log()
    assert (log.status, log.last_error) == ("pending", "webhook.unknown-endpoint")
    assert house.calls == []


async def test_two_workers_make_one_attempt(house: House) -> None:
    await house.deliver(decision())
    made = await asyncio.gather(*(house.dispatch() for _ in range(5)))
    assert sum(made) == len(house.calls) == 1


async def test_an_attempt_that_crashed_is_made_again_after_its_lease(house: House) -> None:
    await house.deliver(decision())
    house.documents.outage.skip, house.documents.outage.calls = 3, 1
    with pytest.raises(Unavailable):
        await house.dispatch()
    assert len(house.calls) == 1
    assert await house.dispatch() == 0
    house.time += LEASE
    assert await house.dispatch() == 1
    assert (await house.log()).status == "delivered"
    assert [call.headers["webhook-id"] for call in house.calls] == [(await house.log()).id] * 2


async def test_many_webhooks_are_sent_page_by_page_and_a_slow_endpoint_holds_nobody_up(house: House) -> None:
    await house.deliver(*(decision(seq=seq) for seq in range(1, 231)))
    house.answers = [httpx.ReadTimeout("")]
    assert await house.dispatch() == 230
    statuses = [doc.status for doc in (await house.documents.all(DELIVERIES)).values()]
    assert (statuses.count("delivered"), statuses.count("pending")) == (229, 1)


async def test_the_loop_runs_until_the_store_is_away(house: House) -> None:
    await house.deliver(decision())
    await house.documents.upsert(SETTINGS, [SettingDoc(id=switch_id(HOOK.id), version=1, value="disabled")])
    running = asyncio.create_task(house.dispatcher()(MemoryEmitter()))
    while (await house.log()).status == "pending":
        await asyncio.sleep(0.005)
    house.documents.outage.away = True
    with pytest.raises(Unavailable):
        await running


def test_waits_are_spread_by_at_most_a_tenth_and_always_alike() -> None:
    first = {wait_after(2, f"whk_{n}") for n in range(200)}
    assert len(first) > 150
    assert all(wait is not None and timedelta(minutes=5) <= wait <= timedelta(minutes=5.5) for wait in first)
    assert wait_after(2, "whk_1") == wait_after(2, "whk_1")
    assert wait_after(10, "whk_1") is None
