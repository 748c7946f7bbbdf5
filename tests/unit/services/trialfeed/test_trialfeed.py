"""Trials and what authorities say of them: registered, refused, repeated, crashed in between."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from services.trialfeed.agents import kinds
from services.trialfeed.handlers import Handlers
from services.trialfeed.publishing import publish_everything
from trialbridge.contracts.documents import COMMANDS, REGULATORY, TRIALS, CommandDoc, RegulatoryDoc, TrialDoc
from trialbridge.contracts.errors import Unavailable
from trialbridge.contracts.events import RegulatoryStatusSet, TrialPublished
from trialbridge.contracts.ids import TrialId, digest
from trialbridge.contracts.topics import AUDIT, REGULATORY_STATUS, TRIAL_CRITERIA
from trialbridge.criteria.compiler import load
from trialbridge.runtime.commands import CommandDesk
from trialbridge.testkit.fakes import MemoryDocuments, MemoryEmitter

TRIAL = """
id: T-1
title: A trial
lab: aurora
phase: II
drugs: [osimertinib]
sites: [{id: northport, name: Northport}]
review: true
criteria:
  age: {min: 18}
"""
AMENDED = TRIAL.replace("18", "21")


@dataclass(slots=True)
class Feed:
    """A trial feed over in-memory ports."""

    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    emitter: MemoryEmitter = field(default_factory=MemoryEmitter)
    count: int = 0

    def now(self) -> datetime:
        return datetime(2026, 6, 1, tzinfo=UTC)

    async def ask(self, kind: str, body: object, tenant: str = "aurora") -> CommandDoc:
        self.count += 1
        identity = f"cmd_{self.count}"
        raw = msgspec.Raw(msgspec.json.encode(body))
        asked = CommandDoc(
            id=identity, version=1, to="trialfeed", kind=kind, tenant=tenant, actor="a", body=raw,
            requested=f"2026-06-01T08:00:{self.count:02}Z",
        )  # fmt: skip
        await self.documents.upsert(COMMANDS, [asked])
        await self.carry_out()
        return (await self.documents.all(COMMANDS))[identity]

    async def carry_out(self) -> None:
        stage = Handlers(self.documents, self.now)
        await CommandDesk(self.documents, "trialfeed", 1.0, kinds(stage), self.now).carry_out(self.emitter)

    async def register(self, text: str = TRIAL, **more: str) -> CommandDoc:
        return await self.ask("register_trial", {"name": "t.yaml", "text": text, **more})

    def published(self) -> list[TrialPublished]:
        return [one.payload for one in self.emitter.of(TRIAL_CRITERIA)]

    def stated(self) -> list[RegulatoryStatusSet]:
        return [one.payload for one in self.emitter.of(REGULATORY_STATUS)]

    async def trial(self) -> TrialDoc:
        return (await self.documents.all(TRIALS))["T-1"]


@pytest.fixture
def feed() -> Feed:
    return Feed()


def result(answer: CommandDoc) -> Any:
    return msgspec.json.decode(answer.result)


async def test_a_trial_is_stored_and_published(feed: Feed) -> None:
    answer = await feed.register()
    assert (answer.status, answer.code) == ("done", "")
    assert result(answer)["version"] == 1
    doc = await feed.trial()
    (event,) = feed.published()
    assert (doc.version, doc.lab, doc.status, doc.phase, doc.review) == (1, "aurora", "open", "II", True)
    assert (event.trial, event.version, event.lab, event.status, event.review) == ("T-1", 1, "aurora", "open", True)
    assert [site.id for site in event.sites] == ["northport"]
    assert event.drugs == ("osimertinib",)
    assert event.digest == doc.digest == digest(bytes(event.definition)) == load(event.definition).digest


async def test_the_same_definition_is_no_new_version_but_goes_out_again(feed: Feed) -> None:
    await feed.register()
    answer = await feed.register(TRIAL.replace("phase: II", "phase:   'II' # same"))
    assert result(answer)["unchanged"] is True
    assert (await feed.trial()).version == 1
    first, again = feed.emitter.of(TRIAL_CRITERIA)
    assert first == again


async def test_an_amended_trial_is_the_next_version(feed: Feed) -> None:
    await feed.register()
    await feed.register(AMENDED)
    assert (await feed.trial()).version == 2
    assert [event.version for event in feed.published()] == [1, 2]
    assert len({event.digest for event in feed.published()}) == 2


async def test_a_bad_trial_is_refused_with_path_and_hint_and_the_active_one_stays(feed: Feed) -> None:
    await feed.register()
    before = await feed.trial()
    answer = await feed.register(AMENDED.replace("age:", "aeg:"))
    assert (answer.status, answer.code) == ("refused", "trial.unknown-key")
    (diagnostic,) = [one for one in result(answer)["diagnostics"] if one["severity"] == "error"]
    assert "criteria" in diagnostic["path"]
    assert diagnostic["line"] > 0
    assert "age" in answer.message
    assert await feed.trial() == before
    assert len(feed.published()) == 1


@pytest.mark.parametrize("text", ["", "]{", "id: T-1", "\x00", "- a\n- b", "id: [1"])
async def test_whatever_is_sent_is_refused_never_a_crash(feed: Feed, text: str) -> None:
    answer = await feed.register(text)
    assert answer.status == "refused"
    assert answer.code.startswith("trial.")
    assert (await feed.register()).status == "done"


async def test_what_of_ctml_has_no_place_is_told_of_and_refuses_nothing(feed: Feed) -> None:
    match = "match: [{clinical: {gender: Male}}]"
    answer = await feed.register(f"protocol_no: T-9\nnickname: n\n{match}")
    assert answer.status == "done"
    (note,) = result(answer)["diagnostics"]
    assert (note["severity"], note["code"], note["path"], note["line"]) == ("note", "ctml.left-out", "nickname", 2)


async def test_one_bad_trial_does_not_stop_the_others(feed: Feed) -> None:
    for number, text in enumerate([TRIAL.replace("T-1", "T-0"), "nonsense: [", TRIAL]):
        raw = msgspec.Raw(msgspec.json.encode({"text": text}))
        asked = CommandDoc(
            id=f"c{number}", version=1, to="trialfeed", kind="register_trial", tenant="t", actor="a", body=raw
        )
        await feed.documents.upsert(COMMANDS, [asked])
    await feed.carry_out()
    assert set(await feed.documents.all(TRIALS)) == {"T-0", "T-1"}
    assert [doc.status for doc in (await feed.documents.all(COMMANDS)).values()] == ["done", "refused", "done"]


async def test_a_laboratory_registers_its_own_trials_only(feed: Feed) -> None:
    assert (await feed.register(lab="borealis")).code == "trial.foreign-lab"
    nameless = TRIAL.replace("lab: aurora\n", "")
    await feed.register(nameless, lab="borealis")
    assert (await feed.trial()).lab == "borealis"
    assert (await feed.register(AMENDED.replace("lab: aurora\n", ""), lab="aurora")).code == "trial.taken"
    assert (await feed.trial()).lab == "borealis"


async def test_a_trial_is_closed_and_a_repeat_says_the_same(feed: Feed) -> None:
    await feed.register()
    for _ in range(2):
        answer = await feed.ask("set_trial_status", {"trial": "T-1", "status": "closed"})
        assert result(answer) == {"trial": "T-1", "version": 2, "status": "closed"}
    assert [(event.version, event.status) for event in feed.published()] == [(1, "open"), (2, "closed"), (2, "closed")]
    assert (await feed.ask("set_trial_status", {"trial": "T-9", "status": "closed"})).code == "trial.unknown"
    assert (await feed.ask("set_trial_status", {"trial": "T-1", "status": "asleep"})).code == "command.malformed"


async def test_an_amendment_does_not_reopen_a_suspended_trial_unless_it_says_so(feed: Feed) -> None:
    await feed.register()
    await feed.ask("set_trial_status", {"trial": "T-1", "status": "suspended"})
    await feed.register(AMENDED)
    assert (await feed.trial()).status == "suspended"
    await feed.register(AMENDED + "status: closed\n")
    assert (await feed.trial()).status == "closed"
    await feed.register(AMENDED + "status: open\n")
    assert (await feed.trial()).status == "open"


async def test_a_crash_between_document_and_event_heals_at_the_next_start(feed: Feed) -> None:
    feed.emitter.outage.away = True
    with pytest.raises(Unavailable):
        await feed.register()
    assert (await feed.trial()).version == 1
    assert feed.published() == []
    feed.emitter.outage.away = False
    assert await publish_everything(feed.documents, feed.emitter) == 1
    await feed.carry_out()
    first, again = feed.emitter.of(TRIAL_CRITERIA)
    assert first == again
    assert (await feed.trial()).version == 1
    assert (await feed.documents.all(COMMANDS))["cmd_1"].status == "done"


async def test_a_lost_race_is_run_again(feed: Feed) -> None:
    await feed.register()
    rival = msgspec.structs.replace(await feed.trial(), version=2, status="suspended")
    real = feed.documents.replace
    lost: list[int] = []

    async def overtaken(collection: Any, doc: Any, expected: int) -> bool:
        if not lost:
            lost.append(expected)
            await feed.documents.upsert(TRIALS, [rival])
        return await real(collection, doc, expected)

    feed.documents.replace = overtaken  # type: ignore[assignment,method-assign]
    await feed.register(AMENDED)
    assert lost == [1]
    doc = await feed.trial()
    assert (doc.version, doc.status) == (3, "suspended")


def said(seq: int, **more: Any) -> dict[str, Any]:
    return {"trial": "T-1", "seq": seq, "approved": True, "authority": "Board", **more}


async def test_a_statement_is_stored_and_published_as_it_was_made(feed: Feed) -> None:
    status = RegulatoryStatusSet(
        trial=TrialId("T-1"), seq=3, approved=True, hold=True, hold_reason="why", sites={"northport": "inactive"}
    )
    answer = await feed.ask("set_regulatory", status)
    assert answer.status == "done"
    assert feed.stated() == [status]
    doc = (await feed.documents.all(REGULATORY))["T-1"]
    assert (doc.version, doc.hold, doc.sites) == (3, True, {"northport": "inactive"})


async def test_statements_are_ordered_by_their_number(feed: Feed) -> None:
    await feed.ask("set_regulatory", said(2, hold=True))
    late = await feed.ask("set_regulatory", said(1))
    assert late.message
    assert (await feed.documents.all(REGULATORY))["T-1"].hold is True
    assert [event.seq for event in feed.stated()] == [2, 2]
    assert (await feed.ask("set_regulatory", said(2))).code == "regulatory.seq-used"
    assert (await feed.ask("set_regulatory", said(2, hold=True))).status == "done"
    await feed.ask("set_regulatory", said(0))
    assert (await feed.documents.all(REGULATORY))["T-1"].version == 3


async def test_an_unchanged_statement_without_a_number_is_no_new_one(feed: Feed) -> None:
    for _ in range(3):
        await feed.ask("set_regulatory", {"trial": "T-1", "approved": True})
    docs = await feed.documents.all(REGULATORY)
    assert docs == {"T-1": RegulatoryDoc(id="T-1", version=1, approved=True, hold=False)}


async def test_everything_stored_goes_out_at_a_start_under_the_ids_it_had(feed: Feed) -> None:
    await feed.register()
    await feed.register(TRIAL.replace("T-1", "T-2"))
    await feed.ask("set_regulatory", said(1))
    before = {(topic, one.key): one for topic, one in feed.emitter.sent if topic != AUDIT.name}
    feed.emitter.sent.clear()
    assert await publish_everything(feed.documents, feed.emitter) == 3
    assert {(topic, one.key): one for topic, one in feed.emitter.sent} == before
