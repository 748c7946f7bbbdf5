"""Signing in and out, and the way to each reader's first page."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.guard import Visiting, cookie_name, find_visit, needs
from services.portal.pages import HOME, bare
from services.portal.ports import Ports
from services.portal.sessions import Sessions
from services.portal.signing_in import begin_session, check_origin, check_password
from services.portal.users import Gatekeeper
from trialbridge.access.scopes import Role, Scope, Session
from trialbridge.contracts.ids import TenantId
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import Problem, declare

router = APIRouter(include_in_schema=False)


@router.get("/", **declare("public"))
async def home(request: Request) -> Response:
    """Send to the reader's first page, or to the sign-in page."""
    visit = await find_visit(request, active=True)
    return RedirectResponse(HOME[visit.session.role] if visit else "/sign-in", 303)


@router.get("/sign-in", **declare("public"))
async def show_sign_in(request: Request) -> Response:
    """Show the sign-in page."""
    return _sign_in_page(request)


def _sign_in_page(request: Request, problem: Problem | None = None) -> Response:
    ports: Ports = request.app.state.ports
    gatekeeper: Gatekeeper = request.app.state.gatekeeper
    demo = [
        (role, [(number, one) for number, one in enumerate(ports.settings.demo_sign_ins) if one.role is role])
        for role in Role
    ]
    answer = bare(
        "sign_in.html",
        problem.status if problem else 200,
        demo=[group for group in demo if group[1]],
        passwords=gatekeeper.open,
        message=problem.detail if problem else "",
    )
    answer.headers.update(problem.headers if problem else {})
    return answer


@router.post("/sign-in", **declare("public"))
async def sign_in(
    request: Request,
    tenant: Annotated[str, Form(max_length=80)],
    role: Annotated[Role, Form()],
    name: Annotated[str, Form(max_length=80)],
    password: Annotated[str, Form(max_length=400)],
) -> Response:
    """Check name and password."""
    check_origin(request)
    try:
        session = await check_password(request, tenant, role, name, password)
    except Problem as problem:
        return _sign_in_page(request, problem)
    return await _enter(request, session)


@router.post("/demo-sign-in", **declare("public"))
async def demo_sign_in(request: Request, number: Annotated[int, Form(ge=0, le=99)]) -> Response:
    """Sign in by one click, where the settings list such sign-ins."""
    check_origin(request)
    ports: Ports = request.app.state.ports
    offered = ports.settings.demo_sign_ins
    if number >= len(offered):
        raise Problem(404, "request.not-found", "There is no such sign-in.")
    chosen = offered[number]
    return await _enter(request, Session(chosen.actor, TenantId(chosen.tenant), chosen.role))


async def _enter(request: Request, session: Session) -> Response:
    answer = RedirectResponse(HOME[session.role], 303)
    await begin_session(request, session, answer)
    return answer


@router.post("/sign-out", **needs(Scope.SESSION_SELF))
async def sign_out(request: Request, visit: Visiting) -> Response:
    """End the session."""
    ports: Ports = request.app.state.ports
    sessions: Sessions = request.app.state.sessions
    await visit.record(Action.SIGN_OUT, visit.tenant)
    await sessions.close(request.cookies.get(cookie_name(ports), ""))
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(cookie_name(ports), path="/", secure=ports.settings.secure_cookies, httponly=True)
    answer.headers["clear-site-data"] = '"cookies", "storage"'
    return answer
