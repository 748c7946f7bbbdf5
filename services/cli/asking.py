"""Asks a running service for something by a command document, records that it was asked, and waits for its answer."""

import asyncio
import getpass
import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
import typer

from services.cli.output import EXIT_AWAY, EXIT_INPUT, complain, emit, say
from trialbridge.contracts.documents import AUDITS, COMMANDS, CommandDoc
from trialbridge.contracts.events import AuditRecorded
from trialbridge.contracts.ids import TenantId, derive
from trialbridge.ledger.actions import Action
from trialbridge.ledger.recording import document_of
from trialbridge.runtime.serve import ServicePorts

PAUSE: Final = 0.2
OPERATOR: Final = "operator"
"""Whoever may run commands on the stores' machine is the operator, as tenant and as role."""
Owner = Literal["trialfeed", "matchbook", "notifier", "coatcheck", "patientview"]


def who() -> str:
    """Return the actor of a command: ``cli:`` and the operating system's name of the user, or the number where it has none."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"


def command(
    ports: ServicePorts, to: Owner, kind: str, body: Mapping[str, Any] | msgspec.Struct, *, identity: str = "",
    actor: str = "", tenant: str = OPERATOR,
) -> CommandDoc:  # fmt: skip
    """Return a request; without an ``identity`` it is a new one each time."""
    return CommandDoc(
        id=identity or f"cmd_{secrets.token_hex(16)}",
        version=1,
        to=to,
        kind=kind,
        tenant=tenant,
        actor=actor or who(),
        body=msgspec.Raw(msgspec.json.encode(body)),
        requested=ports.now().isoformat(),
    )


async def send(ports: ServicePorts, request: CommandDoc, action: Action, subject: str, reason: str = "") -> None:
    """Record that something is asked for, then ask; raises `Unavailable`, and then nothing was asked."""
    event = AuditRecorded(
        id=derive("aud", (request.id, action, subject)),
        actor=request.actor,
        tenant=TenantId(OPERATOR),
        role=OPERATOR,
        action=action,
        subject=subject,
        at=request.requested,
        reason=reason,
        request=request.id,
    )
    await ports.documents.upsert(AUDITS, [document_of(event)])
    await ports.documents.upsert(COMMANDS, [request])


async def answer_to(ports: ServicePorts, request: CommandDoc, wait: float) -> CommandDoc:
    """Return a request with its answer, or as it stands after ``wait`` seconds."""
    waited, answer = 0.0, request
    while answer.status == "requested" and waited < wait:
        await asyncio.sleep(PAUSE)
        waited += PAUSE
        answer = await ports.documents.get(COMMANDS, request.id) or request
    return answer


def tell_answers(answers: Sequence[tuple[str, CommandDoc]], word: str, done: str, *, json: bool) -> None:
    """Write what came of requests, and end with the exit code: 1 where one was refused, 69 where nobody took one up.

    Args:
        answers: What each was about, and the request with its answer.
        word: Names the request in ``WORD.open``, the code of one that nobody took up.
        done: What to say of one that was carried out without further words.
        json: Write one JSON object a line.
    """
    for subject, answer in answers:
        if json:
            emit({"id": subject, "status": answer.status, "code": answer.code, "message": answer.message})
        elif answer.status == "done":
            say(f"{subject}: {answer.message or done}")
        elif answer.status == "refused":
            complain(subject, answer.code, answer.message)
        else:
            complain(subject, f"{word}.open", "No service has taken it up yet; it will once the services run.")
    statuses = {answer.status for _, answer in answers}
    if "refused" in statuses:
        raise typer.Exit(EXIT_INPUT)
    if "requested" in statuses:
        raise typer.Exit(EXIT_AWAY)
