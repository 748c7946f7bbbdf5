"""Workers join and leave a group on Kafka while records flow: no record is lost, no effect doubled, no key out of order."""

import asyncio
import contextlib
import importlib.util
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from trialbridge.contracts.events import LineageRecorded, TicketIssued
from trialbridge.contracts.ids import Digest, NetworkId, SourceId, TenantId, TicketId
from trialbridge.contracts.topics import EMR_TICKETS, LINEAGE
from trialbridge.runtime.backlog import backlog
from trialbridge.runtime.documents.sqlite import SqliteDocuments
from trialbridge.runtime.effects import Effects, Emitter, Received
from trialbridge.runtime.partitioner import partition_of
from trialbridge.runtime.serve import prepare_log
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage.stage import Ports, Stage
from trialbridge.testkit.seals import ClearSeal

WORKER = Path(__file__).with_name("joining_worker.py")
NETWORK = NetworkId("lakeland")
KEYS = [f"key-{number}" for number in range(24)]
PATIENCE = 240.0


def _worker_module() -> Any:
    spec = importlib.util.spec_from_file_location("joining_worker", WORKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Swarm:
    """The workers of a group."""

    given: dict[str, Any]
    logs: Path
    running: list[tuple[asyncio.subprocess.Process, Path]] = field(default_factory=list)
    started: int = 0

    async def join(self) -> None:
        self.started += 1
        log = self.logs / f"worker-{self.started}.log"
        with log.open("wb") as words:
            worker = await asyncio.create_subprocess_exec(
                sys.executable, str(WORKER), msgspec.json.encode(self.given).decode(), stdout=words, stderr=words
            )
        self.running.append((worker, log))

    async def leave(self, how: signal.Signals, number: int = 0) -> None:
        """End one worker; one that was told to stop must end well."""
        worker, log = self.running.pop(number)
        assert worker.returncode is None, f"a worker ended by itself: {log.read_text()[-4000:]}"
        listens = log.stat().st_size > 0
        worker.send_signal(how)
        async with asyncio.timeout(PATIENCE):
            code = await worker.wait()
        wanted = 0 if how is signal.SIGTERM and listens else -how
        assert code == wanted, log.read_text()[-4000:]

    async def end(self) -> None:
        for worker, _ in self.running:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()


@dataclass
class Feed:
    """Sends one record for each key in turn, again and again, until told to stop or ``most`` rounds are over."""

    most: int = 1_500
    pause: float = 0.02
    rounds: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, emitter: Emitter) -> None:
        while not self.stopping.is_set() and self.rounds < self.most:
            number = self.rounds
            await asyncio.gather(*(self._one(emitter, key, number) for key in KEYS))
            self.rounds += 1
            await asyncio.sleep(self.pause)

    async def _one(self, emitter: Emitter, key: str, number: int) -> None:
        ticket = TicketIssued(
            ticket=TicketId(key), network=NETWORK, tenant=TenantId("t"), source=SourceId("t/s"), object_uri="file:///",
            object_version="1", size=number, sha256=Digest(""), media_type="", created="", expires="",
        )  # fmt: skip
        await emitter.publish(EMR_TICKETS, key, ticket, NETWORK, f"{key}/{number}")


@dataclass
class Witness:
    """Sees what the workers emit: by key and number, the ids and the order of first appearance."""

    ids: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    order: dict[str, list[int]] = field(default_factory=dict)
    repeats: int = 0

    async def see(self, record: Received[LineageRecorded], _effects: Effects) -> None:
        if not record.payload.stage.isdigit():
            return
        spot = (record.key, int(record.payload.stage))
        if spot in self.ids:
            self.repeats += 1
        else:
            self.order.setdefault(record.key, []).append(spot[1])
        self.ids.setdefault(spot, set()).add(record.id)


