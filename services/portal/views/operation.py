"""The operator's view: stages with lag, tickets, dead letters. Codes and opaque ids, never content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.portal.times import read
from services.portal.views.deliveries import Undelivered, read_undelivered
from services.portal.views.files import RefusedFile, read_refused_files
from services.portal.views.freshness import Source, read_freshness
from trialbridge.contracts.documents import DEAD_LETTERS, STAGES, TICKETS, DeadLetterDoc, StageDoc, TicketDoc
from trialbridge.runtime.ports import DocumentStore, Query, Scalar

ORDER: Final = ("trialfeed", "coatcheck", "patientview", "matcher", "matchbook", "notifier")
SILENT: Final = timedelta(seconds=20)
"""A worker that has not reported for so long counts as gone."""
TROUBLED: Final = ("refused", "expired", "orphaned", "waiting")
TICKET_ORDER: Final = ("redeemed", "issued", "waiting", "orphaned", "expired", "refused")


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
    busy: float
    """Seconds spent in batches, summed over partitions."""
    rate: float | None
    """Records a second lately; None before there are two reports to compare."""
    updated: str


@dataclass(frozen=True, slots=True)
class Operation:
    """The page."""

    stages: tuple[StageLine, ...]
    tickets: dict[str, int]
    """Counts by status, in the order of `TICKET_ORDER`."""
    letters: dict[str, int]
    """Open dead letters by code, most frequent first."""
    open_letters: tuple[DeadLetterDoc, ...]
    troubled: tuple[TicketDoc, ...]
    """Tickets that did not come through, newest first."""
    sources: tuple[Source, ...]
    undelivered: tuple[Undelivered, ...]
    """Webhooks that were given up."""
    files: tuple[RefusedFile, ...]
    """Trial files that were refused."""
    next: str | None


class Meter:
    """Turns counters that only grow into records a second, over the last minute of looks."""

    def __init__(self) -> None:
        """Begin without looks."""
        self._looks: dict[str, list[tuple[datetime, int]]] = {}

    def rate(self, stage: str, processed: int, now: datetime) -> float | None:
        """Note a look and return the rate since the oldest look within a minute."""
        looks = [one for one in self._looks.get(stage, []) if now - one[0] <= timedelta(minutes=1)]
        if looks and processed < looks[-1][1]:
            looks = []
        self._looks[stage] = [*looks[-60:], (now, processed)]
        first = self._looks[stage][0]
        elapsed = (now - first[0]).total_seconds()
        return max(0.0, (processed - first[1]) / elapsed) if elapsed >= 1 else None


async def read_operation(
    documents: DocumentStore, meter: Meter, now: datetime, after: str | None, size: int
) -> Operation:
    """Return how the machinery stands, with one page of open dead letters."""
    stages, _ = await documents.find(STAGES, Query(limit=500))
    letters, following = await documents.find(DEAD_LETTERS, Query({"status": "open"}, "-first_seen", size, after))
    where: dict[str, Scalar | tuple[Scalar, ...]] = {"status": TROUBLED}
    troubled, _ = await documents.find(TICKETS, Query(where, "-updated", size))
    tickets = await documents.count(TICKETS, {}, by="status")
    codes = await documents.count(DEAD_LETTERS, {"status": "open"}, by="code")
    return Operation(
        stages=tuple(_line(name, [doc for doc in stages if doc.stage == name], meter, now) for name in ORDER),
        tickets={status: tickets.get(status, 0) for status in TICKET_ORDER},
        letters=dict(sorted(codes.items(), key=lambda one: (-one[1], one[0]))),
        open_letters=tuple(letters),
        troubled=tuple(troubled),
        sources=tuple(await read_freshness(documents)),
        undelivered=tuple(await read_undelivered(documents)),
        files=tuple(await read_refused_files(documents)),
        next=following,
    )


def stage_words(lines: Sequence[StageLine]) -> Mapping[str, str]:
    """Return the state of each stage by its name."""
    return {line.stage: line.state for line in lines}


def _line(name: str, docs: Sequence[StageDoc], meter: Meter, now: datetime) -> StageLine:
    """Sum a stage's workers; only those that still report count for state and lag."""
    alive = [doc for doc in docs if doc.state != "stopped" and _reports(doc, now)]
    processed = sum(doc.processed for doc in docs)
    return StageLine(
        stage=name,
        state=_state(docs, alive),
        workers=len(alive),
        processed=processed,
        emitted=sum(doc.emitted for doc in docs),
        dead_lettered=sum(doc.dead_lettered for doc in docs),
        retried=sum(doc.retried for doc in docs),
        lag=sum(doc.lag for doc in alive),
        busy=round(sum(doc.seconds for doc in docs), 1),
        rate=meter.rate(name, processed, now),
        updated=max((doc.updated for doc in docs), default=""),
    )


def _reports(doc: StageDoc, now: datetime) -> bool:
    updated = read(doc.updated)
    return updated is not None and now - updated <= SILENT


def _state(docs: Sequence[StageDoc], alive: Sequence[StageDoc]) -> str:
    for state in ("waiting", "ready", "starting"):
        if any(doc.state == state for doc in alive):
            return state
    if not docs:
        return "absent"
    return "stopped" if all(doc.state == "stopped" for doc in docs) else "silent"
