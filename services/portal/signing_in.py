"""Signing in, by a page or by the API: where the request comes from, the password, the session and its cookie."""

from fastapi import Request
from fastapi.responses import Response

from services.portal.guard import cookie_name
from services.portal.ports import Ports
from services.portal.sessions import Sessions
from services.portal.times import stamp
from services.portal.users import PAUSE, Gatekeeper
from services.portal.visit import audit_event
from trialbridge.access.scopes import Role, Session
from trialbridge.contracts.documents import SessionDoc
from trialbridge.contracts.ids import TenantId
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import Problem, request_id


def check_origin(request: Request) -> None:
    """Refuse a sign-in that another site sends; raise `Problem` 403.

    Browsers say of every form whether it comes from the same site (Sec-Fetch-Site). Over plain HTTP only Origin says it, which
    our own pages send as ``null`` because they give no referrer.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin", "null")
    foreign = origin != "null" and origin.split("://", 1)[-1] != request.headers.get("host", "")
    if site not in (None, "same-origin", "none") or foreign:
        raise Problem(403, "access.other-origin", "The form came from another site.")


async def check_password(request: Request, tenant: str, role: Role, name: str, password: str) -> Session:
    """Return who signs in; raise `Problem` 403 (wrong) or 429 (too often), both recorded."""
    ports: Ports = request.app.state.ports
    gatekeeper: Gatekeeper = request.app.state.gatekeeper
    address = request.client.host if request.client else ""
    now = ports.clock()
    session = None
    if not gatekeeper.waits(tenant, role, name, address, now):
        session = await gatekeeper.check(tenant, role, name, password, address, now)
        if session is not None:
            return session
    await _record(request, Session("unknown", TenantId("unknown"), role), Action.SIGN_IN_REFUSED)
    if gatekeeper.waits(tenant, role, name, address, now):
        wait = {"retry-after": str(int(PAUSE.total_seconds()))}
        raise Problem(429, "access.too-many", "Too many attempts. Wait a minute, then try again.", wait)
    raise Problem(403, "access.refused", "That is not a name and password that we know for this organisation and role.")


async def begin_session(request: Request, session: Session, answer: Response) -> SessionDoc:
    """Open a session, record it, and set its cookie on the answer."""
    ports: Ports = request.app.state.ports
    sessions: Sessions = request.app.state.sessions
    await _record(request, session, Action.SIGN_IN)
    token, doc = await sessions.open(session)
    answer.set_cookie(
        cookie_name(ports), token, httponly=True, secure=ports.settings.secure_cookies, samesite="strict", path="/"
    )
    return doc


async def _record(request: Request, session: Session, action: Action) -> None:
    ports: Ports = request.app.state.ports
    outcome = "denied" if action is Action.SIGN_IN_REFUSED else "success"
    at = stamp(ports.clock())
    await ports.auditor.record(audit_event(session, action, session.tenant, at, request_id(request), outcome=outcome))  # type: ignore[arg-type]  # one of the three words
