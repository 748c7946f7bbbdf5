"""The operator's view of webhooks that were given up: who was not told, and how the endpoint answered last."""

from dataclasses import dataclass

from trialbridge.contracts.documents import DELIVERIES
from trialbridge.runtime.ports import DocumentStore, Query

MOST = 50


@dataclass(frozen=True, slots=True)
class Undelivered:
    """One webhook, without its body."""

    id: str
    tenant: str
    endpoint: str
    status: str
    attempts: int
    last_code: int
    last_error: str


async def read_undelivered(documents: DocumentStore) -> list[Undelivered]:
    """Return webhooks that failed for good or whose endpoint is disabled."""
    found, _ = await documents.find(DELIVERIES, Query({"status": ("failed", "disabled")}, "id", MOST))
    return [
        Undelivered(one.id, one.tenant, one.endpoint, one.status, one.attempts, one.last_code, one.last_error)
        for one in found
    ]
