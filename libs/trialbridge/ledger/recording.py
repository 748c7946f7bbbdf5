"""How an audit event is kept as a document, whoever writes it."""

from trialbridge.contracts.documents import AuditDoc
from trialbridge.contracts.events import AuditRecorded


def document_of(event: AuditRecorded, network: str = "") -> AuditDoc:
    """Return the document of an event: written once, under the event's own id."""
    return AuditDoc(
        id=event.id,
        version=1,
        network=network,
        actor=event.actor,
        tenant=event.tenant,
        action=event.action,
        subject=event.subject,
        at=event.at,
        event=event,
    )
