"""The demo's result for people: what came out, what is missing, what was refused, and where the time went."""

from collections import Counter
from typing import Any, Final

import msgspec
from rich.console import Console

from services.cli.demo.live import ORDER
from services.cli.output import headline, show_rows
from trialbridge.contracts.documents import DEAD_LETTERS, MATCHES, DeadLetterDoc, MatchDoc
from trialbridge.contracts.errors import Place
from trialbridge.criteria.verdicts import Explanation
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query

TOP: Final = 8


async def show(console: Console, documents: DocumentStore, result: dict[str, Any], hint: str) -> None:
    """Print the summary; ``hint`` is the command that lists all dead letters of this run."""
    headline(console, "What came out")
    _show_facts(console, result)
    await _show_missing(console, documents)
    await _show_letters(console, documents, hint)
    for one in result["refused"]:
        console.print(f"Refused: {one['name']}: {one['code']}: {one['message']}", markup=False, soft_wrap=True)
    _show_seconds(console, result["seconds"])
    console.print(f"Hash of all matches: {result['hash']}", soft_wrap=True)


def _show_facts(console: Console, result: dict[str, Any]) -> None:
    codes = result["local_codes"]
    lines = [
        ("Patients", f"{result['patients']} persons, {result['views']} views: one for each across all sources"),
        ("Proposed", f"{result['proposed']} matches in all"),
        ("Approved", f"[bold green]{result['approved']}[/]"),
        (
            "Potentially eligible",
            f"[yellow]{result['potentially']}[/]: something is not known yet, or not met now",
        ),
        ("Held at a gate", f"{result['held']}, and {result['awaiting_review']} await a review"),
        ("Withdrawn", f"{result['withdrawn']}"),
        ("Local codes", f"{codes['open']} of feeds' own that nobody explained yet, {codes['accepted']} accepted"),
        ("Notified", f"{result['notified']} entries in practices' inboxes"),
    ]
    for label, value in lines:
        console.print(f"{label:<22}{value}", soft_wrap=True)


async def _show_missing(console: Console, documents: DocumentStore) -> None:
    """Show which single question would settle most of the potentially eligible."""
    questions: Counter[str] = Counter()
    for doc in await collect(documents, MATCHES, Query(where={"status": "potentially"}, limit=500)):
        questions.update(missing_of(doc))
    best = sorted(questions.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    if best:
        show_rows(console, ("What is missing most often", "matches"), [(text, str(count)) for text, count in best])


def missing_of(doc: MatchDoc) -> list[str]:
    """Return the sentences that say what would settle a match, each once."""
    explanation = msgspec.json.decode(doc.explanation, type=Explanation)
    return list(dict.fromkeys(one.settle for one in explanation.missing))


async def _show_letters(console: Console, documents: DocumentStore, hint: str) -> None:
    found = await collect(documents, DEAD_LETTERS, Query(where={"status": "open"}, limit=200))
    if not found:
        console.print("Dead letters: none.")
        return
    groups: dict[str, list[DeadLetterDoc]] = {}
    for doc in sorted(found, key=lambda one: (one.code, one.id)):
        groups.setdefault(doc.code, []).append(doc)
    rows = [
        (code, str(len(docs)), f"{docs[0].message} ({short_place(docs[0].place)})")
        for code, docs in list(groups.items())[:TOP]
    ]
    show_rows(console, ("Dead letters", "count", "why (the first one's place)"), rows)
    console.print(f"All of them, and how to bring them through: {hint}", markup=False, soft_wrap=True)


def short_place(place: Place) -> str:
    """Return a place with the bundle's name alone in place of its whole address."""
    name = (place.bundle or "").rpartition("/")[2] or None
    return str(msgspec.structs.replace(place, bundle=name))


def _show_seconds(console: Console, seconds: dict[str, Any]) -> None:
    wall: dict[str, float] = seconds["wall"]
    busy = [(name, f"{seconds[name]:.1f}") for name in ORDER if name in seconds]
    if busy:
        show_rows(console, ("stage", "busy s"), busy)
    steps = sum(wall.values())
    console.print(f"The run took {steps:.1f} s; stages work at the same time, so their seconds overlap.")
