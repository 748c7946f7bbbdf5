"""The API's sessions: sign in, look, sign out."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from services.portal.guard import Visiting, cookie_name, needs
from services.portal.ports import Ports
from services.portal.routes.answers import PROBLEMS, SignIn, answer
from services.portal.sessions import Sessions
from services.portal.signing_in import begin_session, check_origin, check_password
from trialbridge.access.scopes import GRANTS, Role, Scope
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import declare

router = APIRouter(prefix="/api/v1", tags=["session"], responses=PROBLEMS)


@router.post("/session", summary="Sign in with a password", status_code=201, **declare("public"))
async def sign_in(request: Request, asked: SignIn) -> Response:
    """Set the session's cookie and return its form token, which every change has to carry as `x-csrf-token`."""
    check_origin(request)
    session = await check_password(request, asked.tenant, Role(asked.role), asked.name, asked.password)
    made = JSONResponse({}, 201)
    doc = await begin_session(request, session, made)
    made.body = made.render({"actor": doc.actor, "tenant": doc.tenant, "role": doc.role, "csrf": doc.csrf})
    made.headers["content-length"] = str(len(made.body))
    return made


@router.get("/session", summary="Who am I, and what may I do?", **needs(Scope.SESSION_SELF))
async def session(visit: Visiting) -> Response:
    """Return the session with its scopes and form token."""
    own = visit.session
    scopes = sorted(GRANTS[own.role])
    return answer({"actor": own.actor, "tenant": own.tenant, "role": own.role, "scopes": scopes, "csrf": visit.csrf})


@router.delete("/session", summary="Sign out", status_code=204, **needs(Scope.SESSION_SELF))
async def sign_out(request: Request, visit: Visiting) -> Response:
    """End the session."""
    ports: Ports = request.app.state.ports
    sessions: Sessions = request.app.state.sessions
    await visit.record(Action.SIGN_OUT, visit.tenant)
    await sessions.close(request.cookies.get(cookie_name(ports), ""))
    gone = Response(status_code=204)
    gone.delete_cookie(cookie_name(ports), path="/", secure=ports.settings.secure_cookies, httponly=True)
    return gone
