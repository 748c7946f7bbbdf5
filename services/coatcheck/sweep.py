"""The sweep: finds objects that nobody ticketed, so that a forgotten delivery is seen."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from services.coatcheck.redeeming import INSTRUCTIONS
from trialbridge.contracts.documents import TICKETS, TicketDoc
from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import TenantId, ticket_id
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, ObjectInfo, ObjectStore, Query
from trialbridge.vault.containers.s3 import CONTEXT_V3
from trialbridge.vault.envelope import CONTEXT

BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Sweep:
    """A background loop over the object store. An orphan is a normal state with a report, not an error."""

    documents: DocumentStore
    objects: ObjectStore
    now: Callable[[], datetime]
    interval: float
    """Seconds between two sweeps."""
    prefix: str
    grace: timedelta
    """How long an object may wait for its ticket."""

    async def __call__(self, emitter: Emitter) -> None:
        """Sweep until cancelled; raises `Unavailable` when a store is away."""
        del emitter
        while True:
            await self.sweep()
            await asyncio.sleep(self.interval)

    async def sweep(self) -> int:
        """Compare all objects with the tickets; return how many orphans there are now."""
        orphans, batch = 0, []
        async for info in self.objects.list(self.prefix):
            if info.uri.endswith(INSTRUCTIONS):
                continue  # it belongs to the object beside it
            batch.append(info)
            if len(batch) == BATCH:
                orphans += await self._compare(batch)
                batch = []
        return orphans + await self._compare(batch)

    async def _compare(self, objects: list[ObjectInfo]) -> int:
        query = Query(where={"object_uri": tuple(info.uri for info in objects)}, limit=BATCH)
        known: dict[tuple[str, str], list[TicketDoc]] = {}
        for doc in await collect(self.documents, TICKETS, query) if objects else []:
            known.setdefault((doc.object_uri, doc.object_version), []).append(doc)
        orphans = 0
        for info in objects:
            docs = known.get((info.uri, info.version), [])
            if any(doc.status != "orphaned" for doc in docs):
                await self._forget([doc for doc in docs if doc.status == "orphaned"])
            elif docs or await self._report(info):
                orphans += 1
        return orphans

    async def _report(self, info: ObjectInfo) -> bool:
        """Keep an orphan's document; return False within its grace."""
        now = self.now()
        if info.modified and datetime.fromisoformat(info.modified) + self.grace > now:
            return False
        tenant = _tenant(info)
        doc = TicketDoc(
            id=ticket_id(tenant, info.uri, info.version),
            version=1,
            tenant=tenant,
            source="",
            object_uri=info.uri,
            object_version=info.version,
            sha256="",
            size=info.size,
            status="orphaned",
            issued="",
            updated=now.isoformat(),
            code="ticket.orphaned",
            message="The object lies in the store and nobody has issued a ticket for it.",
            place=Place(bundle=info.uri),
        )
        return await self.documents.replace(TICKETS, doc, 0)

    async def _forget(self, docs: list[TicketDoc]) -> None:
        """Remove reports under another id whose object has got its ticket since."""
        for doc in docs:
            await self.documents.delete(TICKETS, doc.id)


def _tenant(info: ObjectInfo) -> TenantId:
    """Return whose the envelope says that the object is; empty where it does not say."""
    told = info.metadata.get(CONTEXT) or info.metadata.get(CONTEXT_V3) or "{}"
    try:
        context = msgspec.json.decode(told, type=dict[str, str])
    except msgspec.DecodeError:
        return TenantId("")
    return TenantId(context.get("tenant", ""))
