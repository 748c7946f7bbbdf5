"""A notifier over in-memory ports, a clock that tests turn, and endpoints that answer as told."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.notifier.agents import handlers
from services.notifier.dispatching import Dispatcher
from services.notifier.endpoints import Endpoint, Endpoints
from services.notifier.handlers import Handlers
from services.notifier.sending import WebhookSender, make_client
from trialbridge.contracts.documents import DELIVERIES, NOTIFICATIONS, DeliveryDoc
from trialbridge.contracts.events import ApprovalDecided
from trialbridge.contracts.ids import Digest, MatchId, NetworkId, PatientId, TenantId, TrialId
from trialbridge.contracts.topics import APPROVED_PATIENTS
from trialbridge.testkit.fakes import MemoryDocuments
from trialbridge.testkit.stage import FakeStage

NORTH, HILL = TenantId("north"), TenantId("hill")
START = datetime(2026, 6, 1, 8, tzinfo=UTC)
SECRET = b"s" * 32
OLD_SECRET = b"o" * 24
SECRET_TEXT = "whsec_" + base64.b64encode(SECRET).decode()
HOOK = Endpoint("north-hook", NORTH, "https://hooks.example.org/in?x=1", (SECRET, OLD_SECRET))
PUBLIC = ["93.184.216.34"]


def decision(**change: Any) -> ApprovalDecided:
    """Return an approval at two practices."""
    fields: dict[str, Any] = {
        "match": MatchId("mat_1"), "network": NetworkId("lakeland"), "patient": PatientId("pat_1"),
        "tenants": (NORTH, HILL), "trial": TrialId("T-1"), "seq": 1, "decision": "approved", "gates": (),
        "explanation_digest": Digest("d"), "trial_title": "A trial", "trial_version": 1, "view_digest": Digest("v"),
        "as_of": "2026-06-01", "reasons": ("Every criterion is met.",),
    }  # fmt: skip
    return ApprovalDecided(**fields | change)


@dataclass(slots=True)
class House:
    """The service in memory."""

    endpoints: Endpoints = field(default_factory=lambda: Endpoints((HOOK,)))
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    time: datetime = START
    answers: list[httpx.Response | Exception] = field(default_factory=list)
    """What the endpoint does next; 204 when there is nothing left."""
    calls: list[httpx.Request] = field(default_factory=list)
    addresses: Sequence[str] = field(default_factory=lambda: PUBLIC)
    stage: FakeStage = field(init=False)

    def __post_init__(self) -> None:
        self.stage = FakeStage(handlers(Handlers(self.endpoints, self.now)))

    def now(self) -> datetime:
        return self.time

    def pass_time(self, **amount: float) -> None:
        self.time += timedelta(**amount)

    async def deliver(self, *decisions: ApprovalDecided) -> None:
        for one in decisions:
            await self.stage.deliver(APPROVED_PATIENTS, one.patient, one, one.network)
        await self.documents.upsert(NOTIFICATIONS, list(self.stage.docs(NOTIFICATIONS).values()))
        await self.documents.upsert(DELIVERIES, list(self.stage.docs(DELIVERIES).values()))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        answer = self.answers.pop(0) if self.answers else httpx.Response(204)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        return self.addresses

    def dispatcher(self, **given: Any) -> Dispatcher:
        return Dispatcher(self.documents, self.endpoints, self.now, 0.005, **given)

    async def dispatch(self, dispatcher: Dispatcher | None = None) -> int:
        async with make_client(httpx.MockTransport(self._answer)) as client:
            sender = WebhookSender(client, 5.0, resolving=self.resolve)
            return await (dispatcher or self.dispatcher()).dispatch(sender)

    async def log(self) -> DeliveryDoc:
        """Return the one delivery there is."""
        (doc,) = (await self.documents.all(DELIVERIES)).values()
        return doc


@pytest.fixture
def house() -> House:
    """Return an empty notifier with one endpoint."""
    return House()
