"""``trialbridge demo``: synthetic practices, real services, one live picture, a summary, and the portal."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from services.cli.demo.director import Director
from services.cli.demo.door import Door, make_door
from services.cli.demo.live import LiveView
from services.cli.demo.options import DemoOptions
from services.cli.demo.outcome import show
from services.cli.demo.scripts import script_for
from services.cli.demo.sign_ins import SIGN_INS
from services.cli.demo.summary import summarise
from services.cli.house import House, open_house, own
from services.cli.match import day_of
from services.cli.output import ERR, EXIT_INPUT, EXIT_STOPPED, OUT, emit, remark
from services.cli.places import check_keyring, stores_below
from services.cli.wanted import check_settings
from services.portal.bootstrap import build as build_portal
from services.portal.settings import PortalSettings
from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.health import web_door
from trialbridge.runtime.serve import open_ports, stop_on_signals
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stores import create_keyring
from trialbridge.runtime.telemetry import logs
from trialbridge.testkit.places import NETWORK, TENANTS
from trialbridge.testkit.pseudonyms import PSEUDONYM_KEY
from trialbridge.testkit.script import Script, shuffled
from trialbridge.testkit.world import AS_OF, PATIENTS, SEED

STATE: Final = Path(".trialbridge/demo")


def demo(
    state: Annotated[
        Path, typer.Option(help="Folder of the embedded stores; a second run goes on from there.")
    ] = STATE,
    once: Annotated[bool, typer.Option("--once", help="End after the run, without the portal.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object last.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic patients; the same seed gives the same run.")] = SEED,
    patients: Annotated[int, typer.Option(help="How many synthetic patients.", min=1)] = PATIENTS,
    data: Annotated[
        Path | None, typer.Option(help="Your own folder of FHIR bundles, NDJSON and HL7 v2 messages.")
    ] = None,
    trials: Annotated[Path | None, typer.Option(help="Your own folder of trials (YAML, JSON or CTML).")] = None,
    terminology: Annotated[
        Path | None, typer.Option(help="Your own folder of imported tables of terms; else the packaged ones.")
    ] = None,
    as_of: Annotated[str, typer.Option(help="Day of the evaluation, YYYY-MM-DD.")] = AS_OF.isoformat(),
    port: Annotated[int, typer.Option(help="Port of the portal; 0 takes a free one.")] = 8080,
    attach: Annotated[
        bool, typer.Option("--attach", help="Feed services that already run, as TRIALBRIDGE_ settings say.")
    ] = False,
    repeat: Annotated[
        int, typer.Option(help="Deliver each ticket so many times; the end is the same.", min=1, max=9)
    ] = 1,
    shuffle: Annotated[
        int, typer.Option(help="Deliver in the order of this seed; 0 keeps the order, the end is the same.")
    ] = 0,
) -> None:
    """Run the whole pipeline on synthetic patients (or your own data), then serve the portal until Ctrl-C.

    Run again on the same --state it goes on where it stopped. `trialbridge dead-letters list --state DIR` and
    `trialbridge ticket issue FILE --state DIR` look at it and feed it further.
    """
    options = DemoOptions(
        state=state, seed=seed, patients=patients, as_of=day_of(as_of), data=data, trials=trials,
        terminology=terminology, once=once, json=json, attach=attach, repeat=repeat, shuffle=shuffle, port=port,
    )  # fmt: skip
    if attach and terminology is not None:
        raise typer.BadParameter("running services have a setting of their own", param_hint="--terminology")
    check_settings(given={} if attach else stores_below(state))
    script = script_for(options)
    if shuffle:
        script = shuffled(script, shuffle)
    if not asyncio.run(_attached(options, script) if attach else _embedded(options, script)):
        raise typer.Exit(EXIT_INPUT)


def embedded_settings(options: DemoOptions) -> dict[str, Any]:
    """Return the settings of a run in this process, with its stores under the state folder; makes folder and keys."""
    state = options.state.resolve()
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        raise Misconfigured(
            "state.unusable", f"{state} cannot be made a folder; name another one with --state."
        ) from None
    check_keyring(state)
    keyring = state / "keys.json"
    if not keyring.exists():
        own_data = options.data is not None
        scopes = [NETWORK, "own-data", *(tenant.id for tenant in TENANTS)]
        create_keyring(keyring, scopes, None if own_data else PSEUDONYM_KEY)
    terms = {"terminology": options.terminology.resolve()} if options.terminology else {}
    return {
        **stores_below(state),
        **terms,
        "commit_interval": 0.2,
        "heartbeat_interval": 0.25,
        "poll_interval": 0.1,
        "log_level": "error",
    }


async def _embedded(options: DemoOptions, script: Script) -> bool:
    # From the start: Ctrl-C must let stages end in order, also those that are only starting.
    stop = stop_on_signals()
    logs.configure("error")
    given = embedded_settings(options)
    extra: dict[str, dict[str, Any]] = {"trialfeed": {"as_of": options.as_of.isoformat()}}
    senders = script.senders
    door = make_door(options.state.resolve(), senders) if senders else None
    if door is not None:
        extra["gateway"] = door.settings
    async with open_house(given, extra=extra) as house, contextlib.AsyncExitStack() as doors:
        if door is not None:
            await doors.enter_async_context(door.client)
        url = "" if options.once else await doors.enter_async_context(_portal(house, given, options.port))
        director = Director(house.ports, house.settings, script, options.repeat, door)
        await director.claim(options.fingerprint())
        stopped = asyncio.create_task(stop.wait())
        failure = asyncio.create_task(house.failure())
        work = asyncio.create_task(_direct(director, options, script))
        await _first(failure, work, stopped)
        if not work.done():
            await _cancel(work)
            remark("Stopped; the same command goes on from here.")
            raise typer.Exit(EXIT_STOPPED)
        if url:
            _show_portal(ERR if options.json else OUT, url, door)
            await _first(failure, stopped)
        return work.result()


async def _first(*tasks: asyncio.Task[Any]) -> None:
    """Return when the first of the tasks has ended; raise what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for one in done:
        one.result()


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _attached(options: DemoOptions, script: Script) -> bool:
    settings = read_settings(BaseServiceSettings)
    logs.configure(settings.log_level)
    async with open_ports(settings) as ports:
        director = Director(ports, settings, script, options.repeat)
        await director.claim(options.fingerprint())
        return await _direct(director, options, script)


