"""The whole pipeline under load: a script of bundles, the same services, figures out of the document store."""

import asyncio
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from services.cli.bench.machine import in_a_process
from services.cli.demo.command import embedded_settings
from services.cli.demo.director import Director
from services.cli.demo.options import DemoOptions
from services.cli.demo.scripts import load_script
from services.cli.demo.summary import summarise
from services.cli.house import open_house
from trialbridge.contracts.documents import MATCH_EVENTS, RECORDS, STAGES, TICKETS
from trialbridge.runtime.paging import every
from trialbridge.runtime.ports import DocumentStore, Query
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.telemetry import logs
from trialbridge.testkit.memory import peak_megabytes
from trialbridge.testkit.script import Deliver, Script

PERCENT = 100


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run of the pipeline measured."""

    patients: int
    approved: int
    megabytes: float
    """Of plain records as packed (compressed), 10**6 bytes."""
    seconds: float
    patients_per_second: float
    megabytes_per_second: float
    by_stage: dict[str, dict[str, float]]
    """Seconds of each stage in batches (waits included; partitions run side by side), and what that is in patients and megabytes."""
    ticket_to_approved_p50: float
    """Seconds from the issue of the last ticket that a match rests on to its approval."""
    ticket_to_approved_p99: float
    peak_megabytes: float
    hash: str

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return asdict(self)


class Silent:
    """Watches without a word."""

    def step(self, number: int, title: str) -> None:
        """Say nothing."""

    async def look(self, left: int) -> None:
        """Say nothing."""


QUICK: Final = {"commit_interval": 0.2, "heartbeat_interval": 0.25, "poll_interval": 0.1, "log_level": "error"}


def measure_alone(folder: Path | None, patients: int, seed: int) -> Figures:
    """Return the figures of a run in a process of its own, so that its memory is its own.

    Args:
        folder: Where the embedded stores are made; without one, the services stand on what the environment names.
        patients: How many synthetic patients.
        seed: Of the patients.
    """
    return in_a_process(_measure, folder, patients, seed)


def _measure(folder: Path | None, patients: int, seed: int) -> Figures:
    return asyncio.run(measure(folder, patients, seed))


async def measure(folder: Path | None, patients: int, seed: int) -> Figures:
    """Return the figures of a run in this process; arguments as of `measure_alone`."""
    options = DemoOptions(state=folder or Path(), seed=seed, patients=patients)
    extra = {"trialfeed": {"as_of": options.as_of.isoformat()}}
    given = embedded_settings(options) if folder else QUICK
    logs.configure("error")
    async with open_house(given, extra=extra) as house:
        return await drive(house.ports, house.settings, load_script(patients, seed), patients)


async def drive(ports: ServicePorts, settings: BaseServiceSettings, script: Script, patients: int) -> Figures:
    """Feed the load to running services and return the figures."""
    director = Director(ports, settings, script)
    started = time.perf_counter()
    await director.run(Silent())
    seconds = time.perf_counter() - started
    result = await summarise(ports.documents, director.seconds)
    size = sum(len(a.bundle.body) for step in script.steps for a in step.actions if isinstance(a, Deliver)) / 1e6
    waits = await latencies(ports.documents)
    cuts = quantiles(waits, n=PERCENT) if len(waits) > 1 else [0.0] * PERCENT
    return Figures(
        patients=patients,
        approved=result["approved"],
        megabytes=round(size, 3),
        seconds=round(seconds, 3),
        patients_per_second=round(patients / seconds, 1),
        megabytes_per_second=round(size / seconds, 3),
        by_stage=await _by_stage(ports.documents, patients, size),
        ticket_to_approved_p50=round(cuts[49], 3),
        ticket_to_approved_p99=round(cuts[98], 3),
        peak_megabytes=peak_megabytes(),
        hash=result["hash"],
    )


async def _by_stage(documents: DocumentStore, patients: int, megabytes: float) -> dict[str, dict[str, float]]:
    busy: dict[str, float] = {}
    async for doc in every(documents, STAGES, Query(limit=100)):
        busy[doc.stage] = busy.get(doc.stage, 0.0) + doc.seconds
    return {
        name: {
            "batch_seconds": round(seconds, 3),
            "patients_per_second": round(patients / seconds, 1),
            "megabytes_per_second": round(megabytes / seconds, 3),
        }
        for name, seconds in busy.items()
        if seconds
    }


async def latencies(documents: DocumentStore) -> list[float]:
    """Return, for each approval, the seconds since the last ticket was issued that it rests on."""
    issued = {doc.id: datetime.fromisoformat(doc.issued) async for doc in every(documents, TICKETS, Query(limit=500))}
    ticket_of = {doc.id: doc.ticket async for doc in every(documents, RECORDS, Query(limit=500))}
    found = []
    async for event in every(documents, MATCH_EVENTS, Query(limit=500)):
        times = [issued[ticket_of[r]] for r in event.records if r in ticket_of and ticket_of[r] in issued]
        if event.status == "approved" and times and event.at:
            found.append((datetime.fromisoformat(event.at) - max(times)).total_seconds())
    return found
