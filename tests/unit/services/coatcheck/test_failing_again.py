"""A letter that was replayed and fails again is the same letter, open once more: boundary, sink and desk together."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from services.matchbook.sinks import keep_dead_letter
from tests.unit.runtime.stage.conftest import NOW, Bench, ToyDocuments, ToyEvent, ToyLog, ToySeal
from tests.unit.services.coatcheck.conftest import Check, bundle
from trialbridge.contracts.documents import DEAD_LETTERS, DeadLetterDoc
from trialbridge.contracts.errors import Place, Refused
from trialbridge.contracts.events import DayBegan, DeadLettered, TicketIssued
from trialbridge.contracts.ids import EventId, NetworkId
from trialbridge.contracts.topics import CALENDAR_DAYS, EMR_TICKETS
from trialbridge.contracts.topics import DEAD_LETTERS as LETTERS
from trialbridge.runtime.effects import Effects, Origin, Received
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.boundary import Boundary
from trialbridge.runtime.stage.lane import Links
from trialbridge.testkit.fakes import Published
from trialbridge.testkit.stage import FakeStage


class Way:
    """A record's way through a stage that refuses it, into the document store."""

    def __init__(self, check: Check, topic: Any, handler: Callable[..., Any]) -> None:
        log, seal = ToyLog(), ToySeal()
        self.check, self.topic, self.offset = check, topic, 0
        self.bench = Bench(log, ToyDocuments(), seal, Links("toy", 4, log, ToyDocuments(), seal, lambda: NOW))  # type: ignore[arg-type]
        self.boundary = Boundary(self.bench.links, {topic.name: (topic, handler)})
        self.sink = FakeStage({LETTERS: keep_dead_letter})

    async def fail(self, sent: Published[Any]) -> list[DeadLetterDoc]:
        """Let a record come from a new place in the log; return all letters as they are kept then."""
        self.offset += 1
        data = msgspec.Raw(msgspec.json.encode(sent.payload))
        run = [wire.Envelope(sent.id, sent.key, sent.network, "0" * 31 + "1", data)]
        [message] = await wire.encode(run, sent.network, f"topic:{self.topic.name}", self.bench.seal, {})
        self.bench.log.sent.clear()
        await self.boundary.process(0, [ToyEvent(self.topic.name, 0, self.offset, message.value, message.headers)])
        for one in await self.bench.records(LETTERS.name):
            await self.sink.deliver(LETTERS, one.key, msgspec.json.decode(one.data, type=DeadLettered), one.network)
        await self.check.documents.upsert(DEAD_LETTERS, list(self.sink.docs(DEAD_LETTERS).values()))
        return sorted((await self.check.documents.all(DEAD_LETTERS)).values(), key=lambda doc: doc.code)

    async def replay(self, letter: DeadLetterDoc, command: str) -> Published[Any]:
        """Replay a letter and return what goes out."""
        self.check.emitter.sent.clear()
        assert (await self.check.ask("replay", {"dead_letter": letter.id}, command)).status == "done"
        [sent] = self.check.emitter.of(self.topic)
        return sent


async def refuse(_record: Received[Any], _effects: Effects) -> None:
    raise Refused("day.bad", "A bad day.")


async def test_a_record_that_fails_again_opens_its_letter_again(check: Check) -> None:
    way = Way(check, CALENDAR_DAYS, refuse)
    sent = Published(EventId("evt_1"), "day", DayBegan(date="2026-06-01"), NetworkId("lakeland"), "")
    [first] = await way.fail(sent)
    assert (first.status, first.version, first.failures, first.event) == ("open", 1, 1, "evt_1")
    again = await way.replay(first, "cmd_1")
    assert again.id == "evt_1"
    assert (await check.documents.all(DEAD_LETTERS))[first.id].status == "replayed"
    [second] = await way.fail(again)
    assert (second.id, second.status, second.version, second.failures) == (first.id, "open", 11, 2)
    [third] = await way.fail(await way.replay(second, "cmd_2"))
    assert (third.id, third.status, third.failures) == (first.id, "open", 3)


