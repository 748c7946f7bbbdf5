"""What people ask of the coat check, early tickets, and the sweep."""

from datetime import timedelta

import msgspec
import pytest

from tests.unit.services.coatcheck.conftest import NORTH, Check, bundle, ids
from trialbridge.contracts.documents import DEAD_LETTERS, TICKETS, DeadLetterDoc
from trialbridge.contracts.errors import Place, Unavailable
from trialbridge.contracts.events import DayBegan, TicketIssued
from trialbridge.contracts.ids import EventId, NetworkId, ticket_id
from trialbridge.contracts.topics import CALENDAR_DAYS, EMR_TICKETS
from trialbridge.runtime.stage import wire
from trialbridge.testkit.fakes import ClearSeal


async def test_a_ticket_is_issued_once_however_often_it_is_asked_for(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    first = await check.ask("issue_ticket", ticket, "cmd_1")
    again = await check.ask("issue_ticket", ticket, "cmd_2")
    assert first.status == again.status == "done"
    assert msgspec.json.decode(first.result) == {"ticket": ticket.ticket, "issue": 1}
    one, two = check.emitter.of(EMR_TICKETS)
    assert one == two
    assert one.payload == ticket
    assert (await check.doc(ticket)).status == "issued"
    assert await check.deliver_published() == 2
    assert (await check.doc(ticket)).status == "redeemed"
    assert ids(check.records())[0] == ids(check.records())[1]


async def test_asking_again_does_not_take_an_outcome_back(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    await check.deliver(ticket)
    await check.ask("issue_ticket", ticket)
    assert (await check.doc(ticket)).status == "redeemed"


async def test_a_ticket_without_an_end_gets_one(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    await check.ask("issue_ticket", msgspec.structs.replace(ticket, expires=""))
    (sent,) = check.emitter.of(EMR_TICKETS)
    assert sent.payload.expires == (check.now() + timedelta(days=7)).isoformat()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"object_version": "x"}, "ticket.id-mismatch"),
        ({"created": "x"}, "ticket.bad-time"),
        ({"size": -1}, "ticket.bad-size"),
    ],
)
async def test_a_ticket_that_does_not_hold_together_is_not_issued(
    check: Check, change: dict[str, str | int], code: str
) -> None:
    _, ticket = await check.store(bundle("p1"))
    answer = await check.ask("issue_ticket", msgspec.structs.replace(ticket, **change))
    assert (answer.status, answer.code) == ("refused", code)
    assert check.published == []
    assert await check.documents.all(TICKETS) == {}


