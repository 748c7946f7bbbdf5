"""Asks a running service for something by a command document, and waits for its answer."""

import asyncio
import getpass
import secrets
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from trialbridge.contracts.documents import COMMANDS, CommandDoc
from trialbridge.runtime.serve import ServicePorts

PAUSE: Final = 0.2
Owner = Literal["trialfeed", "matchbook", "notifier", "coatcheck"]


def command(
    ports: ServicePorts, to: Owner, kind: str, body: Mapping[str, Any] | msgspec.Struct, *, identity: str = "",
    actor: str = "", tenant: str = "operator",
) -> CommandDoc:  # fmt: skip
    """Return a request; without an ``identity`` it is a new one each time."""
    return CommandDoc(
        id=identity or f"cmd_{secrets.token_hex(16)}",
        version=1,
        to=to,
        kind=kind,
        tenant=tenant,
        actor=actor or getpass.getuser(),
        body=msgspec.Raw(msgspec.json.encode(body)),
        requested=ports.now().isoformat(),
    )


async def ask(ports: ServicePorts, to: Owner, kind: str, body: Mapping[str, Any], wait: float) -> CommandDoc:
    """Write the request and return it with its answer, or as it stands after ``wait`` seconds."""
    request = command(ports, to, kind, body)
    await ports.documents.upsert(COMMANDS, [request])
    waited = 0.0
    answer = request
    while answer.status == "requested" and waited < wait:
        await asyncio.sleep(PAUSE)
        waited += PAUSE
        answer = await ports.documents.get(COMMANDS, request.id) or request
    return answer
