"""``trialbridge run``: services in this process, with the settings from the environment, until Ctrl-C."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from services.cli.house import SERVICES, build_house, own
from services.cli.output import remark
from services.cli.places import State, given_by
from services.cli.wanted import KINDS, PORTAL, check_settings
from services.portal.bootstrap import build as build_portal
from services.portal.settings import PortalSettings
from trialbridge.runtime.health import health_door, web_door
from trialbridge.runtime.serve import stop_on_signals
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.telemetry import logs


def run(
    services: Annotated[
        list[str] | None, typer.Argument(help=f"Which services, all by default: {', '.join(KINDS)}.")
    ] = None,
    state: State = None,
) -> None:
    """Run services in this process until Ctrl-C; the embedded stores allow one such process.

    Wrong settings are refused with exit code 78 before any data is touched; `trialbridge doctor` says more.
    """
    names = services or list(KINDS)
    for name in names:
        if name not in KINDS:
            raise typer.BadParameter(f"there is no service {name}; there are {', '.join(KINDS)}")
    given = given_by(state)
    check_settings(names, given)
    base = read_settings(BaseServiceSettings, **given)
    logs.configure(base.log_level)
    asyncio.run(_run(base, names, given))


async def _run(base: BaseServiceSettings, names: Sequence[str], given: Mapping[str, Any]) -> None:
    stop = stop_on_signals()
    async with (
        build_house(given, [name for name in SERVICES if name in names]) as house,
        # Before the stages start: a long recovery is alive, and not ready.
        health_door(base, "run", house.answers),
        house.running(),
        contextlib.AsyncExitStack() as doors,
    ):
        if PORTAL in names:
            settings = read_settings(PortalSettings, **own(PortalSettings, given))
            door = web_door(build_portal(settings, house.ports), settings.portal_host, settings.portal_port)
            port = await doors.enter_async_context(door)
            remark(f"The portal listens on http://{settings.portal_host}:{port}")
        remark(f"Running: {', '.join(names)}. Ctrl-C ends it.")
        waits = [asyncio.create_task(stop.wait())]
        if house.stages:
            waits.append(asyncio.create_task(house.failure()))  # type: ignore[arg-type]  # both end the wait
        done, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in left:
            one.cancel()
        for one in done:
            one.result()
