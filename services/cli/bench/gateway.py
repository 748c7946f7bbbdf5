"""HL7 v2 from HTTP clients to patient views: throughput, acknowledgement, view, and what the processes spent on it."""

import asyncio
import contextlib
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from statistics import quantiles
from time import process_time
from typing import Any, Final

import msgspec

from services.cli.bench.sending import Load, Sent, send_all
from services.cli.demo.command import embedded_settings
from services.cli.demo.options import DemoOptions
from services.cli.house import build_house, open_house
from services.gateway.clients import Client
from services.gateway.conversion import work
from trialbridge.contracts.events import Display, PatientViewChanged
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.contracts.topics import PATIENT_VIEWS
from trialbridge.runtime import loops
from trialbridge.runtime.collector import calm_collector
from trialbridge.runtime.effects import Effects, Received
from trialbridge.runtime.serve import open_ports
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage.stage import Ports, Stage
from trialbridge.runtime.telemetry import logs
from trialbridge.runtime.yardstick.watching import Watcher
from trialbridge.testkit.adt_load import adt_message
from trialbridge.testkit.places import NETWORK, TENANTS

LOAD: Final = NETWORK
PATIENCE: Final = 1800.0
ALONE: Final = 1000
"""Messages of the baseline: parse and conversion alone, without a door and a log."""
GROUP: Final = 50
WARM: Final = 300
"""Messages before those that are measured: processes have loaded and connected then."""
RATE: Final = 1_000_000
_DISPLAY: Final = msgspec.json.Decoder(Display)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is measured."""

    messages: int
    clients: int
    outstanding: int
    seed: int
    workers: int = 1
    """Gateways, in cluster mode."""
    viewers: int = 1
    """Workers of patientview, in cluster mode."""
    converters: int = 0
    rate: float = 0.0
    """Messages a second; 0 for as many as are acknowledged."""

    def load(self, ports: Sequence[int], key: str, numbers: range, rate: float = 0.0) -> Load:
        """Return what the senders are told."""
        return Load(tuple(ports), key, numbers, self.clients * self.outstanding, self.seed, rate)


@dataclass(slots=True)
class Views:
    """Notes when the view of each message's patient is there."""

    seen: dict[int, float] = field(default_factory=dict)
    _wanted: int = 0
    _done: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, view: PatientViewChanged) -> None:
        """Note a view."""
        now = time.time()
        for local in _DISPLAY.decode(view.display).local_ids.values():
            if local.startswith("L"):
                self.seen.setdefault(int(local[1:]), now)
        if len(self.seen) >= self._wanted:
            self._done.set()

    async def take(self, record: Received[PatientViewChanged], effects: Effects) -> None:
        """Note a view, as a handler."""
        del effects
        self.note(record.payload)

    async def there(self, wanted: int) -> None:
        """Return when the views of so many messages are there; raise `TimeoutError` where they do not come."""
        self._wanted = wanted
        if len(self.seen) < wanted:
            self._done.clear()
            await asyncio.wait_for(self._done.wait(), PATIENCE)


def convert_alone(seed: int) -> float:
    """Return how many messages a second one process converts, in groups, without a door and a log."""
    client = Client("bench", TenantId("bench"), NetworkId("bench"), SourceId("bench/hl7v2"))
    bodies = [(str(number), adt_message(number, seed)) for number in range(ALONE)]
    work(client, "2026-06-01T08:00:00+00:00", bodies[:GROUP])
    started = time.perf_counter()
    for first in range(0, ALONE, GROUP):
        work(client, "2026-06-01T08:00:00+00:00", bodies[first : first + GROUP])
    return ALONE / (time.perf_counter() - started)


def write_clients(folder: Path) -> tuple[Path, str]:
    """Return a file of one client, and its API key."""
    key = secrets.token_urlsafe(32)
    tenant = TENANTS[0].id
    client = Client(
        "load", TenantId(tenant), NetworkId(LOAD), SourceId(f"{tenant}/load"), "", sha256(key.encode()).hexdigest()
    )
    path = folder / "clients.json"
    path.touch(0o600)
    path.write_bytes(msgspec.json.encode([client]))
    return path, key


async def measure_embedded(folder: Path, asked: Asked) -> dict[str, Any]:
    """Return the figures of one process with embedded stores; the senders are another one."""
    clients, key = write_clients(folder)
    port = _free_port()
    given = embedded_settings(DemoOptions(state=folder / "state", seed=asked.seed))
    extra = {"gateway": _door(port, clients, asked)}
    async with open_house(given, ("gateway", "patientview"), extra) as house:
        views = Views()
        watcher = Stage("bench", house.settings, Ports(house.ports.documents, house.ports.seal, house.ports.now),
                        {PATIENT_VIEWS: views.take})  # fmt: skip
        await watcher.start()
        try:
            return await _drive(views, asked, [port], key, {"services": [os.getpid()]})
        finally:
            await watcher.stop()


