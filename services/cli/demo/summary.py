"""The demo's result as one object: counts, seconds by stage and the canonical hash."""

from typing import Any

import msgspec

from services.matchbook.canonical import run_hash
from services.portal.views.codes import Reviewer, read_queue
from trialbridge.contracts.documents import (
    COMMANDS,
    DEAD_LETTERS,
    MATCHES,
    NOTIFICATIONS,
    PATIENTS,
    STAGES,
    TICKETS,
    CommandDoc,
)
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query


async def summarise(documents: DocumentStore, wall: dict[str, float]) -> dict[str, Any]:
    """Return what the run led to; ``wall`` holds the seconds of each step."""
    people = await documents.count(PATIENTS, {}, by="removed")
    by_status = await documents.count(MATCHES, {}, by="status")
    letters = await documents.count(DEAD_LETTERS, {"status": "open"}, by="code")
    notified = await documents.count(NOTIFICATIONS, {})
    tickets = await documents.count(TICKETS, {}, by="status")
    digest, _ = await run_hash(documents)
    refused = await collect(documents, COMMANDS, Query(where={"status": "refused"}, limit=200))
    return {
        "patients": sum(people.values()),
        "views": sum(count for removed, count in people.items() if removed.lower() in {"false", "0", ""}),
        # One that was closed before any approval may never have been proposed where records came in another order.
        "proposed": sum(by_status.values()) - by_status.get("closed", 0),
        "approved": by_status.get("approved", 0),
        "potentially": by_status.get("potentially", 0),
        "held": by_status.get("held", 0),
        "awaiting_review": by_status.get("awaiting_review", 0),
        "withdrawn": by_status.get("withdrawn", 0),
        "notified": notified.get("", 0),
        "local_codes": {"open": await _codes(documents, "open"), "accepted": await _codes(documents, "accepted")},
        "tickets": tickets,
        "dead_letters": dict(sorted(letters.items())),
        "refused": [refusal_of(doc) for doc in sorted(refused, key=lambda doc: doc.id)],
        "seconds": await _seconds(documents) | {"wall": wall},
        "hash": digest,
    }


async def _codes(documents: DocumentStore, state: str) -> int:
    """Return how many codes of feeds' own are to be reviewed, or were accepted."""
    return (await read_queue(documents, Reviewer(), state, "", "", 0)).total


async def _seconds(documents: DocumentStore) -> dict[str, float]:
    """Return how long each stage was busy, summed over its workers and partitions (which overlap)."""
    busy: dict[str, float] = {}
    for doc in await collect(documents, STAGES, Query(limit=200)):
        busy[doc.stage] = round(busy.get(doc.stage, 0.0) + doc.seconds, 3)
    return busy


def refusal_of(doc: CommandDoc) -> dict[str, str]:
    """Return what was asked for and refused, by the name it came under, with code and reason."""
    body = msgspec.json.decode(doc.body)
    asked = body if isinstance(body, dict) else {}
    name = asked.get("name") or asked.get("trial") or doc.kind
    return {"kind": doc.kind, "name": str(name), "code": doc.code, "message": doc.message}
