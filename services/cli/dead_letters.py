"""``trialbridge dead-letters``: what could not be processed, and bringing it through once the cause is mended."""

import asyncio
from typing import Annotated, Any

import typer
from rich.table import Table

from services.cli.asking import ask
from services.cli.output import EXIT_INPUT, OUT, complain, emit
from trialbridge.contracts.documents import DEAD_LETTERS, DeadLetterDoc
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query, Scalar
from trialbridge.runtime.serve import ServicePorts, open_ports
from trialbridge.runtime.settings import BaseServiceSettings, read_settings

app = typer.Typer(no_args_is_help=True, help="What could not be processed, and how to bring it through.")
Json = Annotated[bool, typer.Option("--json", help="JSON in place of a table.")]
Code = Annotated[str, typer.Option(help="Only entries with this stable code.")]


@app.command("list")
def list_letters(
    code: Code = "",
    every: Annotated[bool, typer.Option("--all", help="Also replayed and discarded ones.")] = False,
    json: Json = False,
) -> None:
    """List the entries with code, place and reason; never their content."""
    asyncio.run(_list(code, every=every, json=json))


async def _find(ports: ServicePorts, code: str, *, every: bool) -> list[DeadLetterDoc]:
    where: dict[str, Scalar | tuple[Scalar, ...]] = {} if every else {"status": "open"}
    if code:
        where["code"] = code
    return await collect(ports.documents, DEAD_LETTERS, Query(where=where, limit=500))


async def _list(code: str, *, every: bool, json: bool) -> None:
    async with open_ports(read_settings(BaseServiceSettings)) as ports:
        found = await _find(ports, code, every=every)
    if json:
        for doc in found:
            emit(_line(doc))
        return
    if not found:
        OUT.print("No dead letters. Everything that came in went through.")
        return
    table = Table("id", "status", "stage", "code", "where", "why")
    for doc in found:
        table.add_row(doc.id, doc.status, doc.stage, doc.code, str(doc.place), doc.message)
    OUT.print(table)
    OUT.print("After the cause is mended: trialbridge dead-letters replay ID (or --code CODE).")


def _line(doc: DeadLetterDoc) -> dict[str, Any]:
    return {
        "id": doc.id, "status": doc.status, "stage": doc.stage, "topic": doc.topic, "code": doc.code,
        "where": str(doc.place), "message": doc.message, "ticket": doc.ticket, "first_seen": doc.first_seen,
    }  # fmt: skip


@app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Entries to replay, by id.")] = None,
    code: Code = "",
    wait: Annotated[float, typer.Option(help="Seconds to wait for the services to take it up.")] = 30.0,
    json: Json = False,
) -> None:
    """Send entries through again; what has gone through before has no second effect. The services must be running."""
    if not ids and not code:
        raise typer.BadParameter("name entries by id, or a --code")
    refused = asyncio.run(_replay(ids or [], code, wait, json=json))
    if refused:
        raise typer.Exit(EXIT_INPUT)


async def _replay(ids: list[str], code: str, wait: float, *, json: bool) -> int:
    refused = 0
    async with open_ports(read_settings(BaseServiceSettings)) as ports:
        chosen = ids or [doc.id for doc in await _find(ports, code, every=False)]
        for identity in chosen:
            answer = await ask(ports, "coatcheck", "replay", {"dead_letter": identity}, wait)
            if json:
                emit({"id": identity, "status": answer.status, "code": answer.code, "message": answer.message})
            elif answer.status == "done":
                OUT.print(f"{identity}: sent through again")
            else:
                complain(identity, answer.code or answer.status, answer.message or "No service has taken it up yet.")
            refused += answer.status != "done"
    if not chosen and not json:
        OUT.print("Nothing to replay.")
    return refused
