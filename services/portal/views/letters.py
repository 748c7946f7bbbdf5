"""The operator's view of one dead letter: why it was set aside, what was asked for about it. Never its content."""

from dataclasses import dataclass

from trialbridge.contracts.documents import AUDITS, DEAD_LETTERS, AuditDoc, DeadLetterDoc
from trialbridge.runtime.ports import DocumentStore, Query

MOST = 50


@dataclass(frozen=True, slots=True)
class LetterPage:
    """The page."""

    letter: DeadLetterDoc
    kept: int
    """Bytes of content, sealed."""
    asked: tuple[AuditDoc, ...]
    """Who asked for what, newest first."""


async def read_letter(documents: DocumentStore, identity: str) -> LetterPage | None:
    """Return a dead letter, or None."""
    found = await documents.get(DEAD_LETTERS, identity)
    if found is None:
        return None
    asked, _ = await documents.find(AUDITS, Query({"subject": identity}, "-at", MOST))
    return LetterPage(found, len(found.payload), tuple(asked))
