"""The operator: stages, tickets, dead letters."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.guard import Visiting, needs
from services.portal.operating import ask_discard, ask_enable, ask_redeliver, ask_reissue, ask_replay
from services.portal.pages import absent, page
from services.portal.views.asked import read_asked, recent
from services.portal.views.letters import read_letter
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


@router.get("/dead-letters/{identity}", **needs(Scope.OPERATION_READ))
async def letter(request: Request, visit: Visiting, identity: str, asked: After = "") -> Response:
    """Show one dead letter, and what can be done about it."""
    answer = await read_asked(visit.documents, visit.tenant, asked)
    found = absent(await read_letter(visit.documents, identity))
    return page(request, visit, "letter.html", letter=found, asked=answer)


@router.post("/dead-letters/{identity}/discard", **needs(Scope.DEAD_LETTER_DISCARD))
async def discard(visit: Visiting, identity: str, reason: Annotated[str, Form(max_length=300)]) -> Response:
    """Ask for a dead letter to be closed for good."""
    command = await ask_discard(visit, identity, reason)
    return RedirectResponse(f"/dead-letters/{identity}?asked={command.id}", 303)


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


@router.post("/deliveries/{identity}/redeliver", **needs(Scope.DELIVERY_REDELIVER))
async def redeliver(visit: Visiting, identity: str) -> Response:
    """Ask for a webhook to be sent again."""
    await ask_redeliver(visit, identity)
    return RedirectResponse("/operation", 303)


@router.post("/endpoints/{identity}/enable", **needs(Scope.DELIVERY_REDELIVER))
async def enable(visit: Visiting, identity: str) -> Response:
    """Ask for an endpoint to be called again."""
    await ask_enable(visit, identity)
    return RedirectResponse("/operation", 303)
