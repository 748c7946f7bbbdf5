"""The base of every web door: problem details (RFC 9457), security headers, request ids, /livez /readyz /version.

A service adds its routes to what `create_base` returns. Nothing that is answered here quotes what was sent.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trialbridge.contracts.errors import Misconfigured, Poison, Retryable, TrialbridgeError
from trialbridge.runtime.telemetry.metrics import REQUESTS

PROBLEM: Final = "application/problem+json"
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
REQUEST_ID: Final = "x-request-id"
RETRY_AFTER: Final = 5
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.IGNORECASE)
"""What a parameter of ours may be called; anything else in a location came from the sender and is not repeated."""


class Problem(Exception):
    """An answer that is not a success: status, stable code, one safe sentence."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """Keep what the answer says; ``detail`` never quotes the request."""
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})


Render = Callable[[Request, Problem], Response]
Ping = Callable[[], Awaitable[None]]


def request_id(request: Request) -> str:
    """Return the id of this request, as the answer's ``x-request-id`` repeats it."""
    return str(request.scope.get("trialbridge.request", ""))


def as_json(request: Request, problem: Problem) -> Response:
    """Return the problem as RFC 9457 says, with our ``code`` and the request's id."""
    body = {
        "type": f"/problems/{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "trace_id": request_id(request),
    }
    return JSONResponse(body, problem.status, problem.headers, PROBLEM)


def of_error(error: TrialbridgeError) -> Problem:
    """Return how an expected error is answered: away is 503, the sender's fault 422, ours 500."""
    if isinstance(error, Retryable):
        return Problem(503, error.code, error.message, {"retry-after": str(RETRY_AFTER)})
    if isinstance(error, Poison):
        return Problem(422, error.code, error.message)
    return Problem(500, error.code, "Something is set up wrongly here. The operator's log says what.")


def create_base(name: str, *, ping: Ping, title: str, render: Render = as_json, **options: Any) -> FastAPI:
    """Return an app with error answers, headers and the three health routes.

    Args:
        name: The service, for metrics and /version.
        ping: Returns when what the service needs answers; raises `TrialbridgeError` otherwise.
        title: Of the OpenAPI document.
        render: How problems look; JSON by default.
        options: Passed on to FastAPI.
    """
    app = FastAPI(title=title, version=product_version(), docs_url=None, redoc_url=None, **options)
    _answer_errors(app, render)
    app.add_middleware(Envelope, service=name)
    _add_health(app, name, ping)
    return app


def declare(scope: str) -> dict[str, Any]:
    """Return the route options that declare its scope; ``public`` needs no session. A route without one is a mistake."""
    security = [] if scope == "public" else [{"session": [scope]}]
    return {"openapi_extra": {"x-scope": scope, "security": security}}


def product_version() -> str:
    """Return the installed version, or ``0`` where the product runs from a bare tree."""
    try:
        return version("trialbridge")
    except PackageNotFoundError:
        return "0"


def _answer_errors(app: FastAPI, render: Render) -> None:
    async def on_problem(request: Request, error: Exception) -> Response:
        return render(request, error if isinstance(error, Problem) else UNEXPECTED)

    async def on_unexpected(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- its text may quote data
        answer = render(request, UNEXPECTED)
        # This one answer is made outside of the envelope.
        answer.headers.update(_headers_for(request_id(request)))
        return answer

    async def on_expected(request: Request, error: Exception) -> Response:
        return render(request, of_error(error if isinstance(error, TrialbridgeError) else Misconfigured("web", "")))

    async def on_invalid(request: Request, error: Exception) -> Response:
        problems = error.errors() if isinstance(error, RequestValidationError) else []
        where = sorted({".".join(filter(_NAME.fullmatch, map(str, problem["loc"][:2]))) for problem in problems})
        return render(request, Problem(422, "request.invalid", f"Not as described: {', '.join(where)}."))

    async def on_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        return render(request, Problem(status, _code_of(status), _sentence_of(status), headers))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(TrialbridgeError, on_expected)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(500, on_unexpected)


UNEXPECTED: Final = Problem(500, "server.unexpected", "Something went wrong here; nothing of yours was changed.")
_SENTENCES: Final = {
    404: ("request.not-found", "There is nothing here, or nothing that you may see."),
    405: ("request.method", "This address does not take that method."),
    413: ("request.too-large", "The request is larger than this address takes."),
}


def _code_of(status: int) -> str:
    return _SENTENCES.get(status, ("request.refused", ""))[0]


def _sentence_of(status: int) -> str:
    return _SENTENCES.get(status, ("", f"{HTTPStatus(status).phrase}."))[1]


def _add_health(app: FastAPI, name: str, ping: Ping) -> None:
    public = declare("public")

    async def livez() -> dict[str, str]:
        """Say that the process runs."""
        return {"status": "ok"}

    async def readyz(request: Request) -> Response:
        """Say whether everything that the service needs answers."""
        try:
            await ping()
        except TrialbridgeError as error:
            return as_json(request, Problem(503, error.code, error.message, {"retry-after": str(RETRY_AFTER)}))
        return JSONResponse({"status": "ok"})

    async def show_version() -> dict[str, str]:
        """Name the service and its version."""
        return {"service": name, "version": product_version()}

    app.get("/livez", summary="Is the process alive?", **public)(livez)
    app.get("/readyz", summary="Does it take work?", response_model=None, **public)(readyz)
    app.get("/version", summary="Which version runs?", **public)(show_version)


def _headers_for(identity: str) -> dict[str, str]:
    return {REQUEST_ID: identity, "cache-control": "no-store", **HEADERS}


_ALWAYS: Final = tuple(
    (name.encode(), value.encode()) for name, value in _headers_for("").items() if name != REQUEST_ID
)


class Envelope:
    """Gives each request an id, each answer the security headers, and counts both by route template."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        """Wrap ``app``."""
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["trialbridge.request"] = identity = secrets.token_hex(16)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                added = ((REQUEST_ID.encode(), identity.encode()), *_ALWAYS)
                message["headers"] = [*message["headers"], *(pair for pair in added if pair[0] not in given)]
                self._count(scope, int(message["status"]))
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _count(self, scope: Scope, status: int) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        REQUESTS.labels(self.service, route, f"{status // 100}xx").inc()


class Shortcut:
    """An app of which one route is answered without the framework's own way to it, as the app itself would answer."""

    def __init__(
        self, app: ASGIApp, service: str, path: str, handler: Callable[[Request], Awaitable[Response]]
    ) -> None:
        """Hand ``POST`` to ``path`` to ``handler``, everything else to ``app``, which has that route too."""
        self.path = path
        self._app = app
        self._handler = handler
        self._envelope = Envelope(self._answer, service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != self.path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = self
        await self._envelope(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._handler(request)
        except Problem as problem:
            response = as_json(request, problem)
        except TrialbridgeError as error:
            response = as_json(request, of_error(error))
        await response(scope, receive, send)


def ndjson(lines: list[Any]) -> bytes:
    """Return one JSON object a line, keys sorted."""
    return b"".join(orjson.dumps(line, option=orjson.OPT_SORT_KEYS) + b"\n" for line in lines)
