"""The Faust transport on Kafka; Faust finds it by the entry point ``trialbridge-kafka``.

Faust's own loses records when a worker joins under load early in a group's life: after recovery its set of active
partitions is empty for a moment, the client then fetches and drops records of all partitions, and partitions without a
committed position are not put back. Here they are put back to the beginning before anything is consumed.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from faust.transport.drivers import aiokafka as driver
from faust.types import TP

SCHEME: Final = "trialbridge-kafka"


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The client's thread, with a rewind that leaves no partition ahead of what was committed."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go to what the group has committed, to the beginning where it has not."""
        consumer = self._ensure_consumer()

        async def rewind() -> Mapping[TP, int]:
            committed: dict[TP, Any] = await consumer.seek_to_committed()
            changelogs = set(self.app.tables.changelog_topics)
            fresh = [tp for tp, offset in committed.items() if not offset and tp.topic not in changelogs]
            if fresh:
                await consumer.seek_to_beginning(*fresh)
            return committed

        return await self.call_thread(rewind)  # type: ignore[no-any-return]  # Faust leaves it untyped


class Consumer(driver.Consumer):
    """Reads by the thread above."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class Transport(driver.Transport):
    """Names the classes, and hands the brokers' addresses on as Faust's own scheme."""

    Consumer: ClassVar[Any] = Consumer
