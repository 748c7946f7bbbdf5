"""The practice: worklist, match, inbox."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.commands import ask
from services.portal.guard import Visiting, needs
from services.portal.pages import absent, page
from services.portal.views.inbox import read_inbox, unread_count
from services.portal.views.match import own_match, read_match
from services.portal.views.worklist import Filters, Worklist, mark_id, read_worklist
from services.portal.visit import Visit
from services.portal.words import MARK
from trialbridge.access.scopes import Scope
from trialbridge.contracts.documents import NOTIFICATIONS, WORKLIST_MARKS, MatchDoc, WorklistMarkDoc
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import Problem

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=200)]
Id = Annotated[str, Query(max_length=80)]


async def audited_worklist(visit: Visit, filters: Filters, after: str | None) -> Worklist:
    """Return one page of the worklist, recorded before it is shown."""
    found = await read_worklist(visit.documents, visit.tenant, filters, after or None, visit.ports.settings.page_size)
    await visit.record(Action.PATIENT_LISTED, *(row.person.id for row in found.rows))
    return found


@router.get("/worklist", **needs(Scope.WORKLIST_READ))
async def worklist(
    request: Request, visit: Visiting, status: Text = "", trial: Text = "", mark: Text = "", after: Text = ""
) -> Response:
    """Show the practice's own matches."""
    found = await audited_worklist(visit, Filters(status, trial, mark), after)
    unread = await unread_count(visit.documents, visit.tenant)
    return page(request, visit, "worklist.html", list=found, unread=unread, after=after)


@router.get("/matches/{id}", **needs(Scope.MATCH_READ))
async def match(request: Request, visit: Visiting, id: str) -> Response:
    """Show one match in full."""
    found = absent(await read_match(visit.documents, visit.tenant, id))
    await visit.record(Action.MATCH_READ, id)
    await visit.record(Action.PATIENT_READ, found.person.id)
    return page(request, visit, "match.html", match=found)


async def _own(visit: Visit, id: str) -> MatchDoc:
    found = absent(await own_match(visit.documents, visit.tenant, id))
    return msgspec.convert(found, MatchDoc) if not isinstance(found, MatchDoc) else found


async def mark_match(visit: Visit, id: str, mark: str) -> WorklistMarkDoc:
    """Set the practice's mark on a match; the one before is kept for undo."""
    if mark not in MARK:
        raise Problem(422, "mark.unknown", f"A mark is one of {', '.join(MARK)}.")
    await _own(visit, id)
    known = await visit.documents.get(WORKLIST_MARKS, mark_id(id, visit.tenant))
    before = known.mark if known else "new"
    return await _write(visit, id, mark, before, known.version if known else 0)


async def undo_mark(visit: Visit, id: str) -> WorklistMarkDoc:
    """Go back to the mark before; once."""
    await _own(visit, id)
    known = await visit.documents.get(WORKLIST_MARKS, mark_id(id, visit.tenant))
    if known is None or not known.previous:
        raise Problem(409, "mark.nothing-to-undo", "There is no earlier mark to go back to.")
    return await _write(visit, id, known.previous, "", known.version)


async def _write(visit: Visit, id: str, mark: str, previous: str, version: int) -> WorklistMarkDoc:
    doc = WorklistMarkDoc(
        id=mark_id(id, visit.tenant),
        version=version + 1,
        tenant=visit.tenant,
        match=id,
        mark=mark,  # type: ignore[arg-type]  # checked against the closed list
        previous=previous,
        by=visit.session.actor,
        at=visit.at,
    )
    await visit.record(Action.MATCH_MARKED, id, reason=mark)
    if not await visit.documents.replace(WORKLIST_MARKS, doc, version):
        raise Problem(409, "mark.changed-meanwhile", "Somebody else marked this match just now. Load the page again.")
    return doc


@router.post("/matches/{id}/mark", **needs(Scope.WORKLIST_MARK))
async def post_mark(
    visit: Visiting,
    id: str,
    mark: Annotated[str, Form(max_length=20)],
    back: Annotated[str, Form(max_length=300)] = "/worklist",
) -> Response:
    """Mark a match."""
    await mark_match(visit, id, mark)
    return RedirectResponse(_inside(back), 303)


@router.post("/matches/{id}/undo", **needs(Scope.WORKLIST_MARK))
async def post_undo(visit: Visiting, id: str, back: Annotated[str, Form(max_length=300)] = "/worklist") -> Response:
    """Undo the last mark."""
    await undo_mark(visit, id)
    return RedirectResponse(_inside(back), 303)


def _inside(path: str) -> str:
    """Return the path if it leads to a page of ours."""
    return path if path.startswith(("/worklist", "/matches/", "/inbox")) and "//" not in path else "/worklist"


@router.post("/matches/{id}/review", **needs(Scope.MATCH_REVIEW))
async def post_review(
    visit: Visiting,
    id: str,
    decision: Annotated[str, Form(max_length=10)],
    digest: Annotated[str, Form(max_length=64)],
    note: Annotated[str, Form(max_length=2_000)] = "",
) -> Response:
    """Approve or decline a match, on the very explanation that the person saw."""
    if decision not in ("approve", "decline", "reopen"):
        raise Problem(422, "review.unknown", "A review is approve, decline or reopen.")
    found = await _own(visit, id)
    if found.explanation_digest != digest:
        raise Problem(409, "review.outdated", "The match changed since you opened it. Look at it again.")
    await visit.record(Action.MATCH_REVIEWED, id, reason=decision)
    body = {"match": id, "decision": decision, "explanation_digest": digest, "note": note}
    await ask(
        visit,
        "matchbook",
        "review_match",
        body,
        once=f"{id}/{digest}/{decision}/{visit.request}",
        network=found.network,
    )
    return RedirectResponse(f"/matches/{id}", 303)


@router.get("/inbox", **needs(Scope.INBOX_READ))
async def inbox(request: Request, visit: Visiting, after: Text = "") -> Response:
    """Show what was approved and withdrawn."""
    found = await read_inbox(visit.documents, visit.tenant, after or None, visit.ports.settings.page_size)
    await visit.record(Action.PATIENT_LISTED, *(one.person.id for one in found.messages))
    return page(request, visit, "inbox.html", inbox=found)


@router.post("/inbox/{id}/read", **needs(Scope.INBOX_MARK))
async def post_read(visit: Visiting, id: str) -> Response:
    """Mark a message as read."""
    found = await visit.documents.get(NOTIFICATIONS, id)
    if found is None or found.tenant != visit.tenant:
        absent(None)
    elif not found.read:
        await visit.record(Action.NOTIFICATION_MARKED, id)
        read = msgspec.structs.replace(found, read=True, version=found.version + 1)
        await visit.documents.replace(NOTIFICATIONS, read, found.version)
    return RedirectResponse("/inbox", 303)
