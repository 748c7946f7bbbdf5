"""What people decide of local codes: versions, history, events, and who may decide."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from services.patientview.coding import code_id
from services.patientview.reviewing import CodeDesk, book_of
from trialbridge.contracts.documents import (
    CODE_CHANGES,
    CODE_TABLES,
    COMMANDS,
    LOCAL_CODES,
    CodeChangeDoc,
    CommandDoc,
    LocalCodeDoc,
)
from trialbridge.contracts.errors import Unavailable
from trialbridge.contracts.events import CodeMapped
from trialbridge.contracts.ids import NetworkId, SourceId, feed_id
from trialbridge.contracts.topics import CODE_MAPPINGS
from trialbridge.emr.localcodes.codes import LocalCode
from trialbridge.runtime.commands import CommandDesk
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query
from trialbridge.testkit.fakes import MemoryDocuments, MemoryEmitter
from trialbridge.testkit.pseudonyms import SYNTHETIC

NORTH, SOURCE = NetworkId("lakeland"), SourceId("north/lis")
FEED = feed_id(NORTH, SOURCE)
CODE = LocalCode("observation", "L", "HGB", "Hgb")
NAME = code_id(SYNTHETIC, NORTH, SOURCE, CODE.identity)
HGB = {"system": "loinc", "code": "718-7", "display": "hemoglobin"}


@dataclass
class Desk:
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    emitter: MemoryEmitter = field(default_factory=MemoryEmitter)
    asked: int = 0

    async def seen(self, name: str = NAME, tenant: str = "north", source: str = SOURCE, patients: int = 12) -> None:
        doc = LocalCodeDoc(
            id=name, version=1, network=NORTH, tenant=tenant, source=source, kind="observation", patients=patients, count=40,
            said=msgspec.Raw(msgspec.json.encode(CODE)),
        )  # fmt: skip
        await self.documents.upsert(LOCAL_CODES, [doc])

    async def ask(
        self, *decisions: dict[str, Any], tenant: str = "north", owner: str = "north", **more: Any
    ) -> CommandDoc:
        self.asked += 1
        body = {
            "network": NORTH, "tenant": owner, "source": SOURCE, "reviewer": "practice", "decisions": list(decisions),
        } | more  # fmt: skip
        command = CommandDoc(
            id=f"cmd_{self.asked}", version=1, to="patientview", kind="review_codes", tenant=tenant, actor="ann@north",
            body=msgspec.Raw(msgspec.json.encode(body)), requested=f"2026-06-01T00:00:{self.asked:02}Z",
        )  # fmt: skip
        await self.documents.upsert(COMMANDS, [command])
        return await self.carry_out(command.id)

    async def carry_out(self, name: str) -> CommandDoc:
        kinds = CodeDesk(self.documents, SYNTHETIC).kinds()
        desk = CommandDesk(self.documents, "patientview", 1, kinds, lambda: datetime(2026, 6, 1, tzinfo=UTC))
        await desk.carry_out(self.emitter)
        answer = await self.documents.get(COMMANDS, name)
        assert answer is not None
        return answer

    def sent(self) -> list[CodeMapped]:
        return [one.payload for one in self.emitter.of(CODE_MAPPINGS)]

    async def history(self) -> list[CodeChangeDoc]:
        return await collect(self.documents, CODE_CHANGES, Query(sort="number", limit=100))


@pytest.fixture
async def desk() -> Desk:
    made = Desk()
    await made.seen()
    return made


async def test_an_accepted_mapping_is_a_version_a_step_of_history_and_an_event(desk: Desk) -> None:
    answer = await desk.ask({"action": "accept", "code": NAME, "target": HGB, "note": "By the laboratory's catalogue"})
    assert (answer.status, msgspec.json.decode(answer.result)) == ("done", {"version": 1, "changed": 1})
    (sent,) = desk.sent()
    assert (sent.code, sent.version, sent.since, sent.system, sent.value) == (NAME, 1, 1, "loinc", "718-7")
    (step,) = await desk.history()
    assert (step.actor, step.at, step.action, step.number) == ("ann@north", "2026-06-01T00:00:01Z", "accept", 1)
    assert step.note == "By the laboratory's catalogue"
    assert msgspec.json.decode(step.before) is None
    assert msgspec.json.decode(step.after)["target"] == HGB
    table = await desk.documents.get(CODE_TABLES, FEED)
    assert table is not None
    assert (table.version, table.accepted) == (1, 1)


async def test_undo_takes_it_back_and_the_history_keeps_both_steps(desk: Desk) -> None:
    await desk.ask({"action": "accept", "code": NAME, "target": HGB})
    await desk.ask({"action": "undo", "code": NAME})
    assert [(one.version, one.system) for one in desk.sent()] == [(1, "loinc"), (2, "")]
    assert [one.action for one in await desk.history()] == ["accept", "undo"]
    table = await desk.documents.get(CODE_TABLES, FEED)
    assert table is not None
    assert (table.version, table.accepted, book_of(table).entries) == (2, 0, {})


async def test_undo_of_a_second_decision_brings_the_first_one_back_with_its_version(desk: Desk) -> None:
    await desk.ask({"action": "accept", "code": NAME, "target": HGB})
    await desk.ask({"action": "accept", "code": NAME, "target": {"system": "loinc", "code": "20509-6"}})
    await desk.ask({"action": "undo", "code": NAME})
    assert [(one.version, one.since, one.value) for one in desk.sent()] == [
        (1, 1, "718-7"), (2, 2, "20509-6"), (3, 1, "718-7"),
    ]  # fmt: skip


async def test_a_practice_cannot_decide_on_another_ones_feed(desk: Desk) -> None:
    answer = await desk.ask({"action": "accept", "code": NAME, "target": HGB}, tenant="hill")
    assert (answer.status, answer.code) == ("refused", "codes.foreign-tenant")
    answer = await desk.ask({"action": "accept", "code": NAME, "target": HGB}, tenant="hill", owner="hill")
    assert answer.code == "codes.foreign-tenant"
    assert not desk.sent()
    assert await desk.history() == []
    assert await desk.documents.get(CODE_TABLES, FEED) is None


async def test_a_practice_cannot_take_over_a_feed_that_has_a_table(desk: Desk) -> None:
    await desk.ask({"action": "accept", "code": NAME, "target": HGB})
    local = {"kind": "observation", "system": "L", "code": "X"}
    body = {"action": "accept", "local": local, "target": HGB}
    answer = await desk.ask(body, tenant="hill", owner="hill")
    assert answer.code == "codes.foreign-tenant"


async def test_an_operator_decides_on_any_feed(desk: Desk) -> None:
    answer = await desk.ask({"action": "accept", "code": NAME, "target": HGB}, tenant="network", reviewer="operator")
    assert answer.status == "done"


async def test_a_code_of_another_feed_is_unknown(desk: Desk) -> None:
    await desk.seen("lcd_other", source="north/ehr")
    for name in ("lcd_other", "lcd_nowhere"):
        assert (await desk.ask({"action": "accept", "code": name, "target": HGB})).code == "codes.unknown"


async def test_codes_that_nobody_has_seen_yet_can_be_brought(desk: Desk) -> None:
    local = {"kind": "unit", "code": "gm/dl"}
    answer = await desk.ask(
        {"action": "accept", "local": local, "target": {"system": "ucum", "code": "g/dL"}},
        reviewer="operator",
        tenant="op",
    )
    assert answer.status == "done"
    (sent,) = desk.sent()
    assert sent.code == code_id(SYNTHETIC, NORTH, SOURCE, LocalCode("unit", code="gm/dl").identity)


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        ({"action": "accept", "code": NAME, "target": {"system": "loinc", "code": "718-8"}}, "codes.bad-target"),
        ({"action": "accept", "code": NAME}, "codes.bad-target"),
        ({"action": "accept", "code": NAME, "target": {"system": "ucum", "code": "g/dL"}}, "codes.bad-system"),
        ({"action": "undo", "code": NAME}, "codes.nothing-to-undo"),
        ({"action": "accept", "target": HGB}, "codes.unknown"),
        ({"action": "apply", "code": NAME}, "command.malformed"),
    ],
)
async def test_what_does_not_hold_is_refused_and_changes_nothing(
    desk: Desk, decision: dict[str, Any], code: str
) -> None:
    answer = await desk.ask(decision)
    assert (answer.status, answer.code) == ("refused", code)
    assert not desk.sent()
    assert await desk.history() == []


async def test_a_command_cut_off_after_its_version_was_written_is_told_in_full_by_its_repeat(desk: Desk) -> None:
    desk.emitter.outage.away = True
    with pytest.raises(Unavailable):
        await desk.ask({"action": "accept", "code": NAME, "target": HGB})
    desk.emitter.outage.away = False
    assert not desk.sent()
    answer = await desk.carry_out("cmd_1")
    assert (answer.status, msgspec.json.decode(answer.result)) == ("done", {"version": 1, "changed": 1})
    assert [one.version for one in desk.sent()] == [1]
    assert len(await desk.history()) == 1


async def test_the_history_of_a_version_is_whole_before_the_next_one_is_written(desk: Desk) -> None:
    await desk.ask({"action": "accept", "code": NAME, "target": HGB})
    (step,) = await desk.history()
    await desk.documents.delete(CODE_CHANGES, step.id)  # as if a crash had come before it was written
    await desk.ask({"action": "reject", "code": NAME})
    assert [one.number for one in await desk.history()] == [1, 2]
