from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from services.matchbook.papers import match_doc
from services.matchbook.reviews import ReviewDesk
from services.matchbook.tables import STANDINGS
from tests.unit.services.matchbook.said import NORTH, Book, approval, match, trial
from trialbridge.contracts.documents import COMMANDS, MATCHES, CommandDoc
from trialbridge.contracts.errors import Unavailable
from trialbridge.contracts.events import MatchReviewed
from trialbridge.contracts.topics import MATCH_REVIEWS
from trialbridge.runtime.commands import CommandDesk
from trialbridge.testkit.fakes import MemoryDocuments, MemoryEmitter

NOW = datetime(2026, 6, 1, 11, tzinfo=UTC)


def command(
    decision: str = "approve", *, tenant: str = "clinic", id: str = "cmd_1", kind: str = "review_match", minute: int = 0, **body: str
) -> CommandDoc:  # fmt: skip
    asked = {"match": match().match, "decision": decision, "explanation_digest": match().explanation_digest} | body
    return CommandDoc(
        id=id,
        version=1,
        to="matchbook",
        kind=kind,
        tenant=tenant,
        actor="reader-1",
        body=msgspec.Raw(msgspec.json.encode(asked)),
        requested=f"2026-06-01T10:{minute:02d}:00+00:00",
    )


async def desk_for(book: Book) -> tuple[CommandDesk, MemoryDocuments]:
    """Return the desk over the documents that the stage has saved."""
    documents = MemoryDocuments()
    await documents.upsert(MATCHES, [match_doc(standing) for standing in book.stage.values(STANDINGS).values()])
    return CommandDesk(documents, "matchbook", 0.01, ReviewDesk(documents).kinds(), lambda: NOW), documents


async def waiting() -> Book:
    return await Book().say(trial(review=True), approval(), match())


async def test_a_review_goes_from_the_command_to_the_approval() -> None:
    book = await waiting()
    desk, documents = await desk_for(book)
    emitter = MemoryEmitter()
    await documents.upsert(COMMANDS, [command(note="seen")])
    assert await desk.carry_out(emitter) == 1
    (sent,) = emitter.of(MATCH_REVIEWS)
    review: MatchReviewed = sent.payload
    assert (sent.key, sent.network, review.decision, review.actor) == ("pat_1", NORTH, "approve", "reader-1")
    assert (review.at, review.note, review.command) == ("2026-06-01T10:00:00+00:00", "seen", "cmd_1")
    answer = await documents.get(COMMANDS, "cmd_1")
    assert answer is not None
    assert (answer.version, answer.status) == (2, "done")
    assert await desk.carry_out(emitter) == 0
    await book.say(review)
    assert book.doc.status == "approved"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "approve_everything"}, "command.unknown-kind"),
        ({"decision": "perhaps"}, "review.malformed"),
        ({"match": "mat_none"}, "review.unknown-match"),
        ({"tenant": "elsewhere"}, "review.unknown-match"),
        ({"explanation_digest": "older"}, "review.outdated"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_code(changes: dict[str, Any], code: str) -> None:
    desk, documents = await desk_for(await waiting())
    emitter = MemoryEmitter()
    await documents.upsert(COMMANDS, [command(**changes)])
    await desk.carry_out(emitter)
    answer = await documents.get(COMMANDS, "cmd_1")
    assert answer is not None
    assert (answer.version, answer.status, answer.code) == (2, "refused", code)
    assert answer.message.endswith(".")
    assert emitter.of(MATCH_REVIEWS) == []


async def test_a_trial_without_reviews_asks_nobody() -> None:
    desk, documents = await desk_for(await Book().say(trial(), approval(), match()))
    await documents.upsert(COMMANDS, [command()])
    await desk.carry_out(MemoryEmitter())
    answer = await documents.get(COMMANDS, "cmd_1")
    assert answer is not None
    assert answer.code == "review.not-asked"


async def test_commands_are_carried_out_in_the_order_of_asking() -> None:
    desk, documents = await desk_for(await waiting())
    emitter = MemoryEmitter()
    late, soon = command("decline", id="cmd_a", minute=5), command(id="cmd_b", minute=1)
    await documents.upsert(COMMANDS, [late, soon, msgspec.structs.replace(command(id="cmd_c"), to="trialfeed")])
    assert await desk.carry_out(emitter) == 2
    assert [sent.payload.decision for sent in emitter.of(MATCH_REVIEWS)] == ["approve", "decline"]


async def test_while_the_log_is_away_the_command_waits() -> None:
    desk, documents = await desk_for(await waiting())
    emitter = MemoryEmitter()
    emitter.outage.calls = 1
    await documents.upsert(COMMANDS, [command()])
    with pytest.raises(Unavailable):
        await desk(emitter)
    answer = await documents.get(COMMANDS, "cmd_1")
    assert answer is not None
    assert answer.status == "requested"
    assert await desk.carry_out(emitter) == 1
    assert len(emitter.of(MATCH_REVIEWS)) == 1
