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
from typing import Any, Final

import msgspec

from services.cli.bench.sending import Sent, send_all
from services.cli.demo.command import embedded_settings
from services.cli.demo.options import DemoOptions
from services.cli.house import build_house, open_house
from services.gateway.clients import Client
from services.gateway.conversion import work
from trialbridge.contracts.events import Display, PatientViewChanged
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.contracts.topics import PATIENT_VIEWS
from trialbridge.runtime.effects import Effects, Received
from trialbridge.runtime.serve import open_ports, prepare_log
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage.stage import Ports, Stage
from trialbridge.runtime.telemetry import logs
from trialbridge.testkit.adt_load import adt_message
from trialbridge.testkit.places import NETWORK, TENANTS

LOAD: Final = NETWORK
PATIENCE: Final = 1800.0
ALONE: Final = 1000
"""Messages of the baseline: parse and conversion alone, without a door and a log."""
GROUP: Final = 50
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


@dataclass(slots=True)
class Views:
    """Notes when the view of each message's patient is there."""

    seen: dict[int, float] = field(default_factory=dict)
    wanted: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def note(self, record: Received[PatientViewChanged], effects: Effects) -> None:
        """Note a view."""
        del effects
        for local in _DISPLAY.decode(record.payload.display).local_ids.values():
            if local.startswith("L"):
                self.seen.setdefault(int(local[1:]), time.time())
        if len(self.seen) >= self.wanted:
            self.done.set()


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
        views = Views(wanted=asked.messages)
        watcher = Stage("bench", house.settings, Ports(house.ports.documents, house.ports.seal, house.ports.now),
                        {PATIENT_VIEWS: views.note})  # fmt: skip
        return await _drive(watcher, views, asked, [port], key, {"services": [os.getpid()]})


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
        views = Views(wanted=asked.messages)
        watcher = Stage(
            "bench", settings, Ports(stores.documents, stores.seal, stores.now), {PATIENT_VIEWS: views.note}
        )
        await prepare_log(settings, [watcher])
        return await _drive(watcher, views, asked, ports, key, {"gateway": doors, "patientview": viewers})


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
    watcher: Stage, views: Views, asked: Asked, ports: Sequence[int], key: str, processes: Mapping[str, Sequence[int]]
) -> dict[str, Any]:
    await watcher.start()
    loop = asyncio.get_running_loop()
    try:
        for port in ports:
            await _listening(port)
        before = {name: sum(map(cpu_seconds, pids)) for name, pids in processes.items()}
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            sent = await loop.run_in_executor(
                pool, send_all, list(ports), key, asked.messages, asked.clients, asked.outstanding, asked.seed
            )
        await asyncio.wait_for(views.done.wait(), PATIENCE)
        spent = {name: round(sum(map(cpu_seconds, pids)) - before[name], 1) for name, pids in processes.items()}
    finally:
        await watcher.stop()
    return figures(sent, views.seen) | {"cpu_seconds": {**spent, "senders": sent.cpu}}


def figures(sent: Sent, seen: Mapping[int, float]) -> dict[str, Any]:
    """Return rates and latencies out of when each message was sent, acknowledged and seen in a view."""
    begin = min(sent.began)
    acks = [end - start for start, end in zip(sent.began, sent.ended, strict=True)]
    late = [seen[number] - start for number, start in enumerate(sent.began)]
    acked, viewed = max(sent.ended) - begin, max(seen.values()) - begin
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
    alone = convert_alone(asked.seed)
    with _folder() as folder:
        found = asyncio.run(measure_cluster(folder, asked) if cluster else measure_embedded(folder, asked))
    return found | {
        "baseline": "convert_alone",
        "convert_alone_per_second": round(alone, 1),
        "ratio": round(found["messages_per_second"] / alone, 3),
    }
