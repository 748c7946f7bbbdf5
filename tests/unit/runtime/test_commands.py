"""The desk that carries out what people ask for."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from trialbridge.contracts.documents import COMMANDS, CommandDoc
from trialbridge.contracts.errors import Refused, Unavailable
from trialbridge.contracts.topics import AUDIT
from trialbridge.ledger.actions import Action
from trialbridge.runtime.commands import Answer, CommandDesk, read_body
from trialbridge.runtime.effects import Emitter
from trialbridge.testkit.fakes import MemoryDocuments, MemoryEmitter

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Body(msgspec.Struct):
    number: int


def asked(identity: str, kind: str = "add", body: bytes = b'{"number":1}', requested: str = "1") -> CommandDoc:
    return CommandDoc(
        id=identity, version=1, to="coatcheck", kind=kind, tenant="t", actor="a", body=msgspec.Raw(body), requested=requested
    )  # fmt: skip


def desk(documents: MemoryDocuments, seen: list[str]) -> CommandDesk:
    async def add(command: CommandDoc, emitter: Emitter) -> Answer:
        seen.append(command.id)
        return Answer({"sum": read_body(command, Body).number + 1}, message="added")

    async def refuse(command: CommandDoc, emitter: Emitter) -> Answer:
        return Answer({"why": "so"}, Refused("add.refused", "No."))

    async def crash(command: CommandDoc, emitter: Emitter) -> Answer:
        raise KeyError(command.id)

    return CommandDesk(documents, "coatcheck", 0.001, {"add": add, "refuse": refuse, "crash": crash}, lambda: NOW)


async def test_commands_are_carried_out_once_in_order_and_answered() -> None:
    documents, seen = MemoryDocuments(), []  # type: ignore[var-annotated]
    await documents.upsert(COMMANDS, [asked("b", requested="1"), asked("a", requested="2")])
    made = desk(documents, seen)
    assert await made.carry_out(MemoryEmitter()) == 2
    assert await made.carry_out(MemoryEmitter()) == 0
    assert seen == ["b", "a"]
    answer = (await documents.all(COMMANDS))["a"]
    assert (answer.version, answer.status, bytes(answer.result), answer.message) == (2, "done", b'{"sum":2}', "added")


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("add", b'{"number":"canary"}', "command.malformed"),
        ("refuse", b"{}", "add.refused"),
        ("sing", b"{}", "command.unknown-kind"),
        ("crash", b"{}", "command.unexpected"),
    ],
)
async def test_a_refusal_says_why_without_quoting(kind: str, body: bytes, code: str) -> None:
    documents = MemoryDocuments()
    await documents.upsert(COMMANDS, [asked("a", kind, body), asked("z")])
    await desk(documents, []).carry_out(MemoryEmitter())
    answers = await documents.all(COMMANDS)
    assert (answers["a"].status, answers["a"].code) == ("refused", code)
    assert "canary" not in answers["a"].message
    assert answers["z"].status == "done"
    if kind == "refuse":
        assert bytes(answers["a"].result) == b'{"why":"so"}'


async def test_what_was_done_or_refused_goes_to_the_audit_trail_with_who_had_asked() -> None:
    documents, emitter = MemoryDocuments(), MemoryEmitter()
    await documents.upsert(COMMANDS, [asked("a", requested="1"), asked("b", "refuse", requested="2")])
    await desk(documents, []).carry_out(emitter)
    done, refused = (one.payload for one in emitter.of(AUDIT))
    assert (done.actor, done.tenant, done.action, done.subject) == ("a", "t", Action.COMMAND_CARRIED_OUT, "a")
    assert (done.outcome, done.reason, done.at) == ("success", "add", "2026-06-01T12:00:00+00:00")
    assert (refused.subject, refused.outcome, refused.reason) == ("b", "failure", "refuse: add.refused")


async def test_a_command_is_not_answered_before_it_is_in_the_audit_trail() -> None:
    documents, emitter, seen = MemoryDocuments(), MemoryEmitter(), []  # type: ignore[var-annotated]
    await documents.upsert(COMMANDS, [asked("a")])
    emitter.outage.calls = 1
    with pytest.raises(Unavailable):
        await desk(documents, seen).carry_out(emitter)
    assert (await documents.all(COMMANDS))["a"].status == "requested"
    await desk(documents, seen).carry_out(emitter)
    assert [one.payload.subject for one in emitter.of(AUDIT)] == ["a"]
    assert (await documents.all(COMMANDS))["a"].status == "done"


async def test_the_loop_runs_until_cancelled_and_tells_when_the_store_is_away() -> None:
    documents, seen = MemoryDocuments(), []  # type: ignore[var-annotated]
    running = asyncio.create_task(desk(documents, seen)(MemoryEmitter()))
    await documents.upsert(COMMANDS, [asked("a")])
    while not seen:
        await asyncio.sleep(0.001)
    documents.outage.away = True
    with pytest.raises(Unavailable):
        await running
