"""The operator: what authorities say of trials."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.guard import Visiting, needs
from services.portal.operating import ask_regulatory
from services.portal.pages import absent, page
from services.portal.views.asked import read_asked
from services.portal.views.authorities import read_standing, read_standings
from services.portal.visit import Visit
from trialbridge.access.scopes import Scope
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.statements import Said

router = APIRouter(include_in_schema=False)
Short = Annotated[str, Query(max_length=200)]
Word = Annotated[str, Form(max_length=20)]
Line = Annotated[str, Form(max_length=300)]
SITE = "site:"
"""What begins the name of a site's field in the form."""
CHOICES = {"yes": True, "no": False}


@router.get("/authorities", **needs(Scope.REGULATORY_SET))
async def authorities(request: Request, visit: Visiting, after: Short = "") -> Response:
    """Show all trials with what is in force."""
    rows, following = await read_standings(visit.documents, after or None, visit.ports.settings.page_size)
    return page(request, visit, "authorities.html", rows=rows, next=following)


async def _show(request: Request, visit: Visit, identity: str, asked: str, problem: Refused | None = None) -> Response:
    answer = await read_asked(visit.documents, visit.tenant, asked)
    found = absent(await read_standing(visit.documents, identity))
    return page(request, visit, "authority.html", one=found, asked=answer, problem=problem)


@router.get("/authorities/{identity}", **needs(Scope.REGULATORY_SET))
async def authority(request: Request, visit: Visiting, identity: str, asked: Short = "") -> Response:
    """Show one trial with the form for the next statement."""
    return await _show(request, visit, identity, asked)


@router.post("/authorities/{identity}", **needs(Scope.REGULATORY_SET))
async def state(
    request: Request, visit: Visiting, identity: str, approved: Word, hold: Word, authority: Line, reason: Line = ""
) -> Response:
    """Record a statement; what does not hold together comes back with the reason."""
    form = await request.form()
    sites = {
        name.removeprefix(SITE): value
        for name, value in form.items()
        if name.startswith(SITE) and isinstance(value, str) and value
    }
    said = Said(authority, CHOICES.get(approved), CHOICES.get(hold), reason, sites)
    try:
        command = await ask_regulatory(visit, identity, said)
    except Refused as error:
        answer = await _show(request, visit, identity, "", error)
        answer.status_code = 422
        return answer
    return RedirectResponse(f"/authorities/{identity}?asked={command.id}", 303)
