"""Sends webhooks that are due, logs each attempt, tries again after the schedule. At least once, under one webhook-id."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from services.notifier.endpoints import Endpoint, Endpoints
from services.notifier.schedule import wait_after
from services.notifier.sending import Attempt, WebhookSender, make_client
from services.notifier.turns import Turns
from trialbridge.contracts.documents import DELIVERIES, SETTINGS, DeliveryDoc, SettingDoc
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.ports import DocumentStore, Query
from trialbridge.runtime.telemetry import metrics

LEASE: Final = timedelta(minutes=2)
"""How long an attempt belongs to the worker that claimed it; after a crash another one makes it again."""
PAGE: Final = 100
DISABLED: Final = "disabled"
UNKNOWN: Final = Attempt(error="webhook.unknown-endpoint")


def switch_id(endpoint: str) -> str:
    """Return the id of the setting that says whether an endpoint is disabled."""
    return f"notifier/endpoint/{endpoint}"


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """A background loop over pending deliveries."""

    documents: DocumentStore
    endpoints: Endpoints
    now: Callable[[], datetime]
    interval: float
    """Seconds between two looks."""
    timeout: float = 15.0
    at_once: int = 8
    """Calls on their way, of them to one endpoint at most:"""
    per_endpoint: int = 2
    allow_loopback: bool = False
    sender: WebhookSender | None = field(default=None, repr=False)
    """Given by tests; otherwise made with the loop."""

    async def __call__(self, emitter: Emitter) -> None:
        """Send until cancelled; raises `Unavailable` when the store is away."""
        del emitter
        async with make_client() as client:
            sender = self.sender or WebhookSender(client, self.timeout, self.allow_loopback)
            turns = Turns(self.at_once, self.per_endpoint)
            try:
                while True:
                    await self._begin(turns, sender)
                    # A look in each interval, however long calls take: what became due meanwhile has its turn.
                    await turns.ended(self.interval)
            finally:
                await turns.stop()

    async def dispatch(self, sender: WebhookSender) -> int:
        """Make every attempt that is due; return how many."""
        made, turns = 0, Turns(self.at_once, self.per_endpoint)
        try:
            await self._begin(turns, sender)
            while turns.busy:
                made += await turns.ended()
                await self._begin(turns, sender)
        finally:
            await turns.stop()
        return made

    async def _begin(self, turns: Turns, sender: WebhookSender) -> None:
        if turns.room() > 0:
            turns.begin(await self._due(turns), lambda doc: self._attempt(doc, sender))

    async def _due(self, turns: Turns) -> list[DeliveryDoc]:
        """Return what is due, oldest first; of each endpoint that may be called something, however much others have."""
        found = await self._pending({}, PAGE)
        if len(found) == PAGE:
            for endpoint in self.endpoints.known:
                if not turns.full(endpoint.id):
                    found += await self._pending({"endpoint": endpoint.id}, 2 * self.per_endpoint)
        now = self.now()
        # Those on their way that did not come to their claim yet are in both, and taken once.
        return [doc for doc in {doc.id: doc for doc in found}.values() if datetime.fromisoformat(doc.next_at) <= now]

    async def _pending(self, where: dict[str, str], limit: int) -> list[DeliveryDoc]:
        found, _ = await self.documents.find(DELIVERIES, Query({"status": "pending", **where}, "next_at", limit))
        return found

    async def _attempt(self, doc: DeliveryDoc, sender: WebhookSender) -> bool:
        """Claim one attempt, make it, log it; return False where another worker was faster."""
        lease = (self.now() + LEASE).isoformat()
        claimed = msgspec.structs.replace(doc, version=doc.version + 1, attempts=doc.attempts + 1, next_at=lease)
        if not await self.documents.replace(DELIVERIES, claimed, doc.version):
            return False
        endpoint = self.endpoints.get(doc.endpoint)
        if endpoint is None:
            await self._log(claimed, UNKNOWN)
        elif await self.disabled(endpoint):
            await self._close(claimed, DISABLED)
        else:
            attempt = await sender.send(endpoint, doc.id, doc.body.encode(), self.now())
            if attempt.gone:
                await self._disable(endpoint)
            await self._log(claimed, attempt)
        return True

    async def _log(self, doc: DeliveryDoc, attempt: Attempt) -> None:
        if attempt.delivered:
            await self._close(doc, "delivered", attempt)
            return
        wait = wait_after(doc.attempts, doc.id, attempt.retry_after)
        if attempt.gone:
            await self._close(doc, DISABLED, attempt)
        elif wait is None:
            await self._close(doc, "failed", attempt)
        else:
            metrics.WEBHOOKS.labels("retried").inc()
            await self._write(doc, "pending", attempt, (self.now() + wait).isoformat())

    async def _close(self, doc: DeliveryDoc, status: str, attempt: Attempt | None = None) -> None:
        metrics.WEBHOOKS.labels(status).inc()
        await self._write(doc, status, attempt or Attempt(doc.last_code, "webhook.disabled"), "")

    async def _write(self, doc: DeliveryDoc, status: str, attempt: Attempt, next_at: str) -> None:
        fields = {"status": status, "last_code": attempt.code, "last_error": attempt.error, "next_at": next_at}
        logged = msgspec.structs.replace(doc, version=doc.version + 1, **fields)
        await self.documents.replace(DELIVERIES, logged, doc.version)

    async def disabled(self, endpoint: Endpoint) -> bool:
        """Return whether the endpoint has asked never to be called again."""
        setting = await self.documents.get(SETTINGS, switch_id(endpoint.id))
        return setting is not None and setting.value == DISABLED

    async def _disable(self, endpoint: Endpoint) -> None:
        known = await self.documents.get(SETTINGS, switch_id(endpoint.id))
        version = known.version + 1 if known else 1
        await self.documents.upsert(SETTINGS, [SettingDoc(id=switch_id(endpoint.id), version=version, value=DISABLED)])
