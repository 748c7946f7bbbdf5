"""``trialbridge notifications``: webhooks that did not get through, and sending them again."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.asking import answer_to, command, send, tell_answers
from services.cli.output import OUT, emit, say, show_rows
from services.cli.places import State, settings_of
from trialbridge.contracts.documents import DELIVERIES, CommandDoc, DeliveryDoc
from trialbridge.ledger.actions import Action
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query
from trialbridge.runtime.serve import ServicePorts, open_ports

app = typer.Typer(no_args_is_help=True, help="Webhooks that did not get through, and sending them again.")
UNDELIVERED = ("failed", "disabled")
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Wait = Annotated[float, typer.Option(help="Seconds to wait for the notifier to take it up.", min=0)]


@app.command("list")
def list_deliveries(
    every: Annotated[bool, typer.Option("--all", help="Also delivered ones and those that are still tried.")] = False,
    state: State = None,
    json: Json = False,
) -> None:
    """List webhooks that were given up, with the endpoint's last answer; never what they say."""
    found = asyncio.run(_find(every, state))
    if json:
        for doc in found:
            emit(_line(doc))
    elif found:
        rows = [[str(value) for value in _line(doc).values()] for doc in found]
        show_rows(OUT, ("id", "status", "practice", "endpoint", "attempts", "answer", "why"), rows)
    else:
        say("No webhook yet." if every else "Every webhook got through, or is still tried.")


async def _find(every: bool, state: Path | None) -> list[DeliveryDoc]:
    async with open_ports(settings_of(state)) as ports:
        return await collect(ports.documents, DELIVERIES, Query({} if every else {"status": UNDELIVERED}, limit=500))


def _line(doc: DeliveryDoc) -> dict[str, Any]:
    return {
        "id": doc.id, "status": doc.status, "tenant": doc.tenant, "endpoint": doc.endpoint, "attempts": doc.attempts,
        "last_code": doc.last_code, "last_error": doc.last_error or "-",
    }  # fmt: skip


@app.command()
def redeliver(
    ids: Annotated[list[str] | None, typer.Argument(help="Webhooks to send again, by id.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that were given up.")] = False,
    wait: Wait = 30.0,
    state: State = None,
    json: Json = False,
) -> None:
    """Send webhooks again under the ids that they had: a receiver that keeps ids sees each once. The notifier must be running.

    Exit code 0: they are due; 1: one was refused, with the reason; 69: nobody has taken it up within the wait.
    """
    if not ids and not failed:
        raise typer.BadParameter("name webhooks by id, or --failed; trialbridge notifications list shows both")
    answers = asyncio.run(_redeliver(ids or [], wait, state))
    if not answers and not json:
        say("Nothing to send again.")
    tell_answers(answers, "redeliver", "is sent again", json=json)


async def _redeliver(ids: Sequence[str], wait: float, state: Path | None) -> list[tuple[str, CommandDoc]]:
    async with open_ports(settings_of(state)) as ports:
        chosen = ids or [
            doc.id for doc in await collect(ports.documents, DELIVERIES, Query({"status": "failed"}, limit=500))
        ]
        answers = await asyncio.gather(*(_ask(ports, {"delivery": one}, one, wait) for one in chosen))
        return list(zip(chosen, answers, strict=True))


@app.command()
def enable(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's id, as the webhooks' file has it.")],
    wait: Wait = 30.0,
    state: State = None,
    json: Json = False,
) -> None:
    """Call an endpoint again that had answered 410, never to be called; then redeliver what it missed."""
    tell_answers(asyncio.run(_enable(endpoint, wait, state)), "enable", "is called again", json=json)


async def _enable(endpoint: str, wait: float, state: Path | None) -> list[tuple[str, CommandDoc]]:
    async with open_ports(settings_of(state)) as ports:
        return [(endpoint, await _ask(ports, {"endpoint": endpoint}, endpoint, wait))]


async def _ask(ports: ServicePorts, body: Mapping[str, str], subject: str, wait: float) -> CommandDoc:
    request = command(ports, "notifier", "redeliver", body)
    await send(ports, request, Action.CLI_REDELIVERED, subject)
    return await answer_to(ports, request, wait)
