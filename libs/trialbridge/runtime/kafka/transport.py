"""The Faust transport on Kafka; Faust finds it by the entry point ``trialbridge-kafka``.

Faust's own loses records when a worker joins under load early in a group's life: after recovery its set of active
partitions is empty for a moment, the client then fetches and drops records of all partitions, and partitions without a
committed position are not put back. Here a fetch and a rewind never overlap, and every partition is put back.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, ClassVar, Final

from aiokafka.errors import KafkaError
from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from trialbridge.runtime.loops import new_loop
from trialbridge.runtime.stage.flow import Records, SteadyFlow
from trialbridge.runtime.stage.lane import Outgoing

SCHEME: Final = "trialbridge-kafka"
FETCH_SECONDS: Final = 0.25
"""Longest wait of one fetch, and so of a rewind that comes meanwhile."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The client's thread, with a rewind that leaves no partition ahead of what was committed."""

    def __post_init__(self) -> None:
        """Begin as Faust does."""
        super().__post_init__()
        self._turn = asyncio.Lock()

    consumer: SteadyFlow  # type: ignore[assignment]  # Faust names the class between

    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Records:  # noqa: ASYNC109 - Faust's signature
        """Return records of the given partitions, nothing where they were put to another position in the meantime."""
        rewinds = self.consumer.rewinds
        return await self.call_thread(self._fetch, rewinds, active_partitions, min(timeout, FETCH_SECONDS))  # type: ignore[no-any-return]  # Faust leaves it untyped

    async def _fetch(self, rewinds: int, wanted: set[TP], seconds: float) -> Records:
        consumer = self._ensure_consumer()
        async with self._turn:
            if self.consumer.rewinds != rewinds:
                return {}
            limit = consumer._max_poll_records  # noqa: SLF001 - as Faust does
            return await self._fetch_records(consumer, wanted, timeout=seconds, max_records=limit)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go to what the group has committed, to the beginning where it has not."""
        return await self.call_thread(self._rewind)  # type: ignore[no-any-return]  # Faust leaves it untyped

    async def _rewind(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        async with self._turn:
            committed: dict[TP, Any] = await consumer.seek_to_committed()
            changelogs = set(self.app.tables.changelog_topics)
            fresh = [tp for tp, offset in committed.items() if not offset and tp.topic not in changelogs]
            if fresh:
                await consumer.seek_to_beginning(*fresh)
            return committed

    async def _seek_wait(self, consumer: Any, partitions: Mapping[TP, int]) -> None:
        async with self._turn:
            await super()._seek_wait(consumer, partitions)


class Consumer(SteadyFlow, driver.Consumer):
    """Reads by the thread above."""

    def _new_consumer_thread(self) -> ConsumerThread:
        thread = ConsumerThread(self, loop=self.loop, beacon=self.beacon, thread_loop=new_loop())
        thread._close_thread_loop_on_stop = True  # noqa: SLF001 - as it closes the loop that it makes itself
        return thread


class Producer(driver.Producer):
    """A producer that also takes many messages of one partition at once."""

    async def send_run(self, topic: str, partition: int, run: Sequence[Outgoing]) -> list[Awaitable[object]]:
        """Hand over messages of one partition in their order; return what they are durable with: a future for each batch.

        One message of its own costs a future, several calls and a search for its partition; in a batch it costs an append.
        """
        client = self._ensure_producer()
        sent: list[Awaitable[object]] = []
        try:
            batch = client.create_batch()
            for key, value, headers in run:
                # A batch takes whatever comes first, however large it is.
                if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                    sent.append(await client.send_batch(batch, topic, partition=partition))
                    batch = client.create_batch()
                    batch.append(timestamp=None, key=key, value=value, headers=headers)
            batch.close()
            sent.append(await client.send_batch(batch, topic, partition=partition))
        except KafkaError as error:
            raise ProducerSendError(f"Error while sending: {type(error).__name__}") from None
        return sent


class Transport(driver.Transport):
    """Names the classes, and hands the brokers' addresses on as Faust's own scheme."""

    Consumer: ClassVar[Any] = Consumer
    Producer: ClassVar[Any] = Producer
