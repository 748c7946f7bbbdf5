"""What people ask of the notifier: send a webhook again, or call an endpoint again that had asked not to be called."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.notifier.dispatching import switch_id
from services.notifier.endpoints import Endpoints
from trialbridge.contracts.documents import DELIVERIES, SETTINGS, CommandDoc, SettingDoc
from trialbridge.contracts.errors import Place, Refused, Unavailable
from trialbridge.runtime.commands import Answer, Carrier, read_body
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.ports import DocumentStore


class RedeliveryAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a ``redeliver`` command: a delivery to send again, or an endpoint to enable."""

    delivery: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class WebhookDesk:
    """Carries out the commands to the notifier."""

    documents: DocumentStore
    endpoints: Endpoints
    now: Callable[[], datetime]

    def kinds(self) -> dict[str, Carrier]:
        """Return what the desk does, by kind of command."""
        return {"redeliver": self.redeliver}

    async def redeliver(self, command: CommandDoc, emitter: Emitter) -> Answer:
        """Make a delivery due with a schedule that begins anew, under the same webhook-id; or enable an endpoint."""
        del emitter
        asked = read_body(command, RedeliveryAsked)
        if bool(asked.delivery) == bool(asked.endpoint):
            raise Refused("redeliver.malformed", "Name a delivery or an endpoint.")
        if asked.endpoint:
            return await self._enable(asked.endpoint)
        doc = await self.documents.get(DELIVERIES, asked.delivery)
        if doc is None:
            raise Refused("redeliver.unknown", "There is no such delivery.", Place(field="delivery"))
        if doc.status != "pending":
            due = msgspec.structs.replace(
                doc, version=doc.version + 1, status="pending", attempts=0, next_at=self.now().isoformat()
            )
            if not await self.documents.replace(DELIVERIES, due, doc.version):
                raise Unavailable("notifier.contended", "The delivery changes at this moment; it is tried again.")
        return Answer({"delivery": doc.id})

    async def _enable(self, identity: str) -> Answer:
        if self.endpoints.get(identity) is None:
            raise Refused("redeliver.unknown", "There is no such endpoint.", Place(field="endpoint"))
        known = await self.documents.get(SETTINGS, switch_id(identity))
        if known is not None:
            enabled = SettingDoc(id=known.id, version=known.version + 1, value="enabled")
            await self.documents.upsert(SETTINGS, [enabled])
        return Answer({"endpoint": identity})
