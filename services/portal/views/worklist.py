"""A practice's worklist: its own matches, newest change first, with marks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from services.portal.views.criteria import explanation_of
from services.portal.views.freshness import Source, read_freshness
from services.portal.views.lines import summary, why_now
from services.portal.views.people import Person, read_people
from services.portal.words import OPEN_STATUSES
from trialbridge.contracts.documents import MATCHES, TRIALS, WORKLIST_MARKS, MatchDoc, WorklistMarkDoc
from trialbridge.runtime.ports import DocumentStore, Query, Scalar

MARKED_AT_MOST: Final = 2_000
"""How many matches with one mark a practice can page through."""
SORTS: Final = {
    "": ("-changed", "Newest change first"),
    "oldest": ("changed", "Oldest change first"),
    "missing": ("missing", "Least missing first"),
    "trial": ("trial", "By trial"),
    "patient": ("patient", "By patient"),
}
"""How the list may be sorted: the search's order, and in words."""
Where = dict[str, Scalar | tuple[Scalar, ...]]


@dataclass(frozen=True, slots=True)
class Filters:
    """What the coordinator wants to see; empty means everything that is still open."""

    status: str = ""
    trial: str = ""
    mark: str = ""
    sort: str = ""
    """A key of `SORTS`; the newest change first by default."""

    @property
    def order(self) -> str:
        """Return the sort for a search."""
        return SORTS.get(self.sort, SORTS[""])[0]


@dataclass(frozen=True, slots=True)
class Row:
    """One match as a line of work."""

    match: str
    person: Person
    trial: str
    trial_title: str
    arm: str
    dose: str
    status: str
    outcome: str
    line: str
    why_now: str
    mark: str
    can_undo: bool
    as_of: str
    changed: str
    missing: int


@dataclass(frozen=True, slots=True)
class Worklist:
    """One page."""

    rows: tuple[Row, ...]
    filters: Filters
    counts: dict[str, int]
    """Matches of this practice by status, whatever the filters."""
    trials: dict[str, str]
    """Titles by trial id, for the filter."""
    next: str | None
    freshness: tuple[Source, ...] = field(default=())
    as_of: str = ""
    """The newest evaluation date on the page."""


def mark_id(match: str, tenant: str) -> str:
    """Return the id of a practice's mark on a match."""
    return f"{match}:{tenant}"


async def read_worklist(
    documents: DocumentStore, tenant: str, filters: Filters, after: str | None, size: int
) -> Worklist:
    """Return one page of the practice's matches."""
    matches, following = await _matches(documents, tenant, filters, after, size)
    rows = await read_rows(documents, tenant, matches)
    counts = await documents.count(MATCHES, {"tenants": tenant}, by="status")
    return Worklist(
        rows=tuple(rows),
        filters=filters,
        counts={status: number for status, number in counts.items() if status},
        trials=await _trials(documents, tenant),
        next=following,
        freshness=tuple(await read_freshness(documents, tenant)),
        as_of=max((row.as_of for row in rows), default=""),
    )


async def read_rows(documents: DocumentStore, tenant: str, matches: Sequence[MatchDoc]) -> list[Row]:
    """Return the matches as lines of work, with names and marks looked up in one round trip each."""
    people = await read_people(documents, tenant, [match.patient for match in matches])
    marks = await documents.get_many(WORKLIST_MARKS, [mark_id(match.id, tenant) for match in matches])
    return [_row(match, people[match.patient], marks.get(mark_id(match.id, tenant))) for match in matches]


def _row(match: MatchDoc, person: Person, mark: WorklistMarkDoc | None) -> Row:
    return Row(
        match=match.id,
        person=person,
        trial=match.trial,
        trial_title=match.trial_title or match.trial,
        arm=match.arm,
        dose=match.dose,
        status=match.status,
        outcome=match.outcome,
        line=summary(match, explanation_of(match.explanation)),
        why_now=why_now(match.why_now, match.cause),
        mark=mark.mark if mark else "new",
        can_undo=bool(mark and mark.previous),
        as_of=match.as_of,
        changed=match.changed,
        missing=match.missing,
    )


async def _trials(documents: DocumentStore, tenant: str) -> dict[str, str]:
    ids = sorted(one for one in await documents.count(MATCHES, {"tenants": tenant}, by="trial") if one)
    found = await documents.get_many(TRIALS, ids)
    return {one: found[one].title if one in found else one for one in ids}


def _where(tenant: str, filters: Filters) -> Where:
    where: Where = {"tenants": tenant, "status": filters.status or OPEN_STATUSES}
    return where | {"trial": filters.trial} if filters.trial else where


async def _matches(
    documents: DocumentStore, tenant: str, filters: Filters, after: str | None, size: int
) -> tuple[list[MatchDoc], str | None]:
    if not filters.mark:
        return await documents.find(MATCHES, Query(_where(tenant, filters), filters.order, size, after))
    if filters.mark == "new":
        return await _unmarked(documents, tenant, filters, after, size)
    return await _marked(documents, tenant, filters, after, size)


async def _unmarked(
    documents: DocumentStore, tenant: str, filters: Filters, after: str | None, size: int
) -> tuple[list[MatchDoc], str | None]:
    """Return at least a page of matches that nobody marked yet, or what is left of them."""
    found: list[MatchDoc] = []
    while True:
        page, after = await documents.find(MATCHES, Query(_where(tenant, filters), filters.order, size, after))
        marks = await documents.get_many(WORKLIST_MARKS, [mark_id(match.id, tenant) for match in page])
        marked = {mark.match for mark in marks.values() if mark.mark != "new"}
        found.extend(match for match in page if match.id not in marked)
        if after is None or len(found) >= size:
            return found, after


async def _marked(
    documents: DocumentStore, tenant: str, filters: Filters, after: str | None, size: int
) -> tuple[list[MatchDoc], str | None]:
    """Return a page of matches with one mark; the cursor is a place in their list."""
    marks, _ = await documents.find(
        WORKLIST_MARKS, Query({"tenant": tenant, "mark": filters.mark}, limit=MARKED_AT_MOST)
    )
    found = (await documents.get_many(MATCHES, [mark.match for mark in marks])).values()
    wanted = (filters.status,) if filters.status else OPEN_STATUSES
    fitting = [
        match
        for match in found
        if tenant in match.tenants and match.status in wanted and filters.trial in {"", match.trial}
    ]
    field_name = filters.order.removeprefix("-")
    fitting.sort(key=lambda match: (getattr(match, field_name), match.id), reverse=filters.order.startswith("-"))
    start = int(after) if after and after.isdecimal() else 0
    return fitting[start : start + size], str(start + size) if len(fitting) > start + size else None
