import msgspec

from tests.unit.services.matchbook.said import NORTH, Book
from trialbridge.contracts.documents import AUDITS, DEAD_LETTERS
from trialbridge.contracts.errors import Place
from trialbridge.contracts.events import AuditRecorded, DeadLettered, LineageRecorded
from trialbridge.contracts.ids import EventId, TenantId, TicketId
from trialbridge.contracts.topics import AUDIT, LINEAGE
from trialbridge.contracts.topics import DEAD_LETTERS as LETTERS
from trialbridge.ledger.actions import Action

LETTER = DeadLettered(
    id="dlq_1",
    stage="coatcheck",
    topic="emr_tickets",
    partition=1,
    offset=7,
    key="tkt_1",
    event=EventId("evt_1"),
    code="envelope.tag-mismatch",
    message="The bundle was changed on its way.",
    place=Place(entry="3"),
    tenant=TenantId("clinic"),
    ticket=TicketId("tkt_1"),
    payload=b"{}",
    payload_type="ticket",
)


async def fail(book: Book, offset: int) -> tuple[int, str]:
    letter = msgspec.structs.replace(LETTER, offset=offset, first_seen=f"2026-06-01T08:{offset:02}:00Z")
    await book.stage.deliver(LETTERS, "emr_tickets/tkt_1", letter, NORTH)
    doc = book.stage.docs(DEAD_LETTERS)["dlq_1"]
    return doc.version, doc.status


async def test_a_dead_letter_is_kept_with_code_place_and_payload() -> None:
    book = Book()
    assert await fail(book, 7) == (1, "open")
    doc = book.stage.docs(DEAD_LETTERS)["dlq_1"]
    assert (doc.code, doc.place, doc.ticket, doc.payload, doc.network) == (
        "envelope.tag-mismatch",
        Place(entry="3"),
        "tkt_1",
        b"{}",
        NORTH,
    )


async def test_a_letter_that_fails_again_after_its_replay_is_open_again() -> None:
    book = Book()
    assert await fail(book, 7) == (1, "open")
    assert await fail(book, 7) == (1, "open")
    stored = book.stage.state.documents[DEAD_LETTERS.name]
    stored["dlq_1"] = msgspec.structs.replace(book.stage.docs(DEAD_LETTERS)["dlq_1"], version=2, status="replayed")
    assert await fail(book, 7) == (2, "replayed")
    assert await fail(book, 50) == (11, "open")
    book.restart()
    assert await fail(book, 7) == (11, "open")
    assert await fail(book, 51) == (21, "open")
    doc = book.stage.docs(DEAD_LETTERS)["dlq_1"]
    assert (doc.failures, doc.event, doc.first_seen) == (3, "evt_1", "2026-06-01T08:07:00Z")


async def test_audit_events_are_kept_whole() -> None:
    book = Book()
    event = AuditRecorded(
        id="aud_1",
        actor="reader-1",
        tenant=TenantId("clinic"),
        role="practice",
        action=Action.MATCH_READ,
        subject="mat_1",
        at="2026-06-01T10:00:00Z",
        reason="care",
    )
    for _ in range(2):
        await book.stage.deliver(AUDIT, event.actor, event, NORTH)
    (doc,) = book.stage.docs(AUDITS).values()
    assert (doc.id, doc.version, doc.event, doc.actor, doc.subject) == ("aud_1", 1, event, "reader-1", "mat_1")


async def test_lineage_passes_without_a_trace_in_tables_or_documents() -> None:
    book = Book()
    note = LineageRecorded(trace="0" * 32, stage="matcher", event=EventId("evt"), topic="", outcome="done")
    await book.stage.deliver(LINEAGE, note.trace, note, NORTH)
    assert book.stage.state.documents == {}
    assert not any(book.stage.state.tables.values())
