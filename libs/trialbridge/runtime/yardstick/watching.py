"""Watches a topic in Kafka as cheaply as a client can, so that a measurement is not of the watcher."""

from collections.abc import AsyncIterator
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from trialbridge.contracts.events import Payload
from trialbridge.contracts.topics import Topic
from trialbridge.runtime.kafka.client import client_options
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.stage import wire

AT_ONCE: Final = 2_000
WAIT_MS: Final = 200


class Watcher:
    """Reads records of one topic from where it ends at the start; belongs to no consumer group."""

    def __init__(self, settings: BaseServiceSettings, topic: Topic[Any], seal: wire.Seal) -> None:
        """Watch ``topic`` on the broker of ``settings``."""
        self._topic = topic
        self._seal = seal
        name = settings.topic_prefix + topic.name
        self._spots = [TopicPartition(name, number) for number in range(settings.partitions)]
        options = client_options(settings.broker, settings)
        self._client: Any = AIOKafkaConsumer(**options, enable_auto_commit=False, fetch_max_wait_ms=WAIT_MS)

    async def start(self) -> None:
        """Connect, and stand at the end of the topic."""
        await self._client.start()
        self._client.assign(self._spots)
        await self._client.seek_to_end(*self._spots)

    async def records(self) -> AsyncIterator[Payload]:
        """Yield payloads as they come, until the caller has enough."""
        while True:
            found = await self._client.getmany(timeout_ms=WAIT_MS, max_records=AT_ONCE)
            for messages in found.values():
                for message in messages:
                    for envelope in wire.decode(await wire.unseal(self._topic, message.value, self._seal)):
                        yield wire.payload_of(self._topic, envelope)

    async def stop(self) -> None:
        """Disconnect."""
        await self._client.stop()
