"""Puts the real-time door together."""

import asyncio
import contextlib
import ipaddress
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.gateway.agents import handlers
from services.gateway.clients import Client, Clients, read_clients
from services.gateway.conversion import Converters
from services.gateway.desk import Desk
from services.gateway.handlers import Delivering
from services.gateway.intake import Intake
from services.gateway.limits import Rates
from services.gateway.mllp import MllpDoor, mllp_server
from services.gateway.routes import HttpDoor, front
from services.gateway.settings import GatewaySettings
from services.gateway.tokens import Tokens, signing_key
from trialbridge.contracts.errors import Misconfigured, Refused
from trialbridge.runtime.doors import DoorLimits, public_door, tls_context
from trialbridge.runtime.effects import Emitter, Loop
from trialbridge.runtime.serve import ServicePorts, answers
from trialbridge.runtime.stage.stage import Ports, Stage
from trialbridge.vault.envelope import context_of

KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Checked:
    """What the settings name, read and found right."""

    clients: Clients
    tls: ssl.SSLContext | None
    mllp_tls: ssl.SSLContext | None
    mllp_client: Client | None


def build(
    settings: GatewaySettings, ports: ServicePorts, told: Callable[[str, int], None] = lambda _door, _port: None
) -> Stage:
    """Return the stage; nothing is opened yet. ``told`` hears on which port each door listens.

    Raises `Misconfigured` where clients or certificates cannot be read, or MLLP would be plain beyond this machine.
    """
    checked = _check(settings) if settings.gateway_port or settings.mllp_port else None
    stage = Stage("gateway", settings, Ports(ports.documents, ports.seal, ports.now), handlers())
    if checked is not None:
        stage.background = _loops(settings, ports, stage, checked, told)
    return stage


def _check(settings: GatewaySettings) -> Checked:
    clients = _clients(settings)
    tls = None
    if settings.door_certificate_file is not None:
        tls = tls_context(settings.door_certificate_file, settings.door_key_file)
    if not settings.mllp_port:
        return Checked(clients, tls, None, None)
    return Checked(clients, tls, _mllp_tls(settings, tls), _mllp_client(settings, clients))


def _loops(
    settings: GatewaySettings, ports: ServicePorts, stage: Stage, checked: Checked, told: Callable[[str, int], None]
) -> tuple[Loop, ...]:
    converters = Converters(settings.converters, settings.terminology)
    delivering = Delivering(stage.links, ports.objects, ports.keys, converters, ports.now)
    intake = Intake(
        delivering.deliver, settings.commit_messages, settings.waiting_kib * KIB, settings.commit_wait,
        settings.commits_at_once,
    )  # fmt: skip
    tokens = Tokens(checked.clients, signing_key(ports.keys.pseudonyms()), ports.now)
    desk = Desk(checked.clients, tokens, Rates(settings.client_rate, time.monotonic), intake, ports.now)
    found: list[Loop] = [_committing(intake, converters, checked.clients, ports)]
    if settings.gateway_port:
        found.append(_http(settings, ports, stage, desk, checked.tls, told))
    if settings.mllp_port:
        found.append(_mllp(settings, desk, checked, told))
    return tuple(found)


def _clients(settings: GatewaySettings) -> Clients:
    if settings.clients_file is None:
        raise Misconfigured(
            "settings.clients-missing",
            "TRIALBRIDGE_GATEWAY_PORT and TRIALBRIDGE_MLLP_PORT need TRIALBRIDGE_CLIENTS_FILE; "
            "trialbridge gateway add-client writes one.",
        )
    return read_clients(settings.clients_file)


def _committing(intake: Intake, converters: Converters, clients: Clients, ports: ServicePorts) -> Loop:
    async def run(emitter: Emitter) -> None:
        await _check_keys(clients, ports)
        try:
            await intake.run(emitter)
        finally:
            converters.close()

    return run


async def _check_keys(clients: Clients, ports: ServicePorts) -> None:
    """Refuse to open where a client's messages could not be sealed."""
    for one in clients:
        try:
            await ports.seal.prepare(one.network)
            await ports.keys.data_key(one.tenant, context_of(one.tenant))
        except Refused:
            raise Misconfigured(
                "settings.client-without-key",
                f"The key ring has no key for the network or tenant of client {one.client}; add one.",
            ) from None


def _http(
    settings: GatewaySettings, ports: ServicePorts, stage: Stage, desk: Desk, tls: ssl.SSLContext | None,
    told: Callable[[str, int], None],
) -> Loop:  # fmt: skip
    door = HttpDoor(desk, settings.message_kib * KIB, settings.receive_seconds)
    app = front(door, lambda: answers([stage], ports.documents))
    limits = DoorLimits(settings.door_connections, settings.receive_seconds)

    async def serve(emitter: Emitter) -> None:
        del emitter
        async with public_door(app, settings.gateway_host, settings.gateway_port, limits, tls) as port:
            told("http", port)
            await asyncio.Event().wait()

    return serve


def _mllp(settings: GatewaySettings, desk: Desk, checked: Checked, told: Callable[[str, int], None]) -> Loop:
    door = MllpDoor(
        desk, checked.mllp_client, settings.message_kib * KIB, settings.door_connections, settings.receive_seconds,
        settings.idle_seconds,
    )  # fmt: skip

    async def serve(emitter: Emitter) -> None:
        del emitter
        async with contextlib.AsyncExitStack() as stack:
            try:
                server = mllp_server(door, settings.mllp_host, settings.mllp_port, checked.mllp_tls)
                told("mllp", await stack.enter_async_context(server))
            except OSError:
                raise Misconfigured(
                    "web.port-taken", f"Port {settings.mllp_port} on {settings.mllp_host} cannot be had."
                ) from None
            await asyncio.Event().wait()

    return serve


def _mllp_tls(settings: GatewaySettings, tls: ssl.SSLContext | None) -> ssl.SSLContext | None:
    if settings.door_certificate_file is None:
        if not _loopback(settings.mllp_host) or settings.mllp_client_ca_file is not None:
            raise Misconfigured(
                "settings.mllp-plain",
                "TRIALBRIDGE_MLLP_HOST: MLLP without TLS stays on loopback; name TRIALBRIDGE_DOOR_CERTIFICATE_FILE.",
            )
        return None
    if settings.mllp_client_ca_file is None:
        return tls
    return tls_context(settings.door_certificate_file, settings.door_key_file, settings.mllp_client_ca_file)


def _mllp_client(settings: GatewaySettings, clients: Clients) -> Client | None:
    if settings.mllp_client_ca_file is not None and not settings.mllp_client:
        return None
    client = clients.named(settings.mllp_client)
    if client is None:
        raise Misconfigured(
            "settings.mllp-client",
            "TRIALBRIDGE_MLLP_CLIENT must name a client of the clients' file, or TRIALBRIDGE_MLLP_CLIENT_CA_FILE be set.",
        )
    return client


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
