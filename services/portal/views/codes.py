"""Local codes for review: the queue by patients blocked, one code in full, and what was decided. Small counts hide the words."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

import msgspec

from services.portal.views.code_tables import Shelf, read_learned, read_seen, read_shelf
from trialbridge.access.cells import SMALLEST_SHOWN, cell
from trialbridge.contracts.documents import (
    CODE_CHANGES,
    LOCAL_CODES,
    CodeChangeDoc,
    LocalCodeDoc,
)
from trialbridge.emr.localcodes.book import Standing
from trialbridge.emr.localcodes.codes import Kind, LocalCode
from trialbridge.emr.localcodes.ranking import Counted, rank
from trialbridge.emr.localcodes.suggesting import Suggestion, suggest
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query

WITHHELD: Final = "shown to the practice alone"
STATES: Final = ("open", "accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who looks: a practice at its own feeds with every word, an operator (no tenant) at all feeds under the small-cell rule."""

    tenant: str = ""

    def owns(self, tenant: str) -> bool:
        """Return whether codes of this practice may be looked at."""
        return self.tenant in ("", tenant)

    def reads(self, patients: int) -> bool:
        """Return whether the words may be read of a code that so many patients' records hold."""
        return bool(self.tenant) or patients == 0 or patients >= SMALLEST_SHOWN


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A local code as it may be shown."""

    id: str
    tenant: str
    source: str
    kind: str
    system: str
    code: str
    display: str
    unit: str
    withheld: bool
    """The words are hidden, and nothing can be decided: too few patients' records hold it."""
    patients: str
    count: str
    blocked: str
    state: str
    target: str
    by: str
    at: str
    suggestion: Suggestion | None = None

    @property
    def words(self) -> str:
        """Return what it is called in a sentence."""
        return WITHHELD if self.withheld else self.display or self.code


@dataclass(frozen=True, slots=True)
class CodeQueue:
    """One page of the queue."""

    rows: tuple[CodeRow, ...]
    total: int
    sources: tuple[str, ...]
    """Feeds to choose from."""
    next: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a code's history."""

    at: str
    actor: str
    action: str
    number: int
    before: str
    after: str
    note: str


@dataclass(frozen=True, slots=True)
class CodePage:
    """One code in full."""

    row: CodeRow
    network: str
    suggestions: tuple[Suggestion, ...]
    history: tuple[Step, ...]
    can_undo: bool


async def read_queue(
    documents: DocumentStore, reviewer: Reviewer, state: str, source: str, after: str, size: int
) -> CodeQueue:
    """Return one page of codes in a state: open ones by patients blocked, decided ones by when, the newest first."""
    shelf = await read_shelf(documents, reviewer.tenant)
    seen = await read_seen(documents, reviewer.tenant)
    if state == "open":
        ordered = _ranked((doc for doc in seen if not source or doc.source == source), shelf)
    else:
        ordered = await _decided(documents, shelf, state, source)
    start = int(after) if after.isdecimal() and len(after) < 8 else 0  # noqa: PLR2004 - as many as there ever are
    rows = tuple(_row(doc, shelf, reviewer, suggest=state == "open") for doc in ordered[start : start + size])
    following = str(start + size) if start + size < len(ordered) else None
    sources = tuple(sorted({*(doc.source for doc in seen), *(table.source for table in shelf.docs)}))
    return CodeQueue(rows, len(ordered), sources, following)


async def read_code(documents: DocumentStore, reviewer: Reviewer, identity: str) -> CodePage | None:
    """Return one code in full, or None where there is none that this reviewer may look at."""
    shelf = await read_shelf(documents, reviewer.tenant)
    doc = await documents.get(LOCAL_CODES, identity) or shelf.brought(identity)
    if doc is None or not reviewer.owns(doc.tenant):
        return None
    row = _row(doc, shelf, reviewer, suggest=False)
    entry = shelf.entry(doc)
    found = () if row.withheld else tuple(suggest(_said(doc), await read_learned(documents, doc)))
    steps = await collect(documents, CODE_CHANGES, Query({"code": identity}, "-number", 500))
    history = () if row.withheld else tuple(_step(one) for one in steps)
    return CodePage(row, doc.network, found, history, bool(entry and entry.earlier))


