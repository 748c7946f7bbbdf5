"""Tickets over HTTP: ``POST /tickets`` and ``GET /tickets/{id}``, with an API key. Answers once the request is durable."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from services.coatcheck.senders import Sender, Senders
from services.coatcheck.tickets import check_ticket
from trialbridge.contracts.documents import COMMANDS, TICKETS, CommandDoc
from trialbridge.contracts.errors import NOT_AS_DESCRIBED, json_path
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import Digest, SourceId, derive, ticket_id
from trialbridge.runtime.ports import DocumentStore
from trialbridge.runtime.web import Problem, create_base, declare

LARGEST: Final = 64 * 1024
"""Bytes of a request."""
LONGEST_KEY: Final = 255
SCOPE: Final = "tickets:write"


class TicketAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /tickets``; tenant and network are the API key's."""

    source: str
    """The feed: the tenant's own, so it begins with ``<tenant>/``."""
    object_uri: str
    object_version: str
    size: int
    sha256: str
    media_type: str
    created: str
    expires: str = ""
    key_ref: str = ""


@dataclass(frozen=True, slots=True)
class TicketDoor:
    """The two routes over the document store; the desk carries out what they write."""

    documents: DocumentStore
    senders: Senders
    now: Callable[[], datetime]

    async def hand_in(self, request: Request) -> JSONResponse:
        """Take a ticket: 202 once it is kept; the same Idempotency-Key again gives the same answer."""
        sender = self._sender(request)
        raw = await _body(request)
        ticket = _ticket(_decode(raw), sender)
        command = self._command(request, sender, ticket)
        if not await self.documents.replace(COMMANDS, command, 0):
            before = await self.documents.get(COMMANDS, command.id)
            if before is not None and bytes(before.body) != bytes(command.body):
                raise Problem(409, "idempotency.key-reused", "This Idempotency-Key came with another ticket before.")
        body = {"ticket": ticket.ticket, "status": "requested"}
        return JSONResponse(body, 202, {"location": f"/tickets/{ticket.ticket}"})

    async def look_up(self, ticket: str, request: Request) -> JSONResponse:
        """Answer how one of the sender's own tickets stands."""
        sender = self._sender(request)
        doc = await self.documents.get(TICKETS, ticket)
        if doc is None or doc.tenant != sender.tenant:
            raise Problem(404, "request.not-found", "There is nothing here, or nothing that you may see.")
        return JSONResponse(
            {
                "ticket": doc.id, "status": doc.status, "code": doc.code, "message": doc.message,
                "where": str(doc.place) if doc.code else "", "issue": doc.issue, "patients": doc.patients,
                "resources": doc.resources, "set_aside": doc.set_aside, "updated": doc.updated,
            }
        )  # fmt: skip

    def _sender(self, request: Request) -> Sender:
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        sender = self.senders.of(key.strip()) if kind.lower() == "bearer" else None
        if sender is None:
            headers = {"www-authenticate": "Bearer"}
            raise Problem(401, "access.unknown-key", "Send a known API key: Authorization: Bearer KEY.", headers)
        return sender

    def _command(self, request: Request, sender: Sender, ticket: TicketIssued) -> CommandDoc:
        body = msgspec.json.encode(ticket)
        key = request.headers.get("idempotency-key", "")
        if len(key) > LONGEST_KEY:
            raise Problem(422, "idempotency.key-too-long", f"An Idempotency-Key has {LONGEST_KEY} characters at most.")
        return CommandDoc(
            id=derive("cmd", ("tickets", sender.tenant, "key" if key else "body", key or body.decode())),
            version=1,
            to="coatcheck",
            kind="issue_ticket",
            tenant=sender.tenant,
            actor=f"api@{sender.tenant}",
            body=msgspec.Raw(body),
            requested=self.now().isoformat(),
        )


async def _body(request: Request) -> bytes:
    """Return the request's body; stop reading where it is larger than it may be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise Problem(413, "request.too-large", f"A request may have {LARGEST} bytes at most.")
    return bytes(body)


def _decode(raw: bytes) -> TicketAsked:
    try:
        return msgspec.json.decode(raw, type=TicketAsked)
    except NOT_AS_DESCRIBED as error:
        raise Problem(
            422, "request.invalid", f"The body is not as described, at {json_path(error)}; see /openapi.json."
        ) from None


def _ticket(asked: TicketAsked, sender: Sender) -> TicketIssued:
    """Return the sender's ticket; raise `Refused` ``ticket.*``, `Problem` for another's feed."""
    if not asked.source.startswith(f"{sender.tenant}/"):
        raise Problem(
            422, "ticket.foreign-source", "source must be a feed of your own: it begins with your tenant and /."
        )
    ticket = TicketIssued(
        ticket=ticket_id(sender.tenant, asked.object_uri, asked.object_version),
        network=sender.network,
        tenant=sender.tenant,
        source=SourceId(asked.source),
        object_uri=asked.object_uri,
        object_version=asked.object_version,
        size=asked.size,
        sha256=Digest(asked.sha256),
        media_type=asked.media_type,
        created=asked.created,
        expires=asked.expires,
        key_ref=asked.key_ref,
    )
    check_ticket(ticket if ticket.expires else msgspec.structs.replace(ticket, expires=ticket.created))
    return ticket


def create(documents: DocumentStore, senders: Senders, now: Callable[[], datetime]) -> FastAPI:
    """Return the app that takes tickets."""
    app = create_base("coatcheck", ping=documents.ping, title="Trialbridge coat check")
    door = TicketDoor(documents, senders, now)
    options: dict[str, Any] = declare(SCOPE)
    schema = msgspec.json.schema(TicketAsked)
    shape = next(iter(schema["$defs"].values()))
    content = {"application/json": {"schema": shape}}
    post = {"openapi_extra": options["openapi_extra"] | {"requestBody": {"required": True, "content": content}}}
    app.post("/tickets", status_code=202, summary="Hand in a ticket", response_model=None, **post)(door.hand_in)
    app.get("/tickets/{ticket}", summary="How a ticket stands", response_model=None, **options)(door.look_up)
    return app
