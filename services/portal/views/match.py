"""One match as its practice sees it: verdict by verdict, with evidence, gates, what is missing, and its life so far."""

from dataclasses import dataclass

from services.portal.views.lines import GROUPS, change_line, explanation_of, leaves, summary, why_now
from services.portal.views.people import Person
from services.portal.views.worklist import Row, read_rows
from services.portal.words import COST, GATE
from trialbridge.contracts.documents import MATCH_EVENTS, MATCHES, PATIENTS, MatchDoc, MatchEventDoc
from trialbridge.contracts.events import SourceFreshness
from trialbridge.criteria.verdicts import CriterionResult, Explanation
from trialbridge.runtime.ports import DocumentStore, Query

EVENTS_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """Where a verdict comes from."""

    resource: str
    date: str
    source: str
    record: str
    place: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the explanation."""

    path: str
    kind: str
    depth: int
    group: bool
    verdict: str
    recoverable: bool
    reason: str
    evidence: tuple[EvidenceLine, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """What would settle an unknown criterion."""

    path: str
    kind: str
    settle: str
    cost: str
    cost_word: str


@dataclass(frozen=True, slots=True)
class GateLine:
    """One gate."""

    name: str
    title: str
    open: bool
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class LifeStep:
    """One step in the match's life."""

    seq: int
    at: str
    status: str
    outcome: str
    as_of: str
    why: str
    digest: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many criteria stand at each verdict."""

    met: int = 0
    unknown: int = 0
    not_met: int = 0

    @property
    def total(self) -> int:
        """Return the number of criteria."""
        return self.met + self.unknown + self.not_met


@dataclass(frozen=True, slots=True)
class MatchPage:
    """Everything that the practice may know of a match."""

    row: Row
    person: Person
    criteria: tuple[Criterion, ...]
    tally: Tally
    missing: tuple[Unknown, ...]
    changes: tuple[str, ...]
    gates: tuple[GateLine, ...]
    life: tuple[LifeStep, ...]
    sources: tuple[SourceFreshness, ...]
    trial_version: int
    trial_digest: str
    view_version: int
    view_digest: str
    explanation_digest: str
    tables: str
    reasons: tuple[str, ...]

    @property
    def can_review(self) -> bool:
        """Return whether a named person is asked for."""
        return self.row.status == "awaiting_review"


async def own_match(documents: DocumentStore, tenant: str, id: str) -> MatchDoc | None:
    """Return the match if this practice holds its patient; otherwise None, as if it did not exist."""
    found = await documents.get(MATCHES, id)
    return found if found is not None and tenant in found.tenants else None


async def read_match(documents: DocumentStore, tenant: str, id: str) -> MatchPage | None:
    """Return the match's page, or None where this practice has no such match."""
    match = await own_match(documents, tenant, id)
    if match is None:
        return None
    [row] = await read_rows(documents, tenant, [match])
    events, _ = await documents.find(MATCH_EVENTS, Query({"match": id}, "seq", EVENTS_AT_MOST))
    patient = await documents.get(PATIENTS, match.patient)
    explanation = explanation_of(match.explanation)
    return MatchPage(
        row=row,
        person=row.person,
        criteria=criteria_of(explanation),
        tally=tally_of(explanation),
        missing=_missing(explanation),
        changes=tuple(change_line(change) for change in match.why_now),
        gates=gates_of(match),
        life=tuple(life_step(event) for event in events),
        sources=tuple(one for one in patient.sources if one.tenant == tenant) if patient else (),
        trial_version=match.trial_version,
        trial_digest=match.trial_digest,
        view_version=match.view_version,
        view_digest=match.view_digest,
        explanation_digest=match.explanation_digest,
        tables=explanation.tables if explanation else "",
        reasons=(summary(match, explanation), *match.reasons),
    )


def criteria_of(explanation: Explanation | None) -> tuple[Criterion, ...]:
    """Return the explanation's lines in the trial's order, groups indented above their members."""
    return tuple(_criterion(one) for one in explanation.criteria) if explanation else ()


def tally_of(explanation: Explanation | None) -> Tally:
    """Return how the verdicts are spread."""
    verdicts = [one.verdict.value for one in leaves(explanation)] if explanation else []
    return Tally(verdicts.count("met"), verdicts.count("unknown"), verdicts.count("not_met"))


def gates_of(match: MatchDoc) -> tuple[GateLine, ...]:
    """Return the gates with their names in words."""
    return tuple(
        GateLine(gate.name, GATE.get(gate.name, gate.name), gate.open, gate.reason, gate.by) for gate in match.gates
    )


def life_step(event: MatchEventDoc) -> LifeStep:
    """Return one event of a match's life as a line."""
    return LifeStep(
        event.seq,
        event.at,
        event.status,
        event.outcome,
        event.as_of,
        why_now(event.why_now, event.cause),
        event.explanation_digest,
    )


def _criterion(one: CriterionResult) -> Criterion:
    evidence = tuple(
        EvidenceLine(item.resource, item.date or "", item.source, item.record, item.place or "")
        for item in one.evidence
    )
    return Criterion(
        path=one.path,
        kind=one.kind.replace("_", " "),
        depth=min(one.path.count("["), 5),
        group=one.kind in GROUPS,
        verdict=one.verdict.value,
        recoverable=one.recoverable,
        reason=one.reason,
        evidence=evidence,
    )


def _missing(explanation: Explanation | None) -> tuple[Unknown, ...]:
    found = explanation.missing if explanation else ()
    return tuple(
        Unknown(one.path, one.kind.replace("_", " "), one.settle, one.cost, COST.get(one.cost, one.cost))
        for one in found
    )
