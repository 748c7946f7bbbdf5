"""A portal over an in-memory store with two practices, a laboratory, and one patient with a recognisable name."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from services.portal.bootstrap import build
from services.portal.settings import DemoSignIn, PortalSettings
from trialbridge.access.scopes import Role
from trialbridge.contracts import documents as d
from trialbridge.contracts.events import Change, Display, Gate, SourceFreshness
from trialbridge.contracts.ids import Digest, SourceId, TenantId
from trialbridge.criteria.facts import Evidence
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Missing, Outcome, Verdict
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.settings import read_settings
from trialbridge.testkit.fakes import MemoryDocuments, MemoryKeys, MemoryObjects
from trialbridge.testkit.seals import ClearSeal

NAME = "Quillonbraxe"
REVIEW = Gate("review", False, "A named person has to look at it.")
SIGN_INS = (
    DemoSignIn(actor="ann@north", tenant="north", role=Role.PRACTICE),
    DemoSignIn(actor="bob@hill", tenant="hill", role=Role.PRACTICE),
    DemoSignIn(actor="lab@aurora", tenant="aurora", role=Role.LAB),
    DemoSignIn(actor="aud@network", tenant="network", role=Role.AUDITOR),
    DemoSignIn(actor="ops@network", tenant="network", role=Role.OPERATOR),
)


@dataclass
class Clock:
    """A clock that tests move."""

    now: datetime = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **more: float) -> None:
        self.now += timedelta(**more)


def explanation() -> Explanation:
    evidence = (Evidence(resource="Observation/1", source="north/ehr", record="rec_1", date="2026-05-20"),)
    lines = (
        CriterionResult("criteria.all", "all", Verdict.UNKNOWN, True, "1 of 2 are met; 2 needed."),
        CriterionResult("criteria.all[0].age", "age", Verdict.MET, False, "The age is within the bounds.", evidence),
        CriterionResult(
            "criteria.all[1].performance", "performance", Verdict.UNKNOWN, True, "No performance status is recorded."
        ),
    )
    missing = (Missing("criteria.all[1].performance", "performance", "A current ECOG performance status.", "ask"),)
    return Explanation("pat_1", "T-1", None, None, Outcome.POTENTIALLY, "2026-06-01", lines, missing)


def match(identity: str = "mat_1", status: str = "potentially", **more: object) -> d.MatchDoc:
    given = {
        "tenants": ("north",), "patient": "pat_1", "trial": "T-1", "trial_title": "A trial of something", "lab": "aurora",
        "outcome": "potentially", "explanation": msgspec.Raw(msgspec.json.encode(explanation())), "explanation_digest": "e" * 64,
        "gates": (Gate("clinical", False, "Something is not known."),), "records": ("rec_1",), "as_of": "2026-06-01",
        "changed": "2026-06-01T11:00:00Z", "why_now": (Change("criteria.all[0].age", "unknown", "met", "Age is known"),), "missing": 1,
    }  # fmt: skip
    return d.MatchDoc(id=identity, version=1, network="lakeland", status=status, **(given | more))  # type: ignore[arg-type]


@dataclass
class House:
    """The portal and all that it stands on."""

    documents: MemoryDocuments
    clock: Clock
    client: httpx.AsyncClient
    tokens: dict[int, str] = field(default_factory=dict)

    async def sign_in(self, number: int) -> httpx.AsyncClient:
        """Return a client of its own that is signed in."""
        browser = httpx.AsyncClient(
            transport=self.client._transport, base_url="http://portal.test", headers={"accept": "text/html"}
        )
        answer = await browser.post("/demo-sign-in", data={"number": number})
        assert answer.status_code == 303, answer.text
        return browser

    async def token(self, browser: httpx.AsyncClient, path: str) -> str:
        """Return the form token on a page."""
        found = re.search(r'name="csrf" value="([^"]+)"', (await browser.get(path)).text)
        assert found
        return found[1]


async def fill(documents: MemoryDocuments) -> None:
    display = msgspec.Raw(msgspec.json.encode(Display(f"{NAME}, Ann", "1960-01-02", "female", {"north": "NC-1"})))
    await documents.upsert(
        d.PATIENTS,
        [
            d.PatientDoc(
                id="pat_1",
                version=1,
                network="lakeland",
                tenants=("north",),
                digest="x",
                display=display,
                sources=(SourceFreshness(SourceId("north/ehr"), TenantId("north"), "2026-06-01T06:00:00Z"),),
            )
        ],
    )
    await documents.upsert(
        d.MATCHES,
        [match(), match("mat_2", "awaiting_review", trial="T-2", gates=(REVIEW,)), match("mat_3", "approved")],
    )
    await documents.upsert(
        d.MATCH_EVENTS,
        [
            d.MatchEventDoc(
                id="mat_1/1",
                version=1,
                match="mat_1",
                tenants=("north",),
                patient="pat_1",
                trial="T-1",
                seq=1,
                status="potentially",
                outcome="potentially",
                records=("rec_1",),
                at="2026-06-01T11:00:00Z",
                as_of="2026-06-01",
            )
        ],
    )
    await documents.upsert(
        d.RECORDS,
        [
            d.RecordDoc(
                id="rec_1",
                version=1,
                ticket="tkt_1",
                tenant="north",
                source="north/ehr",
                bundle_sha256="b" * 64,
                object_uri="file:///o",
                object_version="v1",
                received="2026-06-01T06:00:00Z",
            )
        ],
    )
    await documents.upsert(
        d.TICKETS,
        [
            d.TicketDoc(
                id="tkt_1",
                version=1,
                tenant="north",
                source="north/ehr",
                object_uri="file:///o",
                object_version="v1",
                sha256="b" * 64,
                size=1,
                status="redeemed",
                issued="2026-06-01T06:00:00Z",
                updated="2026-06-01T06:00:00Z",
            )
        ],
    )
    await documents.upsert(
        d.TRIALS,
        [
            d.TrialDoc(
                id="T-1",
                version=1,
                lab="aurora",
                title="A trial of something",
                status="open",
                digest=Digest("d" * 64),
                definition=msgspec.Raw(b"{}"),
            )
        ],
    )
    await documents.upsert(
        d.NOTIFICATIONS,
        [
            d.NotificationDoc(
                id="ntf_1",
                version=1,
                tenant="north",
                kind="approved",
                match="mat_3",
                patient="pat_1",
                trial="T-1",
                title="A trial",
                created="2026-06-01T11:00:00Z",
            )
        ],
    )
    await documents.upsert(
        d.STAGES,
        [
            d.StageDoc(
                id="m/1",
                version=1,
                stage="matcher",
                worker="1",
                state="ready",
                processed=5,
                lag=2,
                updated="2026-06-01T12:00:00Z",
            )
        ],
    )
    await documents.upsert(
        d.DEAD_LETTERS,
        [
            d.DeadLetterDoc(
                id="dlq_1",
                version=1,
                stage="coatcheck",
                topic="emr_tickets",
                partition=0,
                offset=1,
                key="k",
                code="envelope.tag-mismatch",
                message="The object was changed after it was encrypted.",
                first_seen="2026-06-01T10:00:00Z",
                tenant="north",
                ticket="tkt_9",
                failures=2,
                payload=NAME.encode(),
            )
        ],
    )


@pytest.fixture
async def house() -> House:
    """Return a filled portal."""
    documents, clock = MemoryDocuments(), Clock()
    await fill(documents)
    settings = read_settings(PortalSettings, demo_sign_ins=SIGN_INS, secure_cookies=False)
    app = build(settings, ServicePorts(documents, MemoryObjects(), MemoryKeys(), ClearSeal(), clock))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return House(
        documents,
        clock,
        httpx.AsyncClient(transport=transport, base_url="http://portal.test", headers={"accept": "text/html"}),
    )


SignIn = Callable[[int], Awaitable[httpx.AsyncClient]]
