"""Renders pages: one template environment, one way to build a page, one way to show a problem."""

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.portal.times import ago, shown
from services.portal.visit import Visit
from services.portal.words import MARK, OPEN_STATUSES, RECOVERABLE, ROLE, word
from trialbridge.access.scopes import Role
from trialbridge.runtime.web import Problem, as_json

HOME: Final = {Role.PRACTICE: "/worklist", Role.LAB: "/trials", Role.AUDITOR: "/history", Role.OPERATOR: "/operation"}
NAV: Final = {
    Role.PRACTICE: (("/worklist", "Worklist"), ("/inbox", "Inbox")),
    Role.LAB: (("/trials", "Trials"), ("/trials/new", "Register a trial")),
    Role.AUDITOR: (("/history", "Histories"), ("/audit", "Audit trail")),
    Role.OPERATOR: (("/operation", "Operation"),),
}
ENVIRONMENT: Final = Environment(
    loader=PackageLoader("services.portal", "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def query(**values: str | None) -> str:
    """Return a query string of the values that are not empty."""
    given = {name: value for name, value in values.items() if value}
    return f"?{urlencode(given)}" if given else "?"


ENVIRONMENT.globals.update(word=word, query=query, MARKS=MARK, OPEN=OPEN_STATUSES, RECOVERABLE=RECOVERABLE, ROLES=ROLE)


def page(request: Request, visit: Visit, template: str, **context: Any) -> HTMLResponse:
    """Return a page for a signed-in person."""
    text = ENVIRONMENT.get_template(template).render(
        visit=visit,
        nav=NAV[visit.session.role],
        here=request.url.path,
        when=lambda value: shown(value, visit.zone),
        ago=lambda value: ago(value, visit.now),
        refresh=visit.ports.settings.refresh_seconds,
        **context,
    )
    return HTMLResponse(text)


def bare(template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """Return a page for whoever asks."""
    return HTMLResponse(ENVIRONMENT.get_template(template).render(**context), status)


def wants_html(request: Request) -> bool:
    """Return whether the answer is for a browser."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def render_problem(request: Request, problem: Problem) -> Response:
    """Return a problem as a page in a browser, else as RFC 9457 says; signed-out people are sent to the sign-in page."""
    if not wants_html(request):
        return as_json(request, problem)
    if problem.status == 401 and request.method == "GET":  # noqa: PLR2004 - signed out
        return RedirectResponse("/sign-in", 303)
    return bare("problem.html", problem.status, problem=problem)


def absent(value: Any) -> Any:
    """Return the value, or raise the 404 that tells nothing about what exists."""
    if value is None:
        raise Problem(404, "request.not-found", "There is nothing here, or nothing that you may see.")
    return value
