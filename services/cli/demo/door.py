"""The real-time door of a demo in this process: its clients, made anew for each run, and messages sent to it by HTTP."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from services.gateway.clients import Client
from trialbridge.contracts.errors import Unavailable
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.testkit.feeds import PlainBundle
from trialbridge.testkit.places import NETWORK

TRIES: Final = 300
PAUSE: Final = 0.2
KEY_BYTES: Final = 32
SECONDS: Final = 30.0
PORTS: Final = range(10_000, 32_768)
ACCEPTED: Final = b"MSA|AA|"
AGAIN: Final = (429, 503)


@dataclass(frozen=True, slots=True)
class Door:
    """A gateway on loopback, and the API key of each feed that sends to it. Keys live as long as the process."""

    port: int
    clients_file: Path
    keys: Mapping[SourceId, str] = field(repr=False)
    client: httpx.AsyncClient = field(repr=False)
    """Whoever made the door closes it."""

    @property
    def url(self) -> str:
        """Return where messages are posted."""
        return f"http://127.0.0.1:{self.port}/hl7v2"

    @property
    def settings(self) -> dict[str, Any]:
        """Return the gateway's settings."""
        return {"gateway_port": self.port, "gateway_host": "127.0.0.1", "clients_file": self.clients_file}

    async def send(self, message: PlainBundle) -> None:
        """Send a message until it is acknowledged; raise `Unavailable` ``demo.message-refused`` where it never is."""
        headers = {"x-api-key": self.keys[message.source], "content-type": "application/hl7-v2"}
        for _ in range(TRIES):
            try:
                answer = await self.client.post(self.url, content=message.body, headers=headers)
            except httpx.TransportError:
                # The stage has started; its door opens within moments.
                answer = None
            if answer is not None and answer.is_success and ACCEPTED in answer.content:
                return
            if answer is not None and answer.status_code not in AGAIN:
                break
            await asyncio.sleep(PAUSE)
        raise Unavailable("demo.message-refused", "The real-time door of the demo did not take a message.")


def make_door(state: Path, senders: Iterable[tuple[TenantId, SourceId]]) -> Door:
    """Return a door on a free port, with a fresh key for each feed; writes the file of who may send into ``state``."""
    path, keys, clients = state / "clients.json", {}, []
    for tenant, source in senders:
        keys[source] = secrets.token_urlsafe(KEY_BYTES)
        digest = sha256(keys[source].encode()).hexdigest()
        name = source.replace("/", "-")
        clients.append(Client(name, tenant, NetworkId(NETWORK), source, api_key=digest))
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(clients))
    return Door(_free_port(), path, keys, httpx.AsyncClient(trust_env=False, timeout=SECONDS))


def _free_port() -> int:
    """Return a port that stays free until the door opens: it is none of those that a system gives to whoever asks for any."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", PORTS.start + secrets.randbelow(len(PORTS))))
            return int(probe.getsockname()[1])
