"""What the matchbook keeps for operators and auditors: dead letters and audit events, as documents."""

from typing import Final

from services.matchbook.tables import LETTERS, Failures
from trialbridge.contracts.documents import AUDITS, DEAD_LETTERS, DeadLetterDoc
from trialbridge.contracts.events import AuditRecorded, DeadLettered, LineageRecorded
from trialbridge.ledger.recording import document_of
from trialbridge.runtime.effects import Effects, Received

DECADE: Final = 10
"""Versions from one failure to the next; in between a letter is discarded once and replayed once at most."""


async def keep_dead_letter(record: Received[DeadLettered], effects: Effects) -> None:
    """Keep what was set aside, its payload sealed.

    A letter that was replayed and fails again comes with the same id from another place in the log, and is open once more.
    Whoever closes a letter writes the next version; each failure begins a new decade of versions, beyond any closing.
    """
    letter = record.payload
    table = effects.table(LETTERS)
    known = table.get(letter.id) or Failures(first_seen=letter.first_seen)
    place = f"{letter.partition}/{letter.offset}"
    if place not in known.places:
        known = Failures((*known.places, place), known.first_seen)
        table.put(letter.id, known)
    failures = known.places.index(place) + 1
    doc = DeadLetterDoc(
        id=letter.id,
        version=DECADE * (failures - 1) + 1,
        failures=failures,
        event=letter.event,
        network=record.network,
        stage=letter.stage,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        key=letter.key,
        code=letter.code,
        message=letter.message,
        place=letter.place,
        tenant=letter.tenant,
        ticket=letter.ticket or "",
        first_seen=known.first_seen,
        payload=letter.payload,
        payload_type=letter.payload_type,
    )
    effects.save(DEAD_LETTERS, doc)


async def keep_audit(record: Received[AuditRecorded], effects: Effects) -> None:
    """Keep who saw or did what."""
    effects.save(AUDITS, document_of(record.payload, record.network))


async def pass_lineage(record: Received[LineageRecorded], effects: Effects) -> None:
    """Let lineage pass: it is read so that the log shows how far it was followed, and stays there for its retention.

    A match's way from bundle to message needs none of it: the record documents and the match's own records say it.
    """
    del record, effects
