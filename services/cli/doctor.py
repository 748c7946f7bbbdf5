"""``trialbridge doctor``: is everything set up so that the services can start?"""

import asyncio
import contextlib
import platform
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import typer

from services.cli.demo.settled import groups
from services.cli.output import EXIT_AWAY, EXIT_CONFIG, OUT, emit
from trialbridge.contracts.errors import Misconfigured, Retryable, TrialbridgeError
from trialbridge.runtime import stores
from trialbridge.runtime.backlog import backlog
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.web import product_version


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    what: str
    state: Literal["ok", "away", "wrong"]
    message: str
    code: str = ""


def doctor(json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Check settings, key ring, event log, document store and object store before any data is touched."""
    findings = asyncio.run(_examine())
    if json:
        emit({"version": product_version(), "findings": [asdict(one) for one in findings]})
    else:
        for one in findings:
            mark = {"ok": "[green]ok[/]", "away": "[yellow]away[/]", "wrong": "[red]wrong[/]"}[one.state]
            OUT.print(f"{mark:<18} {one.what}: {one.message}")
    if any(one.state == "wrong" for one in findings):
        raise typer.Exit(EXIT_CONFIG)
    if any(one.state == "away" for one in findings):
        raise typer.Exit(EXIT_AWAY)


async def _examine() -> list[Finding]:
    findings = [Finding("trialbridge", "ok", f"version {product_version()}, Python {platform.python_version()}")]
    try:
        settings = read_settings(BaseServiceSettings)
    except Misconfigured as error:
        return [*findings, Finding("settings", "wrong", error.message, error.code)]
    findings.append(Finding("settings", "ok", "all understood"))
    return [
        *findings,
        await _try("key ring", lambda: _keys(settings), str(settings.keyring)),
        await _try("document store", lambda: _documents(settings), settings.documents.split("@")[-1]),
        await _try("object store", lambda: _objects(settings), settings.objects),
        await _try("event log", lambda: _log(settings), settings.broker),
    ]


async def _try(what: str, attempt: Callable[[], Awaitable[None]], where: str) -> Finding:
    try:
        await attempt()
    except TrialbridgeError as error:
        return Finding(what, "away" if isinstance(error, Retryable) else "wrong", error.message, error.code)
    return Finding(what, "ok", where)


async def _keys(settings: BaseServiceSettings) -> None:
    await stores.open_keys(settings).ping()


async def _documents(settings: BaseServiceSettings) -> None:
    store = stores.open_documents(settings, stores.open_seal(settings, stores.open_keys(settings)))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        await store.ping()


async def _objects(settings: BaseServiceSettings) -> None:
    store = stores.open_objects(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        await store.ping()


async def _log(settings: BaseServiceSettings) -> None:
    await backlog(settings.broker, groups(settings), settings)
