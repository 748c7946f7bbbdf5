"""The demo's result: counts, seconds by stage and the canonical hash, as one object and as readable text."""

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from services.matchbook.canonical import run_hash
from trialbridge.contracts.documents import (
    DEAD_LETTERS,
    MATCHES,
    NOTIFICATIONS,
    PATIENTS,
    STAGES,
    TICKETS,
    MatchDoc,
)
from trialbridge.criteria.verdicts import Explanation
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query

TOP = 8


async def summarise(documents: DocumentStore, wall: dict[str, float]) -> dict[str, Any]:
    """Return what the run led to; ``wall`` holds the seconds of each step."""
    people = await documents.count(PATIENTS, {}, by="removed")
    by_status = await documents.count(MATCHES, {}, by="status")
    letters = await documents.count(DEAD_LETTERS, {"status": "open"}, by="code")
    notified = await documents.count(NOTIFICATIONS, {})
    tickets = await documents.count(TICKETS, {}, by="status")
    digest, _ = await run_hash(documents)
    return {
        "patients": sum(people.values()),
        "views": sum(count for removed, count in people.items() if removed.lower() in {"false", "0", ""}),
        "proposed": sum(by_status.values()),
        "approved": by_status.get("approved", 0),
        "potentially": by_status.get("potentially", 0),
        "held": by_status.get("held", 0),
        "awaiting_review": by_status.get("awaiting_review", 0),
        "withdrawn": by_status.get("withdrawn", 0),
        "notified": notified.get("", 0),
        "tickets": tickets,
        "dead_letters": dict(sorted(letters.items())),
        "seconds": await _seconds(documents) | {"wall": wall},
        "hash": digest,
    }


async def _seconds(documents: DocumentStore) -> dict[str, float]:
    """Return how long each stage was busy, summed over its workers and partitions (which overlap)."""
    busy: dict[str, float] = {}
    for doc in await collect(documents, STAGES, Query(limit=200)):
        busy[doc.stage] = round(busy.get(doc.stage, 0.0) + doc.seconds, 3)
    return busy


async def show(console: Console, documents: DocumentStore, result: dict[str, Any]) -> None:
    """Print the summary for people."""
    console.rule("What came out")
    facts = Table.grid(padding=(0, 2))
    for label, value in _lines(result):
        facts.add_row(label, value)
    console.print(facts)
    await _show_missing(console, documents)
    await _show_letters(console, documents)
    seconds = "  ".join(f"{name} {value:.1f} s" for name, value in result["seconds"].items() if name != "wall")
    total = sum(result["seconds"]["wall"].values())
    console.print(f"Busy by stage: {seconds}; {total:.1f} s in all.")
    console.print(f"Hash of matches, approvals and withdrawals: {result['hash']}")


def _lines(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Patients", f"{result['patients']} persons, {result['views']} views, one for each across all sources"),
        ("Approved", f"[bold green]{result['approved']}[/]"),
        ("Potentially eligible", f"[yellow]{result['potentially']}[/] (something is not known yet)"),
        ("Held at a gate", f"{result['held']}, and {result['awaiting_review']} await a review"),
        ("Withdrawn", f"{result['withdrawn']}"),
        ("Ever proposed", f"{result['proposed']}"),
        ("Notified", f"{result['notified']} entries in practices' inboxes"),
    ]


async def _show_missing(console: Console, documents: DocumentStore) -> None:
    """Show which single question would settle most of the potentially eligible."""
    questions: dict[str, int] = {}
    for doc in await collect(documents, MATCHES, Query(where={"status": "potentially"}, limit=500)):
        for sentence in missing_of(doc):
            questions[sentence] = questions.get(sentence, 0) + 1
    if questions:
        table = Table("What is missing most often", "matches")
        for sentence, count in sorted(questions.items(), key=lambda item: (-item[1], item[0]))[:TOP]:
            table.add_row(sentence, str(count))
        console.print(table)


def missing_of(doc: MatchDoc) -> list[str]:
    """Return the sentences that say what would settle a match, each once."""
    explanation = msgspec.json.decode(doc.explanation, type=Explanation)
    return list(dict.fromkeys(one.settle for one in explanation.missing))


async def _show_letters(console: Console, documents: DocumentStore) -> None:
    found = await collect(documents, DEAD_LETTERS, Query(where={"status": "open"}, limit=200))
    if not found:
        console.print("Dead letters: none.")
        return
    table = Table("Dead letters: code", "where", "why")
    for doc in sorted(found, key=lambda one: (one.code, one.id))[:TOP]:
        table.add_row(doc.code, str(doc.place), doc.message)
    console.print(table)
    if len(found) > TOP:
        console.print(f"… and {len(found) - TOP} more: trialbridge dead-letters list")
