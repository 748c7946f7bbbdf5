"""A matchbook in memory, and the things that are said to it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from services.matchbook.agents import handlers
from services.matchbook.handlers import Handlers
from trialbridge.contracts.documents import MATCH_EVENTS, MATCHES, MatchDoc, MatchEventDoc
from trialbridge.contracts.events import (
    ApprovalDecided,
    MatchChanged,
    MatchReviewed,
    RegulatoryStatusSet,
    Site,
    TrialPublished,
)
from trialbridge.contracts.ids import (
    ArmCode,
    Digest,
    DoseCode,
    NetworkId,
    PatientId,
    RecordId,
    TenantId,
    TrialId,
    digest,
    match_id,
)
from trialbridge.contracts.topics import (
    APPROVED_PATIENTS,
    MATCH_REVIEWS,
    REGULATORY_STATUS,
    TRIAL_CRITERIA,
    TRIAL_MATCHES,
)
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Missing, Outcome, Verdict
from trialbridge.runtime.effects import HandlerTable
from trialbridge.testkit.stage import FakeStage, State

NORTH = NetworkId("north")
TRIAL = TrialId("T-1")
VERDICTS = {"eligible": Verdict.MET, "potentially": Verdict.UNKNOWN, "not_eligible": Verdict.NOT_MET}


def match(
    outcome: str = "eligible", *, seq: int = 1, patient: str = "pat_1", consent: str = "permit",
    tenants: tuple[str, ...] = ("clinic",), arm: str | None = "A", dose: str | None = None, cause: str = "patient",
    trial: str = TRIAL, verdict: Verdict | None = None,
) -> MatchChanged:  # fmt: skip
    """Return what the engine would say."""
    verdict = verdict or VERDICTS[outcome]
    result = CriterionResult("criteria.all[0]", "age", verdict, recoverable=False, reason="The age is 63.")
    missing = (Missing("criteria.all[0]", "age", "Ask.", "ask"),) if outcome == "potentially" else ()
    explanation = Explanation(patient, trial, arm, dose, Outcome(outcome), "2026-06-01", (result,), missing)
    raw = msgspec.json.encode(explanation)
    event = "withdrawn" if outcome == "not_eligible" else "proposed" if seq == 1 else "changed"
    return msgspec.convert(
        {
            "match": match_id(
                NORTH, PatientId(patient), TrialId(trial), ArmCode(arm) if arm else None, DoseCode(dose) if dose else None
            ),
            "network": NORTH,
            "patient": patient,
            "tenants": tenants,
            "trial": trial,
            "arm": arm,
            "dose": dose,
            "seq": seq,
            "event": event,
            "outcome": outcome,
            "explanation": msgspec.Raw(raw),
            "explanation_digest": digest(raw),
            "trial_version": 1,
            "trial_digest": "d1",
            "view_version": seq,
            "view_digest": f"v{seq}",
            "as_of": "2026-06-01",
            "cause": cause,
            "consent": consent,
            "records": (RecordId("rec_1"),),
        },
        MatchChanged,
    )  # fmt: skip


def trial(version: int = 1, *, status: str = "open", review: bool = False, site: str = "recruiting",
          arm: str = "open", level: str = "open") -> TrialPublished:  # fmt: skip
    """Return a trial with arm A (dose level DL1) and arm B at one site."""
    arms = [{"code": "A", "status": arm, "dose_levels": [{"code": "DL1", "status": level}]}, {"code": "B"}]
    return msgspec.convert(
        {
            "trial": TRIAL,
            "version": version,
            "digest": Digest("d1"),
            "lab": TenantId("lab"),
            "title": "The trial",
            "status": status,
            "definition": msgspec.Raw(msgspec.json.encode({"id": TRIAL, "arms": arms})),
            "sites": (msgspec.convert({"id": "s1", "status": site}, Site),),
            "review": review,
        },
        TrialPublished,
    )


def approval(
    seq: int = 1, *, approved: bool = True, hold: bool = False, reason: str = "", site: str = ""
) -> RegulatoryStatusSet:
    """Return an authority's statement."""
    return msgspec.convert(
        {
            "trial": TRIAL,
            "seq": seq,
            "approved": approved,
            "hold": hold,
            "hold_reason": reason,
            "authority": "EMA",
            "sites": {"s1": site} if site else {},
        },
        RegulatoryStatusSet,
    )


def review(on: MatchChanged, decision: str, *, minute: int = 0, actor: str = "reader-1") -> MatchReviewed:
    """Return a person's decision on what ``on`` says."""
    return msgspec.convert(
        {
            "match": on.match,
            "network": NORTH,
            "patient": on.patient,
            "decision": decision,
            "actor": actor,
            "explanation_digest": on.explanation_digest,
            "at": f"2026-06-01T10:{minute:02d}:00+00:00",
            "command": f"cmd_{minute}",
        },
        MatchReviewed,
    )


@dataclass
class Book:
    """A matchbook over `FakeStage`, with a clock that moves by a second at each look."""

    state: State = field(default_factory=State)
    partitions: int = 2
    ticks: int = 0

    def __post_init__(self) -> None:
        self.stage = FakeStage(self.handlers(), self.partitions, self.state)

    def handlers(self) -> HandlerTable:
        return handlers(Handlers(self.now))

    def now(self) -> datetime:
        self.ticks += 1
        return datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=self.ticks)

    def restart(self) -> None:
        """Lose all that is only in memory."""
        emitted = self.stage
        self.stage = emitted.restarted(self.handlers())

    async def say(self, *given: MatchChanged | TrialPublished | RegulatoryStatusSet | MatchReviewed) -> "Book":
        for one in given:
            if isinstance(one, MatchChanged):
                await self.stage.deliver(TRIAL_MATCHES, one.patient, one, one.network)
            elif isinstance(one, MatchReviewed):
                await self.stage.deliver(MATCH_REVIEWS, one.patient, one, one.network)
            elif isinstance(one, TrialPublished):
                await self.stage.deliver(TRIAL_CRITERIA, one.trial, one, NetworkId(""))
            else:
                await self.stage.deliver(REGULATORY_STATUS, one.trial, one, NetworkId(""))
        return self

    @property
    def docs(self) -> dict[str, MatchDoc]:
        return self.stage.docs(MATCHES)

    @property
    def doc(self) -> MatchDoc:
        (only,) = self.docs.values()
        return only

    @property
    def events(self) -> list[MatchEventDoc]:
        return sorted(self.stage.docs(MATCH_EVENTS).values(), key=lambda event: (event.match, event.seq))

    @property
    def decisions(self) -> list[ApprovalDecided]:
        return [record.payload for record in self.stage.emitted(APPROVED_PATIENTS)]

    @property
    def said(self) -> list[tuple[int, str, tuple[TenantId, ...]]]:
        """Each decision once, in order."""
        return list(dict.fromkeys((one.seq, one.decision, one.tenants) for one in self.decisions))

    def gates(self) -> dict[str, tuple[bool, str]]:
        return {gate.name: (gate.open, gate.reason) for gate in self.doc.gates}
