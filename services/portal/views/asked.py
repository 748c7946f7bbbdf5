"""What became of something that was asked for."""

from dataclasses import dataclass

import msgspec

from services.portal.words import ASKED
from trialbridge.contracts.documents import COMMANDS, CommandDoc
from trialbridge.runtime.ports import DocumentStore, Query

LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and its answer."""

    id: str
    kind: str
    title: str
    status: str
    code: str
    message: str
    requested: str
    actor: str

    @property
    def waits(self) -> bool:
        """Return whether no service has answered yet."""
        return self.status == "requested"


async def read_asked(documents: DocumentStore, tenant: str, identity: str) -> Asked | None:
    """Return a request of this organisation, or None.

    A page reads it before what it shows: read last, it could be done on a page that does not show yet what came of it.
    """
    doc = await documents.get(COMMANDS, identity) if identity else None
    return asked_of(doc) if doc is not None and doc.tenant == tenant else None


async def recent(documents: DocumentStore, tenant: str, count: int) -> list[Asked]:
    """Return what the organisation asked for last, newest first."""
    found, _ = await documents.find(COMMANDS, Query({"tenant": tenant}, "-requested", count))
    return [asked_of(doc) for doc in found]


async def unanswered_review(documents: DocumentStore, tenant: str, match: str) -> Asked | None:
    """Return the newest review of a match unless it was carried out."""
    where = Query({"tenant": tenant, "to": "matchbook"}, "-requested", LOOKED_AT)
    commands, _ = await documents.find(COMMANDS, where)
    newest = next((one for one in commands if _about(one) == match), None)
    return asked_of(newest) if newest is not None and newest.status != "done" else None


def asked_of(doc: CommandDoc) -> Asked:
    """Return a command without its body."""
    title = ASKED.get(doc.kind, doc.kind.replace("_", " "))
    return Asked(doc.id, doc.kind, title, doc.status, doc.code, doc.message, doc.requested, doc.actor)


class _Body(msgspec.Struct):
    match: str = ""


def _about(command: CommandDoc) -> str:
    try:
        return msgspec.json.decode(command.body, type=_Body).match
    except msgspec.MsgspecError:
        return ""
