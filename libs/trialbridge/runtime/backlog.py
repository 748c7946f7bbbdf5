"""How far consumer groups are behind, read from the event log itself."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from trialbridge.contracts.errors import Unavailable
from trialbridge.runtime.embedded.storage import Storage
from trialbridge.runtime.embedded.transport import log_path
from trialbridge.runtime.kafka.client import client_options
from trialbridge.runtime.settings import BaseServiceSettings


async def backlog(broker: str, groups: Mapping[str, Sequence[str]], settings: BaseServiceSettings) -> dict[str, int]:
    """Return, for each consumer group, the messages of its topics that it has not committed.

    Groups are looked at in their order, committed positions before ends: if the groups come in the order of the data's
    way and all answers are 0, nothing was on its way.

    Raises `Unavailable` ``log.unavailable`` where the log does not answer or is not there yet.
    """
    if urlsplit(broker).scheme == "trialbridge-embedded":
        try:
            return await asyncio.to_thread(_embedded, broker, groups)
        except sqlite3.Error:
            raise Unavailable("log.unavailable", "The event log is not there yet; start the services once.") from None
    try:
        return await _kafka(broker, groups, settings)
    except (KafkaError, OSError) as error:
        raise Unavailable("log.unavailable", f"Kafka does not answer ({type(error).__name__}).") from None


def _embedded(broker: str, groups: Mapping[str, Sequence[str]]) -> dict[str, int]:
    storage = Storage(log_path(broker), read_only=True)
    try:
        found = {}
        for group, names in groups.items():
            positions, starts, ends = storage.positions(group), storage.starts(), storage.ends()
            spots = [spot for spot in ends if spot[0] in names]
            found[group] = sum(ends[spot] - max(positions.get(spot, 0), starts[spot]) for spot in spots)
        return found
    finally:
        storage.close()


async def _kafka(broker: str, groups: Mapping[str, Sequence[str]], settings: BaseServiceSettings) -> dict[str, int]:
    options = client_options(broker, settings)
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        reader = AIOKafkaConsumer(**options, enable_auto_commit=False)
        try:
            await reader.start()
            return {group: await _behind(admin, reader, group, names) for group, names in groups.items()}
        finally:
            await reader.stop()
    finally:
        await admin.close()


async def _behind(admin: Any, reader: Any, group: str, names: Sequence[str]) -> int:
    committed = {tp: meta.offset for tp, meta in (await admin.list_consumer_group_offsets(group)).items()}
    described = await admin.describe_topics(list(names))
    spots = [TopicPartition(one["topic"], part["partition"]) for one in described for part in one["partitions"]]
    ends = await reader.end_offsets(spots)
    starts = await reader.beginning_offsets(spots)
    return sum(max(0, ends[spot] - max(committed.get(spot, 0), starts[spot], 0)) for spot in spots)
