"""The operator's view: stages with lag, tickets, dead letters. Codes and opaque ids, never content."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.portal.views.freshness import Source, read_freshness
from trialbridge.contracts.documents import DEAD_LETTERS, STAGES, TICKETS, DeadLetterDoc, StageDoc, TicketDoc
from trialbridge.runtime.ports import DocumentStore, Query, Scalar

ORDER = ("trialfeed", "coatcheck", "patientview", "matcher", "matchbook", "notifier")
STALE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class StageLine:
    """One stage over all its workers."""

    stage: str
    state: str
    workers: int
    processed: int
    emitted: int
    dead_lettered: int
    retried: int
    lag: int
    updated: str


@dataclass(frozen=True, slots=True)
class Operation:
    """The page."""

    stages: tuple[StageLine, ...]
    tickets: dict[str, int]
    letters: dict[str, int]
    """Open dead letters by code."""
    open_letters: tuple[DeadLetterDoc, ...]
    refused: tuple[TicketDoc, ...]
    sources: tuple[Source, ...]
    next: str | None


async def read_operation(documents: DocumentStore, after: str | None, size: int) -> Operation:
    """Return how the machinery stands, with one page of open dead letters."""
    stages, _ = await documents.find(STAGES, Query(limit=500))
    letters, following = await documents.find(DEAD_LETTERS, Query({"status": "open"}, "-first_seen", size, after))
    where: dict[str, Scalar | tuple[Scalar, ...]] = {"status": ("refused", "expired", "orphaned", "waiting")}
    refused, _ = await documents.find(TICKETS, Query(where, "-updated", size))
    return Operation(
        stages=tuple(_line(name, [doc for doc in stages if doc.stage == name]) for name in ORDER),
        tickets=await documents.count(TICKETS, {}, by="status"),
        letters=await documents.count(DEAD_LETTERS, {"status": "open"}, by="code"),
        open_letters=tuple(letters),
        refused=tuple(refused),
        sources=tuple(await read_freshness(documents)),
        next=following,
    )


def _line(name: str, docs: Sequence[StageDoc]) -> StageLine:
    """Sum a stage's workers; only those that still report count for state and lag."""
    newest = max((doc.updated for doc in docs), default="")
    alive = [doc for doc in docs if doc.state != "stopped" and doc.updated[:18] >= newest[:18]]
    states = {doc.state for doc in alive}
    state = "waiting" if "waiting" in states else "ready" if "ready" in states else "starting" if states else "stopped"
    return StageLine(
        name,
        state,
        len(alive),
        sum(doc.processed for doc in docs),
        sum(doc.emitted for doc in docs),
        sum(doc.dead_lettered for doc in docs),
        sum(doc.retried for doc in docs),
        sum(doc.lag for doc in alive),
        newest,
    )
