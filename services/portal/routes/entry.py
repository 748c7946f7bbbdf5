"""Signing in and out, and the way to each reader's first page."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.guard import Visiting, cookie_name, find_visit, needs
from services.portal.pages import HOME, bare
from services.portal.ports import Ports
from services.portal.sessions import Sessions
from services.portal.times import stamp
from services.portal.users import Gatekeeper
from services.portal.visit import audit_event
from trialbridge.access.scopes import Role, Scope, Session
from trialbridge.contracts.ids import TenantId
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import Problem, declare, request_id

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


def _sign_in_page(request: Request, status: int = 200, message: str = "") -> Response:
    ports: Ports = request.app.state.ports
    gatekeeper: Gatekeeper = request.app.state.gatekeeper
    return bare(
        "sign_in.html", status, demo=ports.settings.demo_sign_ins, passwords=gatekeeper.open, roles=tuple(Role), message=message
    )  # fmt: skip


def _same_origin(request: Request) -> None:
    """Refuse a sign-in that another site sends: browsers name the origin of every form."""
    origin = request.headers.get("origin")
    if origin is not None and origin != "null" and origin.split("://", 1)[-1] != request.headers.get("host", ""):
        raise Problem(403, "access.other-origin", "The form came from another site.")


@router.post("/sign-in", **declare("public"))
async def sign_in(
    request: Request,
    tenant: Annotated[str, Form(max_length=80)],
    role: Annotated[Role, Form()],
    name: Annotated[str, Form(max_length=80)],
    password: Annotated[str, Form(max_length=400)],
) -> Response:
    """Check name and password."""
    _same_origin(request)
    ports: Ports = request.app.state.ports
    gatekeeper: Gatekeeper = request.app.state.gatekeeper
    if gatekeeper.waits(tenant, role, name, ports.clock()):
        return _sign_in_page(request, 429, "Too many attempts. Wait a minute, then try again.")
    session = await asyncio.to_thread(gatekeeper.check, tenant, role, name, password, ports.clock())
    if session is None:
        await _record(request, Session(name, TenantId(tenant), role), Action.SIGN_IN_REFUSED)
        return _sign_in_page(
            request, 403, "That is not a name and password that we know for this organisation and role."
        )
    return await _begin(request, session)


@router.post("/demo-sign-in", **declare("public"))
async def demo_sign_in(request: Request, number: Annotated[int, Form(ge=0, le=99)]) -> Response:
    """Sign in by one click, where the settings list such sign-ins."""
    _same_origin(request)
    ports: Ports = request.app.state.ports
    offered = ports.settings.demo_sign_ins
    if number >= len(offered):
        raise Problem(404, "request.not-found", "There is no such sign-in.")
    chosen = offered[number]
    return await _begin(request, Session(chosen.actor, TenantId(chosen.tenant), chosen.role))


async def _record(request: Request, session: Session, action: Action) -> None:
    ports: Ports = request.app.state.ports
    at = stamp(ports.clock())
    await ports.auditor.record(audit_event(session, action, session.tenant, at, request_id(request)))


async def _begin(request: Request, session: Session) -> Response:
    ports: Ports = request.app.state.ports
    sessions: Sessions = request.app.state.sessions
    await _record(request, session, Action.SIGN_IN)
    token = await sessions.open(session)
    answer = RedirectResponse(HOME[session.role], 303)
    secure = ports.settings.secure_cookies
    answer.set_cookie(cookie_name(ports), token, httponly=True, secure=secure, samesite="strict", path="/")
    return answer


@router.post("/sign-out", **needs(Scope.SESSION_SELF))
async def sign_out(request: Request, visit: Visiting) -> Response:
    """End the session here and everywhere."""
    ports: Ports = request.app.state.ports
    sessions: Sessions = request.app.state.sessions
    await visit.record(Action.SIGN_OUT, visit.tenant)
    await sessions.close(request.cookies.get(cookie_name(ports), ""))
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(cookie_name(ports), path="/")
    answer.headers["clear-site-data"] = '"cookies", "storage"'
    return answer
