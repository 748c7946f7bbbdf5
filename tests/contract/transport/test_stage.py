"""A stage on each event log: records flow in order, tables survive a restart, positions are kept, parts are joined."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec
import pytest

from trialbridge.contracts.errors import Misconfigured, Poison, Unavailable
from trialbridge.contracts.events import DeadLettered, LineageRecorded, TicketIssued
from trialbridge.contracts.ids import Digest, NetworkId, SourceId, TenantId, TicketId
from trialbridge.contracts.topics import DEAD_LETTERS, EMR_TICKETS, LINEAGE
from trialbridge.runtime.backlog import backlog
from trialbridge.runtime.effects import Effects, Emitter, Received, TableSpec
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.stage.stage import Ports, Stage
from trialbridge.runtime.telemetry.metrics import REGISTRY
from trialbridge.runtime.topics_admin import TopicSpec, create_topics

Start = Callable[[Stage], Awaitable[Stage]]
PATIENCE = 240.0
NETWORK = NetworkId("lakeland")


class Seen(msgspec.Struct, frozen=True):
    """The numbers seen of a key, in order."""

    numbers: tuple[int, ...] = ()


SEEN = TableSpec("seen", Seen)


def ticket(key: str, number: int, filler: str = "") -> TicketIssued:
    return TicketIssued(
        ticket=TicketId(key), network=NETWORK, tenant=TenantId("t"), source=SourceId("t/s"), object_uri=f"file:///{filler}",
        object_version="1", size=number, sha256=Digest(""), media_type="", created="", expires="",
    )  # fmt: skip


@dataclass
class Keeper:
    """Keeps what comes by key and passes it on; fails on demand."""

    fail: dict[int, Exception] = field(default_factory=dict)

    async def keep(self, record: Received[TicketIssued], effects: Effects) -> None:
        number = record.payload.size
        if number in self.fail:
            raise self.fail.pop(number)
        table = effects.table(SEEN)
        before = table.get(record.key) or Seen()
        if number not in before.numbers:
            table.put(record.key, Seen((*before.numbers, number)))
        note = LineageRecorded(
            trace=record.trace,
            stage=str(number),
            event=record.id,
            topic=record.key,
            outcome="done",
            at=record.payload.object_uri,
        )
        effects.emit(LINEAGE, record.key, note, record.network)


@dataclass
class Collector:
    """Collects the keeper's notes."""

    found: dict[str, list[int]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    letters: list[DeadLettered] = field(default_factory=list)

    async def note(self, record: Received[LineageRecorded], _effects: Effects) -> None:
        if not record.payload.stage.isdigit():
            return
        numbers = self.found.setdefault(record.key, [])
        number = int(record.payload.stage)
        self.sizes.append(len(record.payload.at))
        if number not in numbers:
            numbers.append(number)

    async def letter(self, record: Received[DeadLettered], _effects: Effects) -> None:
        self.letters.append(record.payload)

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while sum(len(numbers) for numbers in self.found.values()) < count:
                await asyncio.sleep(0.02)


def keeper(settings: BaseServiceSettings, ports: Ports, keep: Keeper) -> Stage:
    return Stage("keeper", settings, ports, {EMR_TICKETS: keep.keep}, (SEEN,))


def collector(settings: BaseServiceSettings, ports: Ports, collect: Collector) -> Stage:
    return Stage("collector", settings, ports, {LINEAGE: collect.note, DEAD_LETTERS: collect.letter})


def feeder(settings: BaseServiceSettings, ports: Ports, tickets: list[TicketIssued]) -> Stage:
    async def send(emitter: Emitter) -> None:
        for number, one in enumerate(tickets):
            await emitter.publish(EMR_TICKETS, one.ticket, one, NETWORK, f"test/{number}")

    return Stage("feeder", settings, ports, {}, background=(send,))


async def test_records_reach_the_next_stage_in_the_order_of_their_key(
    settings: BaseServiceSettings, ports: Ports, start: Start
) -> None:
    collect = Collector()
    await start(collector(settings, ports, collect))
    await start(keeper(settings, ports, Keeper()))
    await start(feeder(settings, ports, [ticket(f"k{n % 7}", n) for n in range(70)]))
    await collect.wait_for(70)
    assert all(numbers == sorted(numbers) for numbers in collect.found.values())
    assert sorted(n for numbers in collect.found.values() for n in numbers) == list(range(70))


async def test_a_restart_goes_on_where_it_stopped_with_its_table(
    settings: BaseServiceSettings, ports: Ports, start: Start
) -> None:
    collect = Collector()
    await start(collector(settings, ports, collect))
    first = await start(keeper(settings, ports, Keeper()))
    await start(feeder(settings, ports, [ticket("k", n) for n in range(5)]))
    await collect.wait_for(5)
    await first.stop()
    again = keeper(settings, ports, Keeper())
    await start(again)
    more = feeder(settings, ports, [ticket("k", n) for n in range(5, 8)])
    await start(more)
    await collect.wait_for(8)
    part = next(p for p in range(settings.partitions) if again.links.tables["seen"].get(p, "k") is not None)
    assert again.links.tables["seen"].get(part, "k") == Seen(tuple(range(8)))


async def test_a_passing_fault_is_waited_out_and_poison_is_set_aside(
    settings: BaseServiceSettings, ports: Ports, start: Start
) -> None:
    collect = Collector()
    faults: dict[int, Exception] = {1: Unavailable("store.away", "Away."), 2: Poison("record.bad", "Bad.")}
    await start(collector(settings, ports, collect))
    await start(keeper(settings, ports, Keeper(faults)))
    await start(feeder(settings, ports, [ticket("k", n) for n in range(4)]))
    await collect.wait_for(3)
    assert collect.found["k"] == [0, 1, 3]
    async with asyncio.timeout(PATIENCE):
        while not collect.letters:
            await asyncio.sleep(0.02)
    assert [letter.code for letter in collect.letters] == ["record.bad"]


def gauge(stage: str) -> float | None:
    return REGISTRY.get_sample_value("trialbridge_stage_ready", {"stage": stage})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_stage_is_ready_once_it_has_recovered_and_not_while_it_waits(
    settings: BaseServiceSettings, ports: Ports, start: Start
) -> None:
    away = asyncio.Event()
    away.set()

    async def keep(_record: Received[TicketIssued], _effects: Effects) -> None:
        if away.is_set():
            raise Unavailable("store.away", "Away.")

    stage = Stage("waits", settings, ports, {EMR_TICKETS: keep}, (SEEN,))
    assert not stage.ready  # nothing is assigned, let alone recovered
    await start(stage)
    await until(lambda: gauge("waits") == 1)
    stage.app.rebalancing = True
    assert gauge("waits") == 0
    stage.app.rebalancing = False
    await start(feeder(settings, ports, [ticket("k", 1)]))
    await until(lambda: gauge("waits") == 0)
    away.clear()
    await until(lambda: gauge("waits") == 1)
    await stage.stop()
    assert gauge("waits") == 0


async def test_a_record_over_the_limit_travels_in_parts(
    settings: BaseServiceSettings, ports: Ports, start: Start
) -> None:
    import random

    filler = random.Random(1).randbytes(1_500_000).hex()
    collect = Collector()
    await start(collector(settings, ports, collect))
    await start(keeper(settings, ports, Keeper()))
    await start(feeder(settings, ports, [ticket("k", 0, filler), ticket("k", 1)]))
    await collect.wait_for(2)
    assert collect.found["k"] == [0, 1]
    assert max(collect.sizes) == len(f"file:///{filler}")


async def test_the_backlog_counts_what_is_not_committed(
    settings: BaseServiceSettings, ports: Ports, start: Start
) -> None:
    collect = Collector()
    groups = {f"{settings.group_prefix}-keeper": [f"{settings.topic_prefix}{EMR_TICKETS.name}"]}
    await start(feeder(settings, ports, [ticket(f"k{n}", n) for n in range(6)]))
    async with asyncio.timeout(PATIENCE):
        while (await backlog(settings.broker, groups, settings)) != {f"{settings.group_prefix}-keeper": 6}:
            await asyncio.sleep(0.05)
    await start(collector(settings, ports, collect))
    await start(keeper(settings, ports, Keeper()))
    await collect.wait_for(6)
    async with asyncio.timeout(PATIENCE):
        while any((await backlog(settings.broker, groups, settings)).values()):
            await asyncio.sleep(0.05)


async def test_a_topic_with_other_partitions_is_refused(settings: BaseServiceSettings) -> None:
    name = f"{settings.topic_prefix}odd"
    assert await create_topics(settings.broker, [TopicSpec(name, 2, False, 1000)], settings) == [name]
    assert await create_topics(settings.broker, [TopicSpec(name, 2, False, 1000)], settings) == []
    with pytest.raises(Misconfigured) as refused:
        await create_topics(settings.broker, [TopicSpec(name, 3, False, 1000)], settings)
    assert refused.value.code == "topics.partitions-differ"
