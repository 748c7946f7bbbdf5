"""Sends webhooks that are due, logs each attempt, tries again after the schedule. At least once, under one webhook-id."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from services.notifier.endpoints import Endpoint, Endpoints
from services.notifier.schedule import wait_after
from services.notifier.sending import Attempt, WebhookSender, make_client
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
    allow_loopback: bool = False
    sender: WebhookSender | None = field(default=None, repr=False)
    """Given by tests; otherwise made with the loop."""

    async def __call__(self, emitter: Emitter) -> None:
        """Send until cancelled; raises `Unavailable` when the store is away."""
        del emitter
        async with make_client() as client:
            sender = self.sender or WebhookSender(client, self.timeout, self.allow_loopback)
            while True:
                await self.dispatch(sender)
                await asyncio.sleep(self.interval)

    async def dispatch(self, sender: WebhookSender) -> int:
        """Make every attempt that is due; return how many."""
        made, full = 0, True
        while full:
            found, _ = await self.documents.find(DELIVERIES, Query({"status": "pending"}, "next_at", PAGE))
            due = [doc for doc in found if datetime.fromisoformat(doc.next_at) <= self.now()]
            made += await self._attempts(due, sender)
            full = len(due) == PAGE
        return made

    async def _attempts(self, due: list[DeliveryDoc], sender: WebhookSender) -> int:
        turns = asyncio.Semaphore(self.at_once)

        async def one(doc: DeliveryDoc) -> bool:
            async with turns:
                return await self._attempt(doc, sender)

        return sum(await asyncio.gather(*(one(doc) for doc in due)))

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
