"""Renders pages: one template environment, one way to build a page, one way to show a problem."""

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.portal.charts import bars
from services.portal.times import ago, shown
from services.portal.visit import Visit
from services.portal.words import COST, MARK, OPEN_STATUSES, ROLE, STATUS, word
from trialbridge.access.scopes import Role
from trialbridge.runtime.web import Problem, as_json, product_version, request_id

HOME: Final = {Role.PRACTICE: "/worklist", Role.LAB: "/trials", Role.AUDITOR: "/history", Role.OPERATOR: "/operation"}
NAV: Final = {
    Role.PRACTICE: (("/worklist", "Worklist"), ("/inbox", "Inbox"), ("/codes", "Local codes")),
    Role.LAB: (("/trials", "Trials"), ("/trials/new", "Register a trial")),
    Role.AUDITOR: (("/history", "Histories"), ("/audit", "Audit trail")),
    Role.OPERATOR: (
        ("/operation", "Operation"),
        ("/coverage", "Coverage"),
        ("/codes", "Local codes"),
        ("/authorities", "Authorities"),
    ),
}
WHERE: Final = {"/matches": "/worklist", "/dead-letters": "/operation"}
"""Under which entry of the navigation a page without one of its own stands."""
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


ENVIRONMENT.globals.update(
    word=word,
    query=query,
    bars=bars,
    MARKS=MARK,
    STATUSES=STATUS,
    OPEN=OPEN_STATUSES,
    ROLES=ROLE,
    COSTS=COST,
    VERSION=product_version(),
)


def page(request: Request, visit: Visit, template: str, **context: Any) -> HTMLResponse:
    """Return a page, or a part of one, for a signed-in person."""
    text = ENVIRONMENT.get_template(template).render(
        visit=visit,
        csrf=visit.csrf,
        nav=NAV[visit.session.role],
        here=_entry(request.url.path, [path for path, _ in NAV[visit.session.role]]),
        when=lambda value: shown(value, visit.zone),
        ago=lambda value: ago(value, visit.now),
        refresh=visit.ports.settings.refresh_seconds,
        **context,
    )
    return HTMLResponse(text)


def _entry(path: str, entries: list[str]) -> str:
    """Return the entry of the navigation that a page belongs to: the longest that its path begins with."""
    for prefix, entry in WHERE.items():
        path = entry if path.startswith(f"{prefix}/") else path
    return max((one for one in entries if path == one or path.startswith(f"{one}/")), key=len, default="")


def bare(template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """Return a page for whoever asks."""
    return HTMLResponse(ENVIRONMENT.get_template(template).render(**context), status)


def is_part(request: Request) -> bool:
    """Return whether a part of a page is asked for, to be put in place by HTMX."""
    return request.headers.get("hx-request") == "true"


def wants_html(request: Request) -> bool:
    """Return whether the answer is for a browser."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def render_problem(request: Request, problem: Problem) -> Response:
    """Return a problem as a page in a browser, else as RFC 9457 says; signed-out people are sent to the sign-in page."""
    signed_out = problem.code == "access.signed-out"
    if signed_out and is_part(request):
        # HTMX follows this header: the whole page goes, not the part alone.
        return Response(status_code=problem.status, headers={"hx-redirect": "/sign-in"})
    if is_part(request):
        answer = bare("part_problem.html", problem.status, problem=problem, trace=request_id(request))
    elif not wants_html(request):
        return as_json(request, problem)
    elif signed_out and request.method == "GET":
        return RedirectResponse("/sign-in", 303)
    else:
        answer = bare("problem.html", problem.status, problem=problem, trace=request_id(request))
    answer.headers.update(problem.headers)
    return answer


def absent(value: Any) -> Any:
    """Return the value, or raise the 404 that tells nothing about what exists."""
    if value is None:
        raise Problem(404, "request.not-found", "There is nothing here, or nothing that you may see.")
    return value