@dataclass
class Bench:
    """A fresh group on Kafka, its feed and its witness."""

    settings: BaseServiceSettings
    ports: Ports
    swarm: Swarm
    feed: Feed = field(default_factory=Feed)
    witness: Witness = field(default_factory=Witness)

    async def drained(self) -> None:
        name = self.settings.group_prefix
        topics = {
            f"{name}-follower": [f"{self.settings.topic_prefix}{EMR_TICKETS.name}"],
            f"{name}-witness": [f"{self.settings.topic_prefix}{LINEAGE.name}"],
        }
        async with asyncio.timeout(PATIENCE):
            while any((await backlog(self.settings.broker, topics, self.settings)).values()):
                await asyncio.sleep(0.5)

    async def check(self) -> None:
        """Compare effects and tables with what was sent."""
        wanted, order = list(range(self.feed.rounds)), self.witness.order
        missing = {key: sorted(lost) for key in KEYS if (lost := set(wanted) - set(order.get(key, [])))}
        late = {key: turns for key in KEYS if (turns := [(a, b) for a, b in pairwise(order.get(key, [])) if b < a])}
        tables = await self._tables()
        assert (missing, late) == ({}, {}), {key: tables[key] for key in {*missing, *late}}
        assert tables == dict.fromkeys(KEYS, (self.feed.rounds, ()))
        assert all(len(ids) == 1 for ids in self.witness.ids.values())

    async def _tables(self) -> dict[str, tuple[int, tuple[tuple[int, int], ...]]]:
        """Return, out of the recovered table, the number due next by key, and the gaps that were seen."""
        worker = _worker_module()
        stage = worker.follower(self.settings, self.ports)
        await stage.start()
        try:
            async with asyncio.timeout(PATIENCE):
                while not stage.ready:
                    await asyncio.sleep(0.1)
            table, count = stage.links.tables["progress"], self.settings.partitions
            found = {key: table.get(partition_of(key, count), key) for key in KEYS}
        finally:
            await stage.stop()
        return {key: (value.due, value.gaps) if value else (0, ()) for key, value in found.items()}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    kafka = os.environ.get("TRIALBRIDGE_TEST_KAFKA")
    if not kafka:
        pytest.skip("no Kafka here: run make test, or make testbed-up")
    name = f"join-{secrets.token_hex(4)}"
    # Positions are committed seldom: each rebalance finds partitions without one, which is where records were lost.
    given = {
        "broker": f"trialbridge-kafka://{kafka}",
        "group_prefix": name,
        "topic_prefix": f"{name}.",
        "commit_interval": 8.0,
    }
    settings = read_settings(BaseServiceSettings, **given)
    documents = SqliteDocuments(tmp_path / "documents.db", ClearSeal())
    await documents.prepare()
    made = Bench(settings, Ports(documents, ClearSeal(), lambda: datetime.now(UTC)), Swarm(given, tmp_path))
    quick = settings.model_copy(update={"commit_interval": 0.5})
    witness = Stage("witness", quick, made.ports, {LINEAGE: made.witness.see})
    feeder = Stage("feeder", settings, made.ports, {}, background=(made.feed.send,))
    await prepare_log(settings, [_worker_module().follower(settings, made.ports)])
    await witness.start()
    await feeder.start()
    try:
        yield made
    finally:
        await made.swarm.end()
        await feeder.stop()
        await witness.stop()
        await documents.close()


async def _shuffle(bench: Bench, steps: int, kills: int, rng: Random) -> None:
    """Let workers come and go ``steps`` times, at least one always there; ``kills`` of those that go are not asked."""
    hard = set(rng.sample(range(2, steps), kills))
    swarm = bench.swarm
    for step in range(steps):
        alone, full = len(swarm.running) <= 1, len(swarm.running) >= 3
        if alone or (not full and rng.random() < 0.5 and step not in hard):
            await swarm.join()
        else:
            await swarm.leave(signal.SIGKILL if step in hard else signal.SIGTERM, rng.randrange(len(swarm.running)))
        await asyncio.sleep(rng.uniform(0.5, 5.0))


async def _run(bench: Bench, steps: int, kills: int, seed: int) -> None:
    await _shuffle(bench, steps, kills, Random(seed))
    bench.feed.stopping.set()
    if not bench.swarm.running:
        await bench.swarm.join()
    await bench.drained()
    while bench.swarm.running:
        await bench.swarm.leave(signal.SIGTERM)
    await bench.check()


@pytest.mark.integration
async def test_twenty_joins_and_leaves_lose_double_and_reorder_nothing(bench: Bench, seed: int) -> None:
    await _run(bench, steps=20, kills=3, seed=seed)


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_sixty_joins_and_leaves_lose_double_and_reorder_nothing(bench: Bench, seed: int) -> None:
    await _run(bench, steps=60, kills=15, seed=seed)
