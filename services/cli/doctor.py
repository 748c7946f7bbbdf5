"""``trialbridge doctor``: is everything set up so that the services can start?"""

import asyncio
import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from services.cli.examine import Finding, examine
from services.cli.output import EXIT_AWAY, EXIT_CONFIG, OUT, emit, say
from services.cli.places import State, given_by
from services.cli.wanted import problems
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.web import product_version

STYLES: Final = {"ok": "green", "away": "yellow", "wrong": "red"}


def doctor(
    state: State = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check settings, key ring, document store, object store and event log; changes nothing.

    Exit code 0: services can start; 78: something is wrong, and the line says how to mend it; 69: something is away.
    """
    findings = asyncio.run(_findings(given_by(state)))
    if json:
        emit({"version": product_version(), "findings": [asdict(one) for one in findings]})
    else:
        _show(findings)
    if any(one.state == "wrong" for one in findings):
        raise typer.Exit(EXIT_CONFIG)
    if any(one.state == "away" for one in findings):
        raise typer.Exit(EXIT_AWAY)


async def _findings(given: Mapping[str, Any]) -> list[Finding]:
    product = Finding("trialbridge", "ok", f"version {product_version()}, Python {platform.python_version()}")
    wrong = problems(given=given)
    if wrong:
        # Where a setting is not understood, nothing can be said of what it names.
        return [product, *(Finding("settings", "wrong", one, "settings.invalid") for one in wrong)]
    settings = read_settings(BaseServiceSettings, **given)
    return [product, Finding("settings", "ok", "all understood"), *await examine(settings)]


def _show(findings: list[Finding]) -> None:
    if not OUT.is_terminal:
        for one in findings:
            say(f"{one.state:<6}{one.what}: {one.message}")
        return
    grid = Table.grid(padding=(0, 2))
    for one in findings:
        grid.add_row(Text(one.state, style=STYLES[one.state]), Text(one.what), Text(one.message))
    OUT.print(grid)