async def _direct(director: Director, options: DemoOptions, script: Script) -> bool:
    """Play the script and show what came out; return whether all that was asked for was accepted."""
    console = ERR if options.json else OUT
    with LiveView(console, director.ports.documents, len(script.steps), script.bundles * options.repeat) as view:
        await director.run(view)
    result = await summarise(director.ports.documents, director.seconds)
    if options.json:
        emit(result)
    else:
        where = "" if options.attach else f" --state {options.state}"
        await show(console, director.ports.documents, result, f"trialbridge dead-letters list{where}")
    return not result["refused"]


@contextlib.asynccontextmanager
async def _portal(house: House, given: dict[str, Any], port: int) -> AsyncIterator[str]:
    settings = read_settings(
        PortalSettings, **own(PortalSettings, given), portal_port=port, demo_sign_ins=SIGN_INS, secure_cookies=False
    )
    async with web_door(build_portal(settings, house.ports), "127.0.0.1", port) as listening:
        yield f"http://127.0.0.1:{listening}"


def _show_portal(console: Console, url: str, door: Door | None) -> None:
    console.print()
    console.print(
        f"The portal is open: [bold]{url}[/]  (one-click sign-in as practice, laboratory, auditor or operator)"
    )
    for feed, key in (door.keys if door else {}).items():
        words = f"The real-time door takes HL7 v2 of {feed} at {door.url if door else ''}, with X-API-Key: {key}"
        console.print(words, markup=False, highlight=False, soft_wrap=True)
    console.print("Ctrl-C ends it; the same command goes on from here.")
