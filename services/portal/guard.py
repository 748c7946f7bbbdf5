"""The guard before every route: a declared scope, a session that holds it, and a form token on all that changes something."""

import hmac
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from services.portal.ports import Ports
from services.portal.sessions import Sessions, who
from services.portal.visit import Visit
from trialbridge.access.scopes import Scope, may
from trialbridge.runtime.web import Problem, declare, request_id

SAFE: Final = frozenset({"GET", "HEAD"})
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"
COOKIE: Final = "trialbridge_session"
MOST_FIELDS: Final = 500
"""A trial may have hundreds of sites, each with a field."""
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def needs(scope: Scope, *, passive: bool = False) -> dict[str, Any]:
    """Return route options that declare the scope. ``passive`` routes are polled and do not keep a session alive."""
    options = declare(scope)
    options["openapi_extra"]["x-passive"] = passive
    return options


def cookie_name(ports: Ports) -> str:
    """Return the session cookie's name; over HTTPS browsers bind it to this very host (``__Host-``)."""
    return f"__Host-{COOKIE}" if ports.settings.secure_cookies else COOKIE


async def guard(request: Request) -> None:
    """Let the request pass, or raise `Problem`: 401 signed out, 403 no scope or no form token.

    A route that declares no scope is never answered.
    """
    declared = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    name = declared.get("x-scope")
    if name is None:
        raise Problem(500, "access.undeclared", "This address declares no scope, so it answers nobody.")
    if name == "public":
        return
    visit = await find_visit(request, active=not declared.get("x-passive"))
    if visit is None:
        raise Problem(401, "access.signed-out", "Sign in first; a session ends after a while without a click.")
    scope = Scope(name)
    if not may(visit.session, scope):
        raise await visit.refuse(scope)
    if request.method not in SAFE:
        await check_token(request, visit.csrf)
    request.state.visit = visit


async def find_visit(request: Request, *, active: bool) -> Visit | None:
    """Return the visit of a signed-in person, or None."""
    ports: Ports = request.app.state.ports
    sessions: Sessions = request.app.state.sessions
    token = request.cookies.get(cookie_name(ports))
    doc = await sessions.find(token, active=active) if token else None
    return Visit(who(doc), doc.csrf, request_id(request), ports.clock(), ports) if doc else None


async def check_token(request: Request, expected: str) -> None:
    """Raise `Problem` 403 unless the request carries the session's form token, in the form or in the header."""
    given = request.headers.get(CSRF_HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(FORMS):
        field = (await request.form(max_files=0, max_fields=MOST_FIELDS)).get(CSRF_FIELD, "")
        given = field if isinstance(field, str) else ""
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Problem(403, "access.form-token", "The form is too old or came from elsewhere. Load the page again.")


def visit_of(request: Request) -> Visit:
    """Return the visit that the guard let in."""
    visit: Visit = request.state.visit
    return visit


Visiting = Annotated[Visit, Depends(visit_of)]
