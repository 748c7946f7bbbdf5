"""HL7 v2 by HTTP: ``POST /hl7v2`` answers with the acknowledgement, ``POST /oauth/token`` gives access tokens."""

import asyncio
import base64
import binascii
import math
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from services.gateway.clients import Client
from services.gateway.desk import Desk
from services.gateway.messages import MEDIA_TYPE
from services.gateway.tokens import LIFE, PAUSE, SCOPE, TooManyAttemptsError
from trialbridge.runtime.web import Ping, Problem, Shortcut, create_base, declare

TYPES: Final = frozenset({"application/hl7-v2", "application/hl7-v2+er7", MEDIA_TYPE, "text/plain"})
ANSWERED: Final = {"AA": 200, "AE": 422, "AR": 422}
CLOSE: Final = {"connection": "close"}
TOKEN_BYTES: Final = 8 * 1024
RETRY: Final = {"retry-after": "1"}


@dataclass(frozen=True, slots=True)
class HttpDoor:
    """The routes over the desk that both doors share."""

    desk: Desk
    most_bytes: int
    seconds: float
    """Within which a body must be there."""

    async def take(self, request: Request) -> Response:
        """Take a message or a batch; answer with its acknowledgement once it is durable."""
        _check_framing(request)
        client = self._client(request)
        _check_type(request)
        wait = self.desk.wait(client)
        if wait:
            headers = {"retry-after": str(math.ceil(wait)), **CLOSE}
            raise Problem(429, "gateway.too-many", "This client sends more than it may; wait.", headers)
        if self.desk.full:
            raise Problem(503, "gateway.full", "Too many messages wait to become durable; wait.", RETRY | CLOSE)
        body = await self._body(request, self.most_bytes)
        outcome, ack = await self.desk.answer(client, body, "http")
        return Response(ack, ANSWERED[outcome], media_type=f"{_written(request)}; charset=utf-8")

    async def issue(self, request: Request) -> JSONResponse:
        """Give an access token for client credentials (RFC 6749, 4.4 and 5)."""
        _check_framing(request)
        raw = await self._body(request, TOKEN_BYTES)
        try:
            form = {name: values[0] for name, values in parse_qs(raw.decode(), max_num_fields=20).items()}
        except ValueError:
            return _oauth_error("invalid_request")
        if form.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type" if "grant_type" in form else "invalid_request")
        if form.get("scope", SCOPE) != SCOPE:
            return _oauth_error("invalid_scope")
        name, secret = _credentials(request, form)
        try:
            token = await self.desk.tokens.issue(name, secret)
        except TooManyAttemptsError:
            wait = {"retry-after": str(int(PAUSE))}
            raise Problem(429, "access.too-many", "Too many wrong secrets; wait a minute.", wait) from None
        if token is None:
            return _oauth_error("invalid_client", 401)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": LIFE, "scope": SCOPE})

    def _client(self, request: Request) -> Client:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        key = request.headers.get("x-api-key", "")
        client = None
        if kind.lower() == "bearer":
            client = self.desk.clients.of_key(given.strip()) or self.desk.tokens.client_of(given.strip())
        elif key:
            client = self.desk.clients.of_key(key)
        if client is None:
            headers = {"www-authenticate": 'Bearer realm="hl7v2"', **CLOSE}
            raise Problem(401, "access.unknown-client", "Send a known API key or an access token that lasts.", headers)
        return client

    async def _body(self, request: Request, most: int) -> bytes:
        """Return the body; stop reading where it is too large or too slow."""
        said = request.headers.get("content-length", "")
        if said.isdigit() and int(said) > most:
            raise _too_large(most)
        body = bytearray()
        try:
            async with asyncio.timeout(self.seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > most:
                        raise _too_large(most)
        except TimeoutError:
            raise Problem(408, "request.too-slow", "The request did not come in whole in time.", CLOSE) from None
        except ClientDisconnect:
            raise Problem(400, "request.cut-off", "The request ended before its body did.", CLOSE) from None
        return bytes(body)


def _too_large(most: int) -> Problem:
    return Problem(413, "request.too-large", f"A request may have {most} bytes at most; split the batch.", CLOSE)


def _check_framing(request: Request) -> None:
    """Refuse a request whose end two readers may see in two places (RFC 9112, 6.1 and 6.3)."""
    names = [name for name, _ in request.scope["headers"]]
    lengths = names.count(b"content-length")
    if lengths > 1 or (lengths and b"transfer-encoding" in names):
        raise Problem(400, "request.ambiguous", "The request says its length in two ways.", CLOSE)
    if names.count(b"authorization") > 1 or names.count(b"x-api-key") > 1:
        raise Problem(400, "request.ambiguous", "The request says twice who sends it.", CLOSE)


def _written(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _check_type(request: Request) -> None:
    if _written(request) not in TYPES:
        raise Problem(415, "request.media-type", f"Send one of {', '.join(sorted(TYPES))}.", CLOSE)
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem(415, "request.encoding", "Send the message as it is; large deliveries go by ticket.", CLOSE)


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Return client id and secret, out of Basic authentication or the form (RFC 6749, 2.3.1)."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _oauth_error(error: str, status: int = 400) -> JSONResponse:
    headers = {"www-authenticate": 'Basic realm="oauth"'} if status == 401 else {}  # noqa: PLR2004 - as RFC 6749 asks
    return JSONResponse({"error": error}, status, headers)


def front(door: HttpDoor, ping: Ping) -> Shortcut:
    """Return what the door serves: the app, with the shortest way for messages."""
    return Shortcut(create(door, ping), "gateway", "/hl7v2", door.take)


def create(door: HttpDoor, ping: Ping) -> FastAPI:
    """Return the app."""
    app = create_base("gateway", ping=ping, title="Trialbridge real-time door")
    take: dict[str, Any] = declare(SCOPE)
    message = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(sorted(TYPES), message)
    extra = take["openapi_extra"] | {"requestBody": {"required": True, "content": content}}
    app.post("/hl7v2", summary="Hand in an HL7 v2 message or batch", response_model=None, openapi_extra=extra)(
        door.take
    )
    form = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
    asked = declare("public")["openapi_extra"] | {"requestBody": {"required": True, "content": form}}
    app.post("/oauth/token", summary="An access token", response_model=None, openapi_extra=asked)(door.issue)
    return app