async def test_an_interrupted_issue_is_completed_without_doubling(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    check.emitter.outage.calls = 1
    with pytest.raises(Unavailable):
        await check.ask("issue_ticket", ticket)
    assert check.published == []
    answer = await check.ask("issue_ticket", ticket)
    assert answer.status == "done"
    assert len(check.emitter.of(EMR_TICKETS)) == 1


async def early(check: Check) -> TicketIssued:
    """Return a ticket that was delivered before its object."""
    _, ticket = await check.store(bundle("p1"))
    check.objects._hidden = check.objects._stored.pop("b1")  # type: ignore[attr-defined]
    await check.deliver(ticket)
    assert (await check.doc(ticket)).status == "waiting"
    return ticket


def arrive(check: Check) -> None:
    check.objects._stored["b1"] = check.objects._hidden  # type: ignore[attr-defined]


async def test_an_early_ticket_is_redeemed_once_its_object_is_there(check: Check) -> None:
    ticket = await early(check)
    first = check.stage.state.offsets.copy()
    room = check.waiting()
    check.pass_time(seconds=2)
    assert await room.call_up(check.emitter) == 0
    arrive(check)
    check.pass_time(seconds=1)
    assert await room.call_up(check.emitter) == 0, "not due yet: the wait has doubled"
    check.pass_time(seconds=1)
    assert await room.call_up(check.emitter) == 1
    assert await room.call_up(check.emitter) == 0, "called up once, then it is the handler's turn"
    assert await check.deliver_published() == 1
    doc = await check.doc(ticket)
    assert (doc.status, doc.patients) == ("redeemed", 1)
    assert doc.issued == "2026-06-01T08:00:00+00:00"
    assert check.stage.state.offsets != first
    check.pass_time(days=1)
    assert await room.call_up(check.emitter) == 0


async def test_an_early_ticket_expires_with_a_report(check: Check) -> None:
    ticket = await early(check)
    room, looks = check.waiting(), 0
    while not check.emitter.sent:
        check.pass_time(minutes=20)
        await room.call_up(check.emitter)
        looks += 1
        assert looks < 1000
    assert looks == 7 * 24 * 3
    await check.deliver_published()
    doc = await check.doc(ticket)
    assert (doc.status, doc.code) == ("expired", "ticket.expired")
    assert check.codes() == ["ticket.expired"]


async def test_looks_become_rarer_up_to_a_limit(check: Check) -> None:
    ticket = await early(check)
    room, gaps = check.waiting(), []
    for _ in range(14):
        doc = await check.doc(ticket)
        due = room.due(doc)
        gaps.append((due - check.now()).total_seconds())
        check.time = due
        await room.call_up(check.emitter)
        assert (await check.doc(ticket)).attempts == doc.attempts + 1
    assert gaps == [*(2.0**n for n in range(10)), 900.0, 900.0, 900.0, 900.0]


async def test_a_waiting_room_without_a_store_waits(check: Check) -> None:
    ticket = await early(check)
    check.pass_time(seconds=5)
    check.objects.outage.away = True
    with pytest.raises(Unavailable):
        await check.waiting().call_up(check.emitter)
    assert (await check.doc(ticket)).attempts == 0


async def test_the_sweep_reports_what_nobody_ticketed(check: Check) -> None:
    _, ticketed = await check.store(bundle("p1"), "b1")
    await check.deliver(ticketed)
    info, forgotten = await check.store(bundle("p2"), "b2")
    assert await check.sweep().sweep() == 1
    doc = await check.doc(forgotten)
    assert (doc.status, doc.tenant, doc.object_uri, doc.issue) == ("orphaned", NORTH, info.uri, 0)
    assert await check.sweep().sweep() == 1
    assert len(await check.documents.all(TICKETS)) == 2
    assert (await check.ask("replay", {"ticket": doc.id})).code == "ticket.never-issued"
    await check.ask("issue_ticket", forgotten, "cmd_2")
    await check.deliver_published()
    assert (await check.doc(forgotten)).status == "redeemed"
    assert await check.sweep().sweep() == 0


async def test_an_object_gets_its_grace(check: Check) -> None:
    info, _ = await check.store(bundle("p1"))
    fresh = type(info)(info.uri, info.version, info.size, info.metadata, check.now().isoformat())
    check.objects._stored["b1"] = [(fresh, b"")]
    sweep = check.sweep(timedelta(minutes=10))
    assert await sweep.sweep() == 0
    check.pass_time(minutes=11)
    assert await sweep.sweep() == 1


async def test_an_orphan_without_an_owner_gives_way_to_the_ticket(check: Check) -> None:
    info, ticket = await check.store(bundle("p1"))
    body = check.objects._stored["b1"][0][1]
    check.objects._stored["b1"] = [(type(info)(info.uri, info.version, info.size, {}), body)]
    assert await check.sweep().sweep() == 1
    nameless = ticket_id(type(NORTH)(""), info.uri, info.version)
    assert set(await check.documents.all(TICKETS)) == {nameless}
    await check.deliver(ticket)
    assert await check.sweep().sweep() == 0
    assert set(await check.documents.all(TICKETS)) == {ticket.ticket}


def letter(topic: str, key: str, payload: bytes, kind: str, version: int = 1) -> DeadLetterDoc:
    return DeadLetterDoc(
        id="dlq_1", version=version, network="lakeland", stage="s", topic=topic, partition=0, offset=0, key=key,
        code="x.y", message="m", place=Place(), payload=payload, payload_type=kind,
    )  # fmt: skip


async def test_a_refused_ticket_is_replayed_with_the_next_issue(check: Check) -> None:
    info, ticket = await check.store(bundle("p1"))
    good = check.objects._stored["b1"][0][1]
    check.objects.place("b1", b"x" * info.size, info.metadata, version=info.version)
    await check.deliver(ticket)
    (aside,) = check.stage.set_aside
    held = letter(EMR_TICKETS.name, ticket.ticket, aside.payload, aside.payload_type)
    await check.documents.upsert(DEAD_LETTERS, [held])
    check.objects.place("b1", good, info.metadata, version=info.version)
    check.pass_time(days=20)
    answer = await check.ask("replay", {"dead_letter": "dlq_1"})
    assert msgspec.json.decode(answer.result) == {"ticket": ticket.ticket, "issue": 2}
    (closed,) = (await check.documents.all(DEAD_LETTERS)).values()
    assert (closed.status, closed.version) == ("replayed", 2)
    await check.deliver_published()
    doc = await check.doc(ticket)
    assert (doc.status, doc.issue, doc.code) == ("redeemed", 2, "")
    twice = await check.ask("replay", {"dead_letter": "dlq_1"}, "cmd_2")
    assert (twice.status, msgspec.json.decode(twice.result)) == ("done", {"already": True})
    assert check.published == []


async def test_a_bad_record_of_a_bundle_is_replayed_by_its_ticket(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    await check.deliver(ticket)
    first = check.records()
    held = letter(EMR_TICKETS.name, ticket.ticket, b"MSH|", "x-application/hl7-v2+er7")
    await check.documents.upsert(DEAD_LETTERS, [held])
    assert (await check.ask("replay", {"dead_letter": "dlq_1"})).status == "done"
    await check.deliver_published()
    assert (await check.doc(ticket)).issue == 2
    assert [one.payload for one in check.records()] == [one.payload for one in first] * 2


DAY = msgspec.json.encode(DayBegan(date="2026-06-01"))


async def test_a_record_of_another_topic_goes_back_there_under_one_id(check: Check) -> None:
    await check.documents.upsert(DEAD_LETTERS, [letter(CALENDAR_DAYS.name, "day", DAY, CALENDAR_DAYS.type)])
    check.documents.outage.skip, check.documents.outage.calls = 3, 1
    with pytest.raises(Unavailable):
        await check.ask("replay", {"dead_letter": "dlq_1"})
    await check.ask("replay", {"dead_letter": "dlq_1"})
    first, again = check.emitter.of(CALENDAR_DAYS)
    assert first == again
    assert (first.key, first.payload, first.network) == ("day", DayBegan(date="2026-06-01"), "lakeland")


async def test_a_whole_message_is_opened_again(check: Check) -> None:
    seal = ClearSeal()
    run = [wire.Envelope(EventId("evt_1"), "day", NetworkId("n"), "", msgspec.Raw(DAY))]
    (message,) = await wire.encode(run, NetworkId("n"), "topic:calendar_days", seal, {})
    await check.documents.upsert(DEAD_LETTERS, [letter(CALENDAR_DAYS.name, "", message.value, "message")])
    answer = await check.ask("replay", {"dead_letter": "dlq_1"})
    assert msgspec.json.decode(answer.result) == {"records": 1}
    assert [one.payload.date for one in check.emitter.of(CALENDAR_DAYS)] == ["2026-06-01"]


@pytest.mark.parametrize(
    ("topic", "payload", "kind", "code"),
    [
        ("gone", b"{}", "trialbridge.gone.v1", "replay.unknown-topic"),
        ("calendar_days", b"{}", "trialbridge.calendar_days.v1", "replay.not-a-record"),
        ("calendar_days", b"part", "text/plain", "replay.not-a-record"),
        ("calendar_days", b"", "message", "replay.not-a-record"),
        ("calendar_days", b"", "trialbridge.calendar_days.v1", "replay.not-a-record"),
        ("calendar_days", b"\x01zzz", "message", "seal.refused"),
        ("calendar_days", b"\x07zzz", "message", "wire.unknown-form"),
        ("emr_tickets", b"{}", "trialbridge.emr_tickets.v1", "replay.not-a-ticket"),
        ("emr_tickets", b"MSH|", "x-application/hl7-v2+er7", "replay.unknown"),
    ],
)
async def test_what_cannot_be_replayed_is_refused_and_stays_open(
    check: Check, topic: str, payload: bytes, kind: str, code: str
) -> None:
    await check.documents.upsert(DEAD_LETTERS, [letter(topic, "k", payload, kind)])
    answer = await check.ask("replay", {"dead_letter": "dlq_1"})
    assert (answer.status, answer.code) == ("refused", code)
    assert check.published == []
    assert [one.status for one in (await check.documents.all(DEAD_LETTERS)).values()] == ["open"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "replay.malformed"),
        ({"ticket": "a", "dead_letter": "b"}, "replay.malformed"),
        ({"tickets": "a"}, "command.malformed"),
        ({"ticket": "a"}, "replay.unknown"),
        ({"dead_letter": "a"}, "replay.unknown"),
    ],
)
async def test_a_replay_of_nothing_is_refused(check: Check, body: dict[str, str], code: str) -> None:
    assert (await check.ask("replay", body)).code == code
