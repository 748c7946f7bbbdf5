"""``trialbridge trial regulatory``: record what an authority says of a registered trial."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import emit, say
from services.cli.places import State, settings_of
from services.cli.trial import app
from trialbridge.contracts.documents import REGULATORY, TRIALS, CommandDoc
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.statements import Said, statement_of, told_of

__all__ = ["app"]
_SITE = "the form is SITE=active or SITE=inactive"


@app.command()
def regulatory(
    trial: Annotated[str, typer.Argument(help="The trial's id.")],
    authority: Annotated[str, typer.Option(help="Who says so, for example an ethics board.")],
    approved: Annotated[
        bool | None, typer.Option("--approved/--not-approved", help="Whether its approval is in force.")
    ] = None,
    hold: Annotated[bool | None, typer.Option("--hold/--lift", help="Put the trial on hold, or lift the hold.")] = None,
    reason: Annotated[str, typer.Option(help="Why it is on hold; laboratories and practices read it.")] = "",
    site: Annotated[list[str] | None, typer.Option(help="SITE=active or SITE=inactive; once for each site.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the trial feed to take it up.", min=0)] = 30.0,
    state: State = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Record a statement; what is not named stays as it is in force. The trial feed must be running.

    It is in force at once: a hold takes approvals back, and the practices are told. Exit code 0: in force; 1: refused, with
    the reason; 69: nobody has taken it up within the wait.
    """
    said = Said(authority, approved, hold, reason, _sites(site or []))
    answer, words = asyncio.run(_ask(trial, said, wait, state))
    from services.cli.asking import tell_answers

    if answer.status == "done" and json:
        emit({"id": trial, "status": answer.status, "code": "", "message": words})
    elif answer.status == "done":
        say(f"{trial}: {answer.message or words}")
    else:
        tell_answers([(trial, answer)], "regulatory", "", json=json)


def _sites(named: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in named]
    if not all(name and mark and status for name, mark, status in pairs):
        raise typer.BadParameter(_SITE, param_hint="--site")
    return {name: status for name, _, status in pairs}


async def _ask(trial: str, said: Said, wait: float, state: Path | None) -> tuple[CommandDoc, str]:
    """Return the request with its answer, and the statement in words."""
    # Here, so that the other commands of the group need not wait for the libraries of stores.
    from services.cli.asking import answer_to, command, send
    from trialbridge.ledger.actions import Action
    from trialbridge.runtime.serve import open_ports

    async with open_ports(settings_of(state)) as ports:
        doc = await ports.documents.get(TRIALS, trial)
        if doc is None:
            raise Refused("trial.unknown", "There is no such trial; register it first.")
        statement = statement_of(doc, await ports.documents.get(REGULATORY, trial), said)
        request = command(ports, "trialfeed", "set_regulatory", statement)
        await send(ports, request, Action.CLI_REGULATORY_SET, trial, told_of(statement))
        return await answer_to(ports, request, wait), told_of(statement)
