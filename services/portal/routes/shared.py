"""What several kinds of readers use: what became of a request, and what a problem's code means."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.portal.guard import Visiting, needs
from services.portal.pages import absent, bare, page
from services.portal.problems import about
from services.portal.views.asked import Asked, read_asked
from trialbridge.access.scopes import Scope
from trialbridge.runtime.web import declare

router = APIRouter(include_in_schema=False)


@router.get("/commands/{identity}", **needs(Scope.COMMAND_READ, passive=True))
async def command(request: Request, visit: Visiting, identity: str) -> Response:
    """Return the note about a request; once it is answered the page around it is loaded again."""
    found: Asked = absent(await read_asked(visit.documents, visit.tenant, identity))
    answer = page(request, visit, "part_asked.html", asked=found)
    if not found.waits:
        answer.headers["hx-refresh"] = "true"
    return answer


@router.get("/problems/{code}", **declare("public"))
async def problem(code: str) -> Response:
    """Say what a problem's code means and what to do about it."""
    return bare("about_problem.html", help=absent(about(code)))
