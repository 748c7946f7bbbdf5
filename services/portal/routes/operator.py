"""The operator: stages, tickets, dead letters."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.commands import ask
from services.portal.guard import Visiting, needs
from services.portal.pages import absent, page
from services.portal.views.operation import read_operation
from trialbridge.access.scopes import Scope
from trialbridge.contracts.documents import DEAD_LETTERS
from trialbridge.ledger.actions import Action

router = APIRouter(include_in_schema=False)
After = Annotated[str, Query(max_length=200)]


@router.get("/operation", **needs(Scope.OPERATION_READ))
async def operation(request: Request, visit: Visiting, after: After = "") -> Response:
    """Show how the machinery stands."""
    found = await read_operation(visit.documents, after or None, visit.ports.settings.page_size)
    return page(request, visit, "operation.html", operation=found)


@router.get("/operation/now", **needs(Scope.OPERATION_READ, passive=True))
async def operation_now(request: Request, visit: Visiting) -> Response:
    """Return the part that the page loads again from time to time."""
    found = await read_operation(visit.documents, None, visit.ports.settings.page_size)
    return page(request, visit, "operation_now.html", operation=found)


@router.post("/dead-letters/{id}/replay", **needs(Scope.DEAD_LETTER_REPLAY))
async def replay(visit: Visiting, id: str) -> Response:
    """Ask for a dead letter to be sent through again."""
    absent(await visit.documents.get(DEAD_LETTERS, id))
    await visit.record(Action.DEAD_LETTER_REPLAYED, id)
    await ask(visit, "coatcheck", "replay", {"dead_letter": id})
    return RedirectResponse("/operation", 303)
