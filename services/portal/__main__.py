"""Run the portal as a process."""

import asyncio

from services.portal.bootstrap import build
from services.portal.settings import PortalSettings
from trialbridge.runtime.health import health_door, web_door
from trialbridge.runtime.serve import open_ports, run_process, stop_on_signals


async def main(settings: PortalSettings) -> None:
    """Serve until SIGTERM."""
    stop = stop_on_signals()
    async with (
        open_ports(settings) as ports,
        health_door(settings, "portal", ports.documents.ping),
        web_door(build(settings, ports), settings.portal_host, settings.portal_port),
    ):
        await stop.wait()


if __name__ == "__main__":
    run_process(PortalSettings, lambda settings: asyncio.run(main(settings)))
