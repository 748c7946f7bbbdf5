"""The use case of the notifier: a decision on a match becomes an inbox entry for each practice, and webhooks that are due.

All ids derive from the decision, and what is stored under them is written once: a repeat changes nothing, not even a read mark.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.notifier.endpoints import Endpoint, Endpoints
from trialbridge.contracts.documents import DELIVERIES, NOTIFICATIONS, DeliveryDoc, NotificationDoc
from trialbridge.contracts.events import ApprovalDecided
from trialbridge.contracts.ids import derive
from trialbridge.runtime.effects import Effects, Received


class ThinData(msgspec.Struct, frozen=True):
    """What a webhook says: ids to ask the API about, nothing about the person."""

    notification: str
    match: str
    trial: str
    seq: int


class ThinPayload(msgspec.Struct, frozen=True):
    """The body of a webhook, as Standard Webhooks recommends it."""

    type: str
    timestamp: str
    data: ThinData


@dataclass(frozen=True, slots=True)
class Handlers:
    """The stage's handler."""

    endpoints: Endpoints
    now: Callable[[], datetime]

    async def notify_practices(self, record: Received[ApprovalDecided], effects: Effects) -> None:
        """Put the decision into each practice's inbox and make its webhooks due."""
        decided, created = record.payload, self.now().isoformat()
        for tenant in sorted(set(decided.tenants)):
            note = notification(decided, tenant, created)
            effects.save(NOTIFICATIONS, note)
            for endpoint in self.endpoints.of(tenant, decided.decision):
                effects.save(DELIVERIES, delivery(decided, note, endpoint))


def notification(decided: ApprovalDecided, tenant: str, created: str) -> NotificationDoc:
    """Return a practice's inbox entry; a withdrawal is an entry of its own."""
    return NotificationDoc(
        id=derive("ntf", (tenant, decided.match, str(decided.seq), decided.decision)),
        version=1,
        network=decided.network,
        tenant=tenant,
        kind=decided.decision,
        match=decided.match,
        patient=decided.patient,
        trial=decided.trial,
        title=decided.trial_title,
        reasons=decided.reasons,
        created=created,
    )


def delivery(decided: ApprovalDecided, note: NotificationDoc, endpoint: Endpoint) -> DeliveryDoc:
    """Return a webhook that is due at once."""
    data = ThinData(note.id, decided.match, decided.trial, decided.seq)
    body = msgspec.json.encode(ThinPayload(f"match.{decided.decision}", note.created, data))
    return DeliveryDoc(
        id=derive("whk", (endpoint.id, note.id)),
        version=1,
        network=decided.network,
        tenant=note.tenant,
        endpoint=endpoint.id,
        notification=note.id,
        status="pending",
        next_at=note.created,
        body=body.decode(),
    )