def _ranked(docs: Iterable[LocalCodeDoc], shelf: Shelf) -> list[LocalCodeDoc]:
    """Return those of which nothing is decided, by patients blocked."""
    waiting = {doc.id: doc for doc in docs if (entry := shelf.entry(doc)) is None or entry.standing is None}
    counted = (Counted(doc.id, cast("Kind", doc.kind), doc.patients, doc.count) for doc in waiting.values())
    return [waiting[one.code.identity] for one in rank(counted, shelf.used)]


async def _decided(documents: DocumentStore, shelf: Shelf, state: str, source: str) -> list[LocalCodeDoc]:
    """Return the codes that were accepted, or rejected, those decided last first; whether or not anybody holds them still."""
    found = {
        identity: entry.standing
        for table in shelf.docs
        if not source or table.source == source
        for identity, entry in shelf.books[table.id].entries.items()
        if entry.standing and state_of(entry.standing) == state
    }
    seen = await documents.get_many(LOCAL_CODES, list(found))
    docs = [doc for name in found if (doc := seen.get(name) or shelf.brought(name)) is not None]
    return sorted(docs, key=lambda doc: (found[doc.id].at, doc.id), reverse=True)


async def withheld(documents: DocumentStore, reviewer: Reviewer, codes: Iterable[str]) -> set[str]:
    """Return those of the codes of which this reviewer may read neither words nor meaning."""
    seen = await documents.get_many(LOCAL_CODES, list(dict.fromkeys(codes)))
    return {name for name, doc in seen.items() if not reviewer.reads(doc.patients)}


def _row(doc: LocalCodeDoc, shelf: Shelf, reviewer: Reviewer, *, suggest: bool) -> CodeRow:
    entry = shelf.entry(doc)
    standing = entry.standing if entry else None
    code = _said(doc)
    hidden = not reviewer.reads(doc.patients)
    shown = code if not hidden else LocalCode(code.kind)
    counted = rank([Counted(doc.id, code.kind, doc.patients, doc.count)], shelf.used)
    blocked = counted[0].blocked if counted else 0
    return CodeRow(
        id=doc.id,
        tenant=doc.tenant,
        source=doc.source,
        kind=doc.kind,
        system=shown.system,
        code=shown.code,
        display=shown.display,
        unit=shown.unit,
        withheld=hidden,
        patients=_number(doc.patients, reviewer),
        count="" if hidden else str(doc.count),
        blocked=_number(blocked, reviewer),
        state=state_of(standing),
        target="" if hidden else told(standing),
        by=standing.by if standing else "",
        at=standing.at if standing else "",
        suggestion=_first(code) if suggest and not hidden else None,
    )


@lru_cache(maxsize=4096)
def _first(code: LocalCode) -> Suggestion | None:
    return next(iter(suggest(code)), None)


def _number(count: int, reviewer: Reviewer) -> str:
    return str(count) if reviewer.tenant else cell(count).label


def state_of(standing: Standing | None) -> str:
    """Return how a code stands, in a word of `STATES`."""
    return "open" if standing is None else "accepted" if standing.target else "rejected"


def told(standing: Standing | None) -> str:
    """Return what is decided of a code, for people; empty where nothing is."""
    if standing is None:
        return ""
    target = standing.target
    return f"{target.system} {target.code} {target.display}".strip() if target else "left as it is"


def _said(doc: LocalCodeDoc | CodeChangeDoc) -> LocalCode:
    return msgspec.json.decode(doc.said, type=LocalCode)


def _step(doc: CodeChangeDoc) -> Step:
    before, after = (msgspec.json.decode(raw, type=Standing | None) for raw in (doc.before, doc.after))
    return Step(doc.at, doc.actor, doc.action, doc.number, told(before), told(after), doc.note)