async def measure_cluster(folder: Path, asked: Asked) -> dict[str, Any]:
    """Return the figures of services as processes of their own, on the stores that the environment names."""
    clients, key = write_clients(folder)
    ports = [_free_port() for _ in range(asked.workers)]
    settings = read_settings(BaseServiceSettings)
    async with build_house({}, ("gateway", "patientview")):
        pass  # topics and collections are there before the processes start
    async with contextlib.AsyncExitStack() as stack:
        doors = [await stack.enter_async_context(_service("gateway", _door(one, clients, asked))) for one in ports]
        viewers = [await stack.enter_async_context(_service("patientview", {})) for _ in range(asked.viewers)]
        stores = await stack.enter_async_context(open_ports(settings))
        views, watcher = Views(), Watcher(settings, PATIENT_VIEWS, stores.seal)
        await watcher.start()
        watching = asyncio.create_task(_watch(watcher, views))
        try:
            processes = {"gateway": doors, "patientview": viewers, "watcher": [os.getpid()]}
            return await _drive(views, asked, ports, key, processes)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await watcher.stop()


async def _watch(watcher: Watcher, views: Views) -> None:
    async for payload in watcher.records():
        if isinstance(payload, PatientViewChanged):
            views.note(payload)


def _door(port: int, clients: Path, asked: Asked) -> dict[str, Any]:
    return {
        "gateway_port": port, "clients_file": clients, "client_rate": RATE, "converters": asked.converters,
        "door_connections": asked.clients * asked.outstanding + 16,
    }  # fmt: skip


@contextlib.asynccontextmanager
async def _service(name: str, given: Mapping[str, Any]) -> AsyncIterator[int]:
    """Run a service as a process of its own; yield its number."""
    more = {f"TRIALBRIDGE_{field.upper()}": str(value) for field, value in given.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{name}", env={**os.environ, **more}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def _drive(
    views: Views, asked: Asked, ports: Sequence[int], key: str, processes: Mapping[str, Sequence[int]]
) -> dict[str, Any]:
    """Send a few to warm up, then those that are measured."""
    for port in ports:
        await _listening(port)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        warm = range(asked.messages, asked.messages + WARM * len(ports))
        await asyncio.get_running_loop().run_in_executor(pool, send_all, asked.load(ports, key, warm))
        await views.there(len(warm))
        before = {name: _spent(pids) for name, pids in processes.items()}
        load = asked.load(ports, key, range(asked.messages), asked.rate)
        sent = await asyncio.get_running_loop().run_in_executor(pool, send_all, load)
        await views.there(asked.messages + len(warm))
        spent = {name: round(_spent(pids) - before[name], 1) for name, pids in processes.items()}
    return figures(sent, views.seen) | {"cpu_seconds": {**spent, "senders": sent.cpu}}


def _spent(processes: Sequence[int]) -> float:
    return sum(process_time() if one == os.getpid() else cpu_seconds(one) for one in processes)


def figures(sent: Sent, seen: Mapping[int, float]) -> dict[str, Any]:
    """Return rates and latencies out of when each message was sent, acknowledged and seen in a view."""
    begin = min(sent.began)
    acks = [end - start for start, end in zip(sent.began, sent.ended, strict=True)]
    viewed_at = [seen[number] for number in range(len(sent.began))]
    late = [at - start for at, start in zip(viewed_at, sent.began, strict=True)]
    acked, viewed = max(sent.ended) - begin, max(viewed_at) - begin
    return {
        "seconds_to_last_ack": round(acked, 2),
        "seconds_to_last_view": round(viewed, 2),
        "messages_per_second": round(len(sent.began) / viewed, 1),
        "acknowledged_per_second": round(len(sent.began) / acked, 1),
        "ack_seconds": _cuts(acks),
        "view_seconds": _cuts(late),
        "retried": sent.retried,
    }


def _cuts(values: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(values, n=100)
    return {"p50": round(cuts[49], 4), "p99": round(cuts[98], 4), "max": round(max(values), 4)}


def cpu_seconds(process: int) -> float:
    """Return the processor seconds that a process and its children have spent, where the system says it."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_seconds, map(int, children)))


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _listening(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)
    raise TimeoutError


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="trialbridge-bench-") as folder:
        yield Path(folder)


def measure(asked: Asked, *, cluster: bool) -> dict[str, Any]:
    """Return the figures, with the ratio to conversion alone in the same run."""
    logs.configure("error")
    calm_collector()
    alone = convert_alone(asked.seed)
    with _folder() as folder:
        found = loops.run(measure_cluster(folder, asked) if cluster else measure_embedded(folder, asked))
    return found | {
        "baseline": "convert_alone",
        "convert_alone_per_second": round(alone, 1),
        "ratio": round(found["messages_per_second"] / alone, 3),
    }
