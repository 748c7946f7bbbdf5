"""Audit records of the portal, written into the document store before anything is shown."""

from trialbridge.contracts.documents import AUDITS
from trialbridge.contracts.events import AuditRecorded
from trialbridge.ledger.recording import document_of
from trialbridge.runtime.ports import DocumentStore


class DocumentAuditor:
    """Writes audit records as documents, all of one request in one bulk."""

    def __init__(self, documents: DocumentStore) -> None:
        """Write into ``documents``."""
        self._documents = documents

    async def record(self, *events: AuditRecorded) -> None:
        """Keep the events; durable on return."""
        await self._documents.upsert(AUDITS, [document_of(event) for event in events])
