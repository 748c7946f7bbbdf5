"""A practice's inbox: what was approved and, as loud, what was withdrawn."""

from dataclasses import dataclass

from services.portal.views.people import Person, read_people
from trialbridge.contracts.documents import NOTIFICATIONS
from trialbridge.runtime.ports import DocumentStore, Query


@dataclass(frozen=True, slots=True)
class Message:
    """One entry."""

    id: str
    kind: str
    match: str
    person: Person
    trial: str
    title: str
    reasons: tuple[str, ...]
    created: str
    read: bool


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page."""

    messages: tuple[Message, ...]
    unread: int
    next: str | None


async def unread_count(documents: DocumentStore, tenant: str) -> int:
    """Return how many messages nobody of the practice has read."""
    return (await documents.count(NOTIFICATIONS, {"tenant": tenant, "read": False})).get("", 0)


async def read_inbox(documents: DocumentStore, tenant: str, after: str | None, size: int) -> Inbox:
    """Return one page of the practice's messages, newest first."""
    docs, following = await documents.find(NOTIFICATIONS, Query({"tenant": tenant}, "-created", size, after))
    people = await read_people(documents, tenant, [doc.patient for doc in docs])
    messages = tuple(
        Message(
            doc.id, doc.kind, doc.match, people[doc.patient], doc.trial, doc.title, doc.reasons, doc.created, doc.read
        )
        for doc in docs
    )
    return Inbox(messages, await unread_count(documents, tenant), following)
