"""Puts the coat check together."""

import asyncio
from datetime import timedelta

from services.coatcheck import routes
from services.coatcheck.agents import handlers
from services.coatcheck.containers.limits import MIB, Limits
from services.coatcheck.desk import TicketDesk, desk
from services.coatcheck.handlers import Handlers
from services.coatcheck.mappings import read_mappings
from services.coatcheck.redeeming import Redeemer
from services.coatcheck.senders import read_senders
from services.coatcheck.settings import CoatcheckSettings
from services.coatcheck.sweep import Sweep
from services.coatcheck.waiting import WaitingRoom
from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.effects import Emitter, Loop
from trialbridge.runtime.health import web_door
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.stage.stage import Ports, Stage


def build(settings: CoatcheckSettings, ports: ServicePorts) -> Stage:
    """Return the stage; nothing is opened yet. Raises `Misconfigured` where API keys or mappings cannot be read."""
    redeemer = Redeemer(
        ports.objects,
        ports.keys,
        limits_of(settings),
        settings.max_object_mib * MIB,
        settings.max_faults,
        read_mappings(settings.mappings) if settings.mappings is not None else {},
    )
    return Stage(
        "coatcheck",
        settings,
        Ports(ports.documents, ports.seal, ports.now),
        handlers(Handlers(redeemer, ports.documents, ports.now)),
        background=loops(settings, ports),
    )


def limits_of(settings: CoatcheckSettings) -> Limits:
    """Return the caps on what a bundle may unfold to."""
    return Limits(settings.max_unpacked_mib * MIB, settings.max_entries, settings.max_nesting, settings.max_ratio)


def loops(settings: CoatcheckSettings, ports: ServicePorts) -> tuple[Loop, ...]:
    """Return the background loops: the desk, the waiting room, and where asked for the sweep and the ticket door."""
    work = TicketDesk(ports.documents, ports.seal, ports.now, timedelta(days=settings.ticket_days))
    waiting = WaitingRoom(
        ports.documents, ports.objects, ports.now, settings.poll_interval, settings.retry_first, settings.retry_longest
    )
    found: list[Loop] = [desk(work, settings.poll_interval), waiting]
    if settings.sweep_interval:
        grace = timedelta(seconds=settings.sweep_grace)
        found.append(
            Sweep(ports.documents, ports.objects, ports.now, settings.sweep_interval, settings.sweep_prefix, grace)
        )
    if settings.tickets_port:
        found.append(door(settings, ports))
    return tuple(found)


def door(settings: CoatcheckSettings, ports: ServicePorts) -> Loop:
    """Return the loop that takes tickets over HTTP; raise `Misconfigured` where the API keys cannot be read."""
    if settings.api_keys_file is None:
        raise Misconfigured(
            "settings.api-keys-missing",
            "TRIALBRIDGE_TICKETS_PORT needs TRIALBRIDGE_API_KEYS_FILE; name a file of keys.",
        )
    app = routes.create(ports.documents, read_senders(settings.api_keys_file), ports.now)

    async def serve(emitter: Emitter) -> None:
        del emitter
        async with web_door(app, settings.tickets_host, settings.tickets_port):
            await asyncio.Event().wait()

    return serve
