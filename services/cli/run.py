"""``trialbridge run``: services in this process, with the settings from the environment, until Ctrl-C."""

import asyncio
import contextlib
from typing import Annotated

import typer

from services.cli.house import SERVICES, open_house
from services.cli.output import ERR
from services.portal.bootstrap import build as build_portal
from services.portal.settings import PortalSettings
from trialbridge.runtime.health import health_door, web_door
from trialbridge.runtime.serve import stop_on_signals
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.telemetry import logs

PORTAL = "portal"


def run(
    services: Annotated[list[str] | None, typer.Argument(help="Which services; all by default.")] = None,
) -> None:
    """Run services in this process until Ctrl-C; the embedded stores allow one such process."""
    names = services or [*SERVICES, PORTAL]
    for name in names:
        if name not in SERVICES and name != PORTAL:
            raise typer.BadParameter(f"there is no service {name}; there are {', '.join([*SERVICES, PORTAL])}")
    base = read_settings(BaseServiceSettings)
    logs.configure(base.log_level)
    asyncio.run(_run(base, names))


async def _run(base: BaseServiceSettings, names: list[str]) -> None:
    stop = stop_on_signals()
    async with (
        open_house({}, [name for name in SERVICES if name in names]) as house,
        contextlib.AsyncExitStack() as doors,
    ):
        await doors.enter_async_context(health_door(base, "run", house.ports.documents.ping))
        if PORTAL in names:
            settings = read_settings(PortalSettings)
            door = web_door(build_portal(settings, house.ports), settings.portal_host, settings.portal_port)
            port = await doors.enter_async_context(door)
            ERR.print(f"The portal listens on http://{settings.portal_host}:{port}")
        waits = [asyncio.create_task(stop.wait())]
        if house.stages:
            waits.append(asyncio.create_task(house.failure()))  # type: ignore[arg-type]  # both end the wait
        done, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in left:
            one.cancel()
        for one in done:
            one.result()
