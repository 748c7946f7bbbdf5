"""``trialbridge dead-letters``: what could not be processed, and bringing it through once the cause is mended."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.text import Text

from services.cli.asking import answer_to, command, send, tell_answers
from services.cli.output import OUT, emit, say, show_rows
from services.cli.places import State, settings_of
from trialbridge.contracts.documents import AUDITS, DEAD_LETTERS, AuditDoc, CommandDoc, DeadLetterDoc
from trialbridge.contracts.errors import Refused
from trialbridge.ledger.actions import Action
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query, Scalar
from trialbridge.runtime.serve import ServicePorts, open_ports

app = typer.Typer(no_args_is_help=True, help="What could not be processed, and how to bring it through.")
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Code = Annotated[str, typer.Option(help="Only entries with this stable code, such as fhir.not-fhir.")]
NEXT: Final = "After the cause is mended: trialbridge dead-letters replay ID (or --code CODE)."


@app.command("list")
def list_letters(
    code: Code = "",
    every: Annotated[bool, typer.Option("--all", help="Also replayed and discarded ones.")] = False,
    state: State = None,
    json: Json = False,
) -> None:
    """List the entries with code, place and reason; never their content."""
    found = asyncio.run(_list(code, every, state))
    if json:
        for doc in found:
            emit(line_of(doc))
    elif not found:
        say("No such dead letters." if code else "No dead letters. Everything that came in went through.")
    elif OUT.is_terminal:
        for doc in found:
            OUT.print(Text(f"{doc.id}  {doc.code}  {doc.status}", style="bold"))
            ticket = f"\n  ticket {doc.ticket} of {doc.tenant}" if doc.ticket else ""
            OUT.print(Text(f"  {doc.message}\n  {doc.place}{ticket}\n", style="dim"))
        say(NEXT)
    else:
        rows = [
            (doc.id, doc.status, doc.stage, doc.code, doc.ticket or "-", str(doc.place), doc.message) for doc in found
        ]
        show_rows(OUT, ("id", "status", "stage", "code", "ticket", "where", "why"), rows)


async def _list(code: str, every: bool, state: Path | None) -> list[DeadLetterDoc]:
    async with open_ports(settings_of(state)) as ports:
        return await _find(ports, code, every=every)


async def _find(ports: ServicePorts, code: str, *, every: bool) -> list[DeadLetterDoc]:
    where: dict[str, Scalar | tuple[Scalar, ...]] = {} if every else {"status": "open"}
    if code:
        where["code"] = code
    found = await collect(ports.documents, DEAD_LETTERS, Query(where=where, limit=500))
    return sorted(found, key=lambda doc: (doc.first_seen, doc.id))


def line_of(doc: DeadLetterDoc) -> dict[str, Any]:
    """Return what may be shown of a dead letter, as plain values."""
    return {
        "id": doc.id, "status": doc.status, "stage": doc.stage, "topic": doc.topic, "code": doc.code,
        "where": str(doc.place), "message": doc.message, "tenant": doc.tenant, "ticket": doc.ticket, "first_seen": doc.first_seen,
        "failures": doc.failures, "reason": doc.reason,
    }  # fmt: skip


@app.command()
def show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The entry's id, as the list has it.")],
    state: State = None,
    json: Json = False,
) -> None:
    """Show one entry: why it was set aside, where it lies, and how to bring it through. Its content stays sealed."""
    doc, asked = asyncio.run(_get(identity, state))
    facts = line_of(doc) | {
        "position": f"{doc.topic}[{doc.partition}]@{doc.offset}",
        "kept": f"{len(doc.payload)} bytes of {doc.payload_type}" if doc.payload else "nothing of its content",
        "asked": [f"{one.at} {one.actor} {one.action}" for one in asked],
    }
    if json:
        emit(facts)
        return
    for name, value in facts.items():
        for one in (value or ["-"]) if isinstance(value, list) else [value or "-"]:
            say(f"{name.replace('_', ' '):<11} {one}")
    if doc.status == "open":
        say(f"After the cause is mended: trialbridge dead-letters replay {doc.id}")


async def _get(identity: str, state: Path | None) -> tuple[DeadLetterDoc, list[AuditDoc]]:
    """Return the entry, and who asked for what to be done about it, the oldest first."""
    async with open_ports(settings_of(state)) as ports:
        doc = await ports.documents.get(DEAD_LETTERS, identity)
        asked = await collect(ports.documents, AUDITS, Query({"subject": identity}, "at", 500))
    if doc is None:
        raise Refused("dead-letters.unknown", "There is no such dead letter; trialbridge dead-letters list shows all.")
    return doc, asked


@app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Entries to replay, by id.")] = None,
    code: Code = "",
    wait: Annotated[float, typer.Option(help="Seconds to wait for the services to take it up.", min=0)] = 30.0,
    state: State = None,
    json: Json = False,
) -> None:
    """Send entries through again; what has gone through before has no second effect. The services must be running.

    Exit code 0: sent; 1: one was refused, with the reason; 69: nobody has taken it up within the wait.
    """
    if not ids and not code:
        raise typer.BadParameter("name entries by id, or a --code; trialbridge dead-letters list shows both")
    answers = asyncio.run(_ask(ids or [], code, _Wish("replay"), wait, state))
    if not answers and not json:
        say("Nothing to replay.")
    tell_answers(answers, "replay", "sent through again", json=json)


@app.command()
def discard(
    ids: Annotated[list[str], typer.Argument(help="Entries that nobody needs any more, by id.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept, and must say nothing of a patient.")],
    wait: Annotated[float, typer.Option(help="Seconds to wait for the services to take it up.", min=0)] = 30.0,
    state: State = None,
    json: Json = False,
) -> None:
    """Close entries that need no replay, such as what came corrected in a new bundle. The services must be running.

    Exit codes as of replay. A discarded entry keeps its content and may still be replayed.
    """
    if not reason.strip():
        raise typer.BadParameter("say why nobody needs them", param_hint="--reason")
    answers = asyncio.run(_ask(ids, "", _Wish("discard", reason), wait, state))
    tell_answers(answers, "discard", "discarded", json=json)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be done with entries."""

    kind: Literal["replay", "discard"]
    reason: str = ""

    @property
    def action(self) -> Action:
        """Return how it is recorded."""
        return Action.CLI_DEAD_LETTER_DISCARDED if self.kind == "discard" else Action.CLI_DEAD_LETTER_REPLAYED

    def body(self, identity: str) -> dict[str, str]:
        """Return the body of the command about one entry."""
        return {"dead_letter": identity} | ({"reason": self.reason} if self.reason else {})


async def _ask(
    ids: Sequence[str], code: str, wish: _Wish, wait: float, state: Path | None
) -> list[tuple[str, CommandDoc]]:
    async with open_ports(settings_of(state)) as ports:
        chosen = ids or [doc.id for doc in await _find(ports, code, every=False)]
        answers = await asyncio.gather(*(_ask_one(ports, identity, wish, wait) for identity in chosen))
        return list(zip(chosen, answers, strict=True))


async def _ask_one(ports: ServicePorts, identity: str, wish: _Wish, wait: float) -> CommandDoc:
    request = command(ports, "coatcheck", wish.kind, wish.body(identity))
    await send(ports, request, wish.action, identity, wish.reason)
    return await answer_to(ports, request, wait)
