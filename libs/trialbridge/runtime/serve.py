"""How every service runs: settings, ports, topics, the stage, its health door, and an orderly end on SIGTERM."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from trialbridge.contracts.errors import Fatal, Misconfigured, TrialbridgeError
from trialbridge.runtime import loops, stores
from trialbridge.runtime.collector import calm_collector
from trialbridge.runtime.health import health_door
from trialbridge.runtime.ports import DocumentStore, KeyService, ObjectStore
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.stage import Stage
from trialbridge.runtime.telemetry import logs
from trialbridge.runtime.terminology import use_terminology
from trialbridge.runtime.topics_admin import create_topics, specs

S = TypeVar("S", bound=BaseServiceSettings)
LOG: Final = logs.logger("serve")
EXIT_FAULT: Final = 1
EXIT_CONFIG: Final = 78
"""EX_CONFIG of sysexits.h: a supervisor should not simply start again."""


@dataclass(frozen=True, slots=True)
class ServicePorts:
    """The adapters that a service's ``bootstrap.build`` stands on."""

    documents: DocumentStore
    objects: ObjectStore
    keys: KeyService
    seal: wire.Seal
    now: Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time now in UTC."""
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def open_ports(
    settings: BaseServiceSettings, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[ServicePorts]:
    """Yield the adapters that the settings name, prepared, with the tables of terms in force; close them at the end.

    Raises `Misconfigured` where a setting is wrong, `Unavailable` where a store is away.
    """
    use_terminology(settings.terminology)
    keys = stores.open_keys(settings)
    seal = stores.open_seal(settings, keys)
    documents = stores.open_documents(settings, seal)
    objects = stores.open_objects(settings)
    try:
        await documents.prepare()
        yield ServicePorts(documents, objects, keys, seal, now)
    finally:
        await documents.close()
        await objects.close()


async def prepare_log(settings: BaseServiceSettings, stages: Sequence[Stage]) -> None:
    """Create the topics and changelogs that the stages need and that are not there yet.

    Raises `Misconfigured` where a topic has another number of partitions than the settings say.
    """
    changelogs = sorted({table.changelog for stage in stages for table in stage.links.tables.values()})
    await create_topics(settings.broker, specs(settings, changelogs), settings)


async def run_until(stage: Stage, stop: asyncio.Event) -> None:
    """Start the stage, run until ``stop`` is set, end in order.

    Raises `Fatal` (or the defect itself) when the stage had to stop on its own.
    """
    await stage.start()
    try:
        ended = asyncio.create_task(stop.wait())
        waits: set[asyncio.Future[Any]] = {ended}
        if stage.failed is not None:
            waits.add(stage.failed)
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if stage.failed is not None and stage.failed.done():
            stage.failed.result()
    finally:
        await stage.stop()


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _run(settings: S, build: Callable[[S, ServicePorts], Stage]) -> None:
    stop = stop_on_signals()
    async with open_ports(settings) as ports:
        stage = build(settings, ports)
        if settings.manage_topics:
            await prepare_log(settings, [stage])
        async with health_door(settings, stage.name, lambda: answers([stage], ports.documents)):
            await run_until(stage, stop)


async def answers(stages: Sequence[Stage], documents: DocumentStore) -> None:
    """Return when the process takes work; raise `NotReady` where a stage does not, `Unavailable` where the store is away."""
    waiting = [stage.name for stage in stages if not stage.ready]
    if waiting:
        raise NotReady(waiting)
    await documents.ping()


class NotReady(TrialbridgeError):
    """Stages recover their tables, move partitions, or wait for something that is away."""

    def __init__(self, stages: Sequence[str]) -> None:
        """Name the stages."""
        super().__init__("stage.not-ready", f"Recovering, or waiting for something that is away: {', '.join(stages)}.")


def serve(kind: type[S], build: Callable[[S, ServicePorts], Stage]) -> None:
    """Run one stage as a process.

    Args:
        kind: The service's settings.
        build: Makes the stage out of settings and ports (the service's ``bootstrap.build``).
    """
    run_process(kind, lambda settings: loops.run(_run(settings, build)))


def run_process(kind: type[S], run: Callable[[S], None]) -> None:
    """Read the settings, set up logs, and run; exit 0 after SIGTERM, 78 on a wrong setting, 1 when it had to stop."""
    try:
        settings = read_settings(kind)
        logs.configure(settings.log_level)
        calm_collector()
        run(settings)
    except Misconfigured as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        sys.exit(EXIT_CONFIG)
    except TrialbridgeError as error:
        LOG.error("the service stops", extra={"code": error.code})  # noqa: TRY400 - an expected error; its text says all
        sys.stderr.write(f"{error.code}: {error.message}\n")
        sys.exit(EXIT_FAULT)


__all__ = [
    "Fatal", "NotReady", "ServicePorts", "answers", "open_ports", "prepare_log", "run_process", "run_until", "serve",
    "stop_on_signals",
]  # fmt: skip
