"""A real-time door in a process of its own, embedded or on the test bed, and engines that send to it by HTTP and MLLP."""

import asyncio
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tests.e2e.running import PATIENCE, Cluster, clean_environment, kill, trialbridge, wait_until
from trialbridge.contracts.documents import PATIENTS, RECORDS, TICKETS, Collection
from trialbridge.contracts.events import Display
from trialbridge.runtime.paging import every
from trialbridge.runtime.ports import Query
from trialbridge.runtime.serve import open_ports
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.stores import create_keyring
from trialbridge.testkit.adt_load import adt_message
from trialbridge.testkit.places import NETWORK, TENANTS
from trialbridge.testkit.pseudonyms import PSEUDONYM_KEY

PRACTICE = TENANTS[0].id
SECONDS = 60
SERVICES = ("gateway", "patientview")


def free_port() -> int:
    """Return a port that stays free while the door is down: below those that the system gives to whoever asks for any."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", secrets.randbelow(20_000) + 10_000))
            return int(probe.getsockname()[1])


@dataclass
class Door:
    """Where the door is, who may send, and where its stores are."""

    folder: Path
    stores: dict[str, str]
    http_port: int = field(default_factory=free_port)
    mllp_port: int = field(default_factory=free_port)
    key: str = ""
    secret: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        done = trialbridge(
            "gateway", "add-client", self.folder / "clients.json", "--client", "engine", "--practice", PRACTICE,
            "--network", NETWORK, "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        self.key, self.secret = said["api_key"], said["client_secret"]

    @property
    def settings(self) -> dict[str, str]:
        return {
            "TRIALBRIDGE_GATEWAY_PORT": str(self.http_port),
            "TRIALBRIDGE_MLLP_PORT": str(self.mllp_port),
            "TRIALBRIDGE_MLLP_CLIENT": "engine",
            "TRIALBRIDGE_CLIENTS_FILE": str(self.folder / "clients.json"),
        }

    def start(self) -> None:
        """Start gateway and patientview in one process over embedded stores."""
        log = (self.folder / "run.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "run", *SERVICES], stdout=log, stderr=log, start_new_session=True,
            env=clean_environment({**self.stores, **self.settings}),
        )  # fmt: skip
        log.close()
        self.wait()

    def wait(self) -> None:
        """Return once both doors are open."""
        wait_until(lambda: self._ready() and self._listens())

    def _ready(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            asked = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=SECONDS)
            asked.request("GET", "/readyz")
            return asked.getresponse().status == 200
        return False

    def _listens(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.mllp_port), SECONDS).close()
            return True
        return False

    def kill(self) -> None:
        assert self.process is not None
        kill(self.process)

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0

    def post(self, body: bytes, path: str = "/hl7v2", headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Send one request; return status and body."""
        given = {"authorization": f"Bearer {self.key}", "content-type": "application/hl7-v2"}
        asked = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=SECONDS)
        try:
            asked.request("POST", path, body, given if headers is None else dict(headers))
            answer = asked.getresponse()
            return answer.status, answer.read()
        finally:
            asked.close()

    def mllp(self, body: bytes) -> bytes:
        """Send one frame; return the acknowledgement."""
        with socket.create_connection(("127.0.0.1", self.mllp_port), SECONDS) as line:
            line.sendall(b"\x0b" + body + b"\x1c\r")
            found = b""
            while not found.endswith(b"\x1c\r"):
                part = line.recv(65536)
                assert part, "hung up"
                found += part
            return found[1:-2]

    def documents(self, collection: Collection[Any]) -> list[Any]:
        """Return all documents of a collection."""
        return asyncio.run(self._documents(collection))

    async def _documents(self, collection: Collection[Any]) -> list[Any]:
        before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("TRIALBRIDGE_")}
        os.environ.update(self.stores)
        try:
            settings = BaseServiceSettings()
        finally:
            for name in self.stores:
                os.environ.pop(name, None)
            os.environ.update(before)
        async with open_ports(settings) as ports:
            return [doc async for doc in every(ports.documents, collection, Query(limit=500))]

    def patients(self) -> set[str]:
        """Return the record numbers of all patients that have a view."""
        found = set()
        for doc in self.documents(PATIENTS):
            display: Display = msgspec.json.decode(doc.display, type=Display)
            found |= set(display.local_ids.values())
        return found

    def wait_for(self, numbers: set[int]) -> None:
        """Return once the patients of these messages have views."""
        wanted = {f"L{number:08}" for number in numbers}
        wait_until(lambda: wanted <= self.patients())


def embedded_door(folder: Path) -> Door:
    """Return a door over stores of its own in a folder; not started."""
    create_keyring(folder / "keys.json", [NETWORK, PRACTICE], PSEUDONYM_KEY)
    return Door(
        folder,
        {
            "TRIALBRIDGE_BROKER": f"trialbridge-embedded://{folder / 'log.db'}",
            "TRIALBRIDGE_DOCUMENTS": f"sqlite://{folder / 'documents.db'}",
            "TRIALBRIDGE_OBJECTS": f"file://{folder / 'objects'}",
            "TRIALBRIDGE_KEYRING": str(folder / "keys.json"),
        },
    )


def cluster_door(services: Cluster) -> Door:
    """Start a gateway beside running services of the test bed."""
    door = Door(services.folder, services.environment)
    services.environment = {**services.environment, **door.settings}
    services.start("gateway")
    door.wait()
    return door


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Door]:
    """Yield a running embedded door."""
    door = embedded_door(folder)
    door.start()
    try:
        yield door
    finally:
        if door.process is not None and door.process.poll() is None:
            kill(door.process)


__all__ = ["RECORDS", "TICKETS", "Door", "adt_message", "cluster_door", "embedded_door", "running"]
