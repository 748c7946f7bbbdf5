"""The seeded load of the measurements: records of about 0.8 kB for many keys, in batches."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

import msgspec

from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import Digest, EventId, NetworkId, SourceId, TenantId, TicketId
from trialbridge.contracts.topics import EMR_TICKETS, Topic
from trialbridge.runtime.partitioner import partition_of
from trialbridge.runtime.stage import wire
from trialbridge.runtime.telemetry import trace

KEYS: Final = 5_000
FILLER: Final = 500
"""Bytes of random text that make a record about 0.8 kB."""


def records(count: int, seed: int) -> Iterator[TicketIssued]:
    """Yield ``count`` records over `KEYS` keys."""
    rng = Random(seed)  # noqa: S311 - a load, not a secret
    for number in range(count):
        key = f"key-{rng.randrange(KEYS)}"
        yield TicketIssued(
            ticket=TicketId(key),
            network=NetworkId("bench"),
            tenant=TenantId("bench"),
            source=SourceId("bench/feed"),
            object_uri="file:///" + rng.randbytes(FILLER // 2).hex(),
            object_version=str(number),
            size=number,
            sha256=Digest("0" * 64),
            media_type="application/fhir+ndjson",
            created="2026-06-01T00:00:00Z",
            expires="2026-06-08T00:00:00Z",
        )


def batches(count: int, per_message: int, partitions: int, seed: int) -> Iterator[tuple[int, list[wire.Envelope]]]:
    """Yield ``(partition, envelopes)`` with ``per_message`` records each, the rests last."""
    waiting: dict[int, list[wire.Envelope]] = {partition: [] for partition in range(partitions)}
    for number, record in enumerate(records(count, seed)):
        key = str(record.ticket)
        partition = partition_of(key, partitions)
        data = msgspec.Raw(msgspec.json.encode(record))
        identity = EventId(f"evt-{number}")
        waiting[partition].append(wire.Envelope(identity, key, NetworkId("bench"), trace.trace_of(identity), data))
        if len(waiting[partition]) == per_message:
            yield partition, waiting[partition]
            waiting[partition] = []
    for partition, rest in waiting.items():
        if rest:
            yield partition, rest


def source_topic(prefix: str) -> Topic[TicketIssued]:
    """Return a topic for one measurement; its values are clear, so that transport and tables are measured, not ciphers."""
    return replace(EMR_TICKETS, name=f"{prefix}-source")
