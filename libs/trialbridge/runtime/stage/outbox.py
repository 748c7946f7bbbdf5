"""How background loops send records: the same wire form as the lane's, each send durable on return."""

from typing import TypeVar

import msgspec

from trialbridge.contracts.events import Payload
from trialbridge.contracts.ids import EventId, NetworkId, event_id
from trialbridge.contracts.topics import Topic
from trialbridge.runtime.partitioner import partition_of
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.lane import Links, message_headers
from trialbridge.runtime.telemetry import metrics, trace

P = TypeVar("P", bound=Payload)


class Outbox:
    """Sends outside of any record (implements `runtime.effects.Emitter`)."""

    def __init__(self, links: Links) -> None:
        """Send through the stage's links."""
        self._links = links

    async def publish(
        self, topic: Topic[P], key: str, payload: P, network: NetworkId, cause: str, identity: EventId | None = None
    ) -> None:
        """Send one record, to every partition where the topic is broadcast; return when the log has it.

        Raises `Unavailable` when the log is away.
        """
        identity = identity or event_id(topic.name, cause, key)
        traced = trace.trace_of(cause)
        run = [wire.Envelope(identity, key, network, traced, msgspec.Raw(msgspec.json.encode(payload)))]
        seal = self._links.seal if topic.sealed else None
        headers = message_headers(topic, self._links.stage, run)
        messages = await wire.encode(run, network, f"topic:{topic.name}", seal, headers)
        count = self._links.partitions
        where = range(count) if topic.spread == "broadcast" else (partition_of(key, count),)
        waits = [
            await self._links.sender.send(
                topic.name, partition, wire.message_key(topic, key, message), message.value, message.headers
            )
            for partition in where
            for message in messages
        ]
        await self._links.sender.durable(waits)
        metrics.EMITTED.labels(self._links.stage, topic.name).inc(len(where))
