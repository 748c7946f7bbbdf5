"""What people ask for, as command documents that the owning service carries out."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from services.portal.visit import Visit
from trialbridge.contracts.documents import COMMANDS, CommandDoc
from trialbridge.contracts.ids import derive

Owner = Literal["trialfeed", "matchbook", "notifier", "coatcheck"]


async def ask(
    visit: Visit, to: Owner, kind: str, body: Mapping[str, Any], *, once: str = "", network: str = ""
) -> CommandDoc:
    """Write a request and return it; ``once`` makes a repeat of the same request the same one."""
    command = CommandDoc(
        id=derive("cmd", (visit.tenant, visit.session.actor, kind, once or visit.request)),
        version=1,
        network=network,
        to=to,
        kind=kind,
        tenant=visit.tenant,
        actor=visit.session.actor,
        body=msgspec.Raw(msgspec.json.encode(dict(body))),
        requested=visit.at,
    )
    await visit.documents.upsert(COMMANDS, [command])
    return command