async def test_a_bundles_bad_records_that_fail_again_are_the_same_letters_and_the_mended_one_stays_closed(
    check: Check,
) -> None:
    _, ticket = await check.store(bundle("p1"))
    broken = {"a.bad", "b.bad", "c.bad"}

    async def set_aside(record: Received[TicketIssued], effects: Effects) -> None:
        effects.name_origin(Origin(record.payload.ticket, record.payload.tenant, record.payload.ticket))
        for code in sorted(broken):
            effects.set_aside(Refused(code, "Bad.", Place(entry="1")), b"MSH|", "x-application/hl7-v2+er7")

    way = Way(check, EMR_TICKETS, set_aside)
    await check.deliver(ticket)
    letters = await way.fail(Published(EventId("evt_1"), ticket.ticket, ticket, ticket.network, ""))
    assert [(one.code, one.ticket, one.status) for one in letters] == [
        (code, ticket.ticket, "open") for code in sorted(broken)
    ]
    again = await way.replay(letters[0], "cmd_1")
    assert {one.status for one in (await check.documents.all(DEAD_LETTERS)).values()} == {"replayed"}
    assert again.payload.issue == 2
    broken.discard("b.bad")
    told = await way.fail(again)
    assert [(one.code, one.status, one.failures) for one in told] == [
        ("a.bad", "open", 2), ("b.bad", "replayed", 1), ("c.bad", "open", 2),
    ]  # fmt: skip
    assert [one.id for one in told] == [one.id for one in letters]


@pytest.mark.parametrize("by", ["ticket", "dead_letter"])
async def test_what_failed_again_before_its_letter_is_closed_stays_open(
    check: Check, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ticket = await check.store(bundle("p1"))
    await check.deliver(ticket)
    held = DeadLetterDoc(
        id="dlq_1", version=1, network="lakeland", stage="coatcheck", topic=EMR_TICKETS.name, partition=0, offset=0,
        key=ticket.ticket, code="a.bad", message="m", ticket=ticket.ticket, payload=b"MSH|", payload_type="x",
    )  # fmt: skip
    await check.documents.upsert(DEAD_LETTERS, [held])
    publish = check.emitter.publish

    async def fail_at_once(*given: Any) -> None:
        await publish(*given)
        if given[0] is EMR_TICKETS:
            await check.documents.upsert(DEAD_LETTERS, [msgspec.structs.replace(held, version=11, failures=2)])

    monkeypatch.setattr(type(check.emitter), "publish", lambda _, *given: fail_at_once(*given))
    asked = {"ticket": ticket.ticket} if by == "ticket" else {"dead_letter": "dlq_1"}
    assert (await check.ask("replay", asked)).status == "done"
    [letter] = (await check.documents.all(DEAD_LETTERS)).values()
    assert (letter.status, letter.version) == ("open", 11)


async def test_a_discarded_letter_stays_closed_until_its_record_fails_again(check: Check) -> None:
    way = Way(check, CALENDAR_DAYS, refuse)
    sent = Published(EventId("evt_1"), "day", DayBegan(date="2026-06-01"), NetworkId("lakeland"), "")
    [letter] = await way.fail(sent)
    wish = {"dead_letter": letter.id, "reason": "Came corrected."}
    assert (await check.ask("discard", wish, "cmd_1")).status == "done"
    closed = (await check.documents.all(DEAD_LETTERS))[letter.id]
    assert (closed.status, closed.version, closed.reason) == ("discarded", 2, "Came corrected.")
    assert (await check.ask("discard", wish, "cmd_2")).message == "It was discarded before."
    [again] = await way.fail(await way.replay(closed, "cmd_3"))
    assert (again.status, again.failures, again.reason) == ("open", 2, "")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"dead_letter": "dlq_1", "reason": " "}, "discard.no-reason"),
        ({"dead_letter": "dlq_9", "reason": "x"}, "discard.unknown"),
        ({"dead_letter": "dlq_1", "reason": "x"}, "discard.not-open"),
        ({"dead_letter": "dlq_1"}, "command.malformed"),
    ],
)
async def test_what_cannot_be_discarded_is_refused(check: Check, body: dict[str, str], code: str) -> None:
    held = DeadLetterDoc(
        id="dlq_1", version=2, stage="s", topic="t", partition=0, offset=0, key="k", code="x.y", message="m", status="replayed",
    )  # fmt: skip
    await check.documents.upsert(DEAD_LETTERS, [held])
    assert (await check.ask("discard", body)).code == code
    assert (await check.documents.all(DEAD_LETTERS))["dlq_1"] == held
