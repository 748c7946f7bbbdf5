"""The two measurements: lane against plain Faust tables on one broker, and one stage on two brokers."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from trialbridge.contracts.events import LineageRecorded, TicketIssued
from trialbridge.contracts.topics import LINEAGE
from trialbridge.runtime.effects import Effects, Received, TableSpec
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.stage import FaustSender, Ports, Stage
from trialbridge.runtime.topics_admin import TopicSpec, create_topics, specs
from trialbridge.runtime.yardstick.load import batches, source_topic
from trialbridge.runtime.yardstick.plain_faust import PlainFaust

SINK: Final = LINEAGE.name
RETENTION_MS: Final = 3_600_000
TICK: Final = 0.002


class Tally(msgspec.Struct, frozen=True):
    """How often a key was seen."""

    count: int = 0


TALLY: Final = TableSpec("tally", Tally, sealed=False)


@dataclass(slots=True)
class Counting:
    """The measured handler: one table change for each record, one output for each."""

    expected: int
    seen: int = 0
    began: float = 0.0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def tally(self, record: Received[TicketIssued], effects: Effects) -> None:
        """Count the key."""
        self.began = self.began or time.perf_counter()
        table = effects.table(TALLY)
        before = table.get(record.key) or Tally()
        table.put(record.key, Tally(before.count + 1))
        note = LineageRecorded(trace=record.trace, stage="bench", event=record.id, topic=record.topic, outcome="done")
        effects.emit(LINEAGE, record.key, note, record.network)
        self.seen += 1
        if self.seen >= self.expected:
            self.done.set()


async def measure_stage(settings: BaseServiceSettings, ports: Ports, count: int, per_message: int, seed: int) -> float:
    """Return records per second of a stage with a table, from the first record of a full topic to the last durable effect."""
    counting = Counting(count)
    source = source_topic(settings.group_prefix)
    stage = Stage("lane", settings, ports, {source: counting.tally}, (TALLY,))
    await _prepare(settings, source.name, stage.links.tables[TALLY.name].changelog)
    await _load(settings, ports, count, per_message, seed)
    await stage.start()
    await counting.done.wait()
    while stage.boundary.counters.emitted < count:  # noqa: ASYNC110 - counted after it is durable, without an event
        await asyncio.sleep(TICK)
    seconds = time.perf_counter() - counting.began
    await stage.stop()
    return count / seconds


async def measure_plain(settings: BaseServiceSettings, ports: Ports, count: int, per_message: int, seed: int) -> float:
    """Return records per second of plain Faust with a table on the same load, timed in the same way: to the last durable effect."""
    source = source_topic(settings.group_prefix)
    plain = PlainFaust("plain", settings, source.name, settings.topic_prefix + SINK, count)
    await _prepare(settings, source.name, plain.changelog)
    await _load(settings, ports, count, per_message, seed)
    await plain.start()
    await plain.done.wait()
    await plain.durable()
    seconds = time.perf_counter() - plain.began
    await plain.stop()
    return count / seconds


async def _prepare(settings: BaseServiceSettings, source: str, changelog: str) -> None:
    wanted = [
        *specs(settings, [changelog]),
        TopicSpec(source, settings.partitions, compacted=False, retention_ms=RETENTION_MS, replication=1),
    ]
    await create_topics(settings.broker, wanted, settings)


async def _load(settings: BaseServiceSettings, ports: Ports, count: int, per_message: int, seed: int) -> None:
    """Send the load through the producer of a stage that reads nothing."""
    source = source_topic(settings.group_prefix)
    feeder = Stage("feed", settings, ports, {})
    await feeder.start()
    sender, waits = FaustSender(feeder.app), []
    for partition, envelopes in batches(count, per_message, settings.partitions, seed):
        for message in await wire.encode(envelopes, envelopes[0].network, "", None, {}):
            key = envelopes[0].key.encode()
            waits += [await sender.send(source.name, partition, key, message.value, {})]
    await sender.durable(waits)
    await feeder.stop()


def settings_for(broker: str, prefix: str) -> BaseServiceSettings:
    """Return the settings of a measurement on ``broker``; topics and groups begin with a name of their own."""
    return read_settings(BaseServiceSettings, broker=broker, group_prefix=f"{prefix}-{secrets.token_hex(4)}")


def summary(rates: Mapping[str, float], numerator: str, denominator: str) -> dict[str, float]:
    """Return the rates and their ratio."""
    found = {name: round(rate, 1) for name, rate in rates.items()}
    return found | {"ratio": round(rates[numerator] / rates[denominator], 2)}
