"""The practice: worklist, match, inbox."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.commands import ask_review
from services.portal.guard import Visiting, needs
from services.portal.marks import require_match, set_mark, undo_mark
from services.portal.pages import absent, is_part, page
from services.portal.views.asked import read_asked, unanswered_review
from services.portal.views.inbox import read_inbox, unread_count
from services.portal.views.match import MatchPage, read_match
from services.portal.views.worklist import SORTS, Filters, Worklist, read_rows, read_worklist
from services.portal.visit import Visit
from trialbridge.access.scopes import Scope
from trialbridge.contracts.documents import NOTIFICATIONS
from trialbridge.ledger.actions import Action

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=200)]
Back = Annotated[str, Form(max_length=400)]


async def audited_worklist(visit: Visit, filters: Filters, after: str | None) -> Worklist:
    """Return one page of the worklist, recorded before it is shown."""
    found = await read_worklist(visit.documents, visit.tenant, filters, after or None, visit.ports.settings.page_size)
    await visit.record(Action.PATIENT_LISTED, *(row.person.id for row in found.rows))
    return found


async def audited_match(visit: Visit, identity: str) -> MatchPage:
    """Return one match in full, recorded before it is shown; raise `Problem` 404 where it is not the practice's."""
    found: MatchPage = absent(await read_match(visit.documents, visit.tenant, identity))
    await visit.record(Action.MATCH_READ, identity)
    await visit.record(Action.PATIENT_READ, found.person.id)
    return found


@router.get("/worklist", **needs(Scope.WORKLIST_READ))
async def worklist(
    request: Request,
    visit: Visiting,
    status: Text = "",
    trial: Text = "",
    mark: Text = "",
    sort: Text = "",
    after: Text = "",
) -> Response:
    """Show the practice's own matches."""
    found = await audited_worklist(visit, Filters(status, trial, mark, sort), after)
    unread = await unread_count(visit.documents, visit.tenant)
    return page(request, visit, "worklist.html", list=found, unread=unread, after=after, sorts=SORTS)


@router.get("/matches/{identity}", **needs(Scope.MATCH_READ))
async def match(request: Request, visit: Visiting, identity: str, asked: Text = "") -> Response:
    """Show one match in full."""
    waiting = await unanswered_review(visit.documents, visit.tenant, identity)
    answer = waiting or await read_asked(visit.documents, visit.tenant, asked)
    found = await audited_match(visit, identity)
    return page(request, visit, "match.html", match=found, asked=answer)


@router.post("/matches/{identity}/mark", **needs(Scope.WORKLIST_MARK))
async def post_mark(
    request: Request,
    visit: Visiting,
    identity: str,
    mark: Annotated[str, Form(max_length=20)],
    back: Back = "/worklist",
) -> Response:
    """Mark a match."""
    await set_mark(visit, identity, mark)
    return await _marked(request, visit, identity, back)


@router.post("/matches/{identity}/undo", **needs(Scope.WORKLIST_MARK))
async def post_undo(request: Request, visit: Visiting, identity: str, back: Back = "/worklist") -> Response:
    """Undo the last mark."""
    await undo_mark(visit, identity)
    return await _marked(request, visit, identity, back)


async def _marked(request: Request, visit: Visit, identity: str, back: str) -> Response:
    """Return the mark's form alone where a part is asked for, else the page that the person came from."""
    if not is_part(request):
        return RedirectResponse(_inside(back), 303)
    found = await require_match(visit, identity)
    [row] = await read_rows(visit.documents, visit.tenant, [found])
    await visit.record(Action.PATIENT_LISTED, row.person.id)
    return page(request, visit, "part_mark.html", row=row, back=_inside(back), told=True)


def _inside(path: str) -> str:
    """Return the path if it leads to a page of ours."""
    plain = path.startswith(("/worklist", "/matches/", "/inbox")) and "//" not in path and "\\" not in path
    return path if plain else "/worklist"


@router.post("/matches/{identity}/review", **needs(Scope.MATCH_REVIEW))
async def post_review(
    visit: Visiting,
    identity: str,
    decision: Annotated[str, Form(max_length=10)],
    digest: Annotated[str, Form(max_length=64)],
    note: Annotated[str, Form(max_length=2_000)] = "",
) -> Response:
    """Approve or decline a match, on the very explanation that the person saw."""
    command = await ask_review(visit, identity, decision, digest, note)
    return RedirectResponse(f"/matches/{identity}?asked={command.id}", 303)


@router.get("/inbox", **needs(Scope.INBOX_READ))
async def inbox(request: Request, visit: Visiting, after: Text = "") -> Response:
    """Show what was approved and withdrawn."""
    found = await read_inbox(visit.documents, visit.tenant, after or None, visit.ports.settings.page_size)
    await visit.record(Action.PATIENT_LISTED, *(one.person.id for one in found.messages))
    return page(request, visit, "inbox.html", inbox=found)


async def mark_read(visit: Visit, identity: str) -> None:
    """Note that the practice has read a message; raise `Problem` 404 where it has no such message."""
    found = await visit.documents.get(NOTIFICATIONS, identity)
    if found is None or found.tenant != visit.tenant:
        absent(None)
    elif not found.read:
        await visit.record(Action.NOTIFICATION_MARKED, identity)
        read = msgspec.structs.replace(found, read=True, version=found.version + 1)
        await visit.documents.replace(NOTIFICATIONS, read, found.version)


@router.post("/inbox/{identity}/read", **needs(Scope.INBOX_MARK))
async def post_read(visit: Visiting, identity: str) -> Response:
    """Mark a message as read."""
    await mark_read(visit, identity)
    return RedirectResponse("/inbox", 303)
