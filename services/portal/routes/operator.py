"""The operator: stages, tickets, dead letters."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.commands import ask_reissue, ask_replay
from services.portal.guard import Visiting, needs
from services.portal.pages import page
from services.portal.views.asked import recent
from services.portal.views.operation import Meter, read_operation
from services.portal.visit import Visit
from trialbridge.access.scopes import Scope

router = APIRouter(include_in_schema=False)
After = Annotated[str, Query(max_length=200)]
RECENT = 5


async def _show(request: Request, visit: Visit, template: str, after: str) -> Response:
    meter: Meter = request.app.state.meter
    size = visit.ports.settings.page_size
    found = await read_operation(visit.documents, meter, visit.now, after or None, size)
    commands = await recent(visit.documents, visit.tenant, RECENT)
    return page(request, visit, template, operation=found, commands=commands, after=after)


@router.get("/operation", **needs(Scope.OPERATION_READ))
async def operation(request: Request, visit: Visiting, after: After = "") -> Response:
    """Show how the machinery stands."""
    return await _show(request, visit, "operation.html", after)


@router.get("/operation/now", **needs(Scope.OPERATION_READ, passive=True))
async def operation_now(request: Request, visit: Visiting, after: After = "") -> Response:
    """Return the part that the page loads again from time to time."""
    return await _show(request, visit, "operation_now.html", after)


@router.post("/dead-letters/{identity}/replay", **needs(Scope.DEAD_LETTER_REPLAY))
async def replay(visit: Visiting, identity: str) -> Response:
    """Ask for a dead letter to be sent through again."""
    await ask_replay(visit, identity)
    return RedirectResponse("/operation", 303)


@router.post("/tickets/{identity}/replay", **needs(Scope.DEAD_LETTER_REPLAY))
async def reissue(visit: Visiting, identity: str) -> Response:
    """Ask for a ticket to be issued again."""
    await ask_reissue(visit, identity)
    return RedirectResponse("/operation", 303)
