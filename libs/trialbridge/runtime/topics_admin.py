"""Makes the topics that the registry and the stages' tables ask for, on either event log. Safe to repeat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from trialbridge.contracts import topics
from trialbridge.contracts.errors import Misconfigured, Unavailable
from trialbridge.contracts.topics import MESSAGE_LIMIT
from trialbridge.runtime.embedded.log import Log
from trialbridge.runtime.embedded.storage import LogTopic
from trialbridge.runtime.embedded.transport import log_path
from trialbridge.runtime.kafka.client import client_options
from trialbridge.runtime.settings import BaseServiceSettings


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic must be."""

    name: str
    partitions: int
    compacted: bool
    retention_ms: int | None
    replication: int = 1


def specs(settings: BaseServiceSettings, changelogs: Sequence[str]) -> list[TopicSpec]:
    """Return the registry's topics under the settings' prefix, and the given changelogs."""
    count, copies = settings.partitions, settings.replication
    registered = [
        TopicSpec(settings.topic_prefix + topic.name, count, topic.compacted, topic.retention_ms, copies)
        for topic in topics.ALL
    ]
    return [*registered, *(TopicSpec(name, count, True, None, copies) for name in changelogs)]  # noqa: FBT003 - compacted


async def create_topics(broker: str, wanted: Sequence[TopicSpec], settings: BaseServiceSettings) -> list[str]:
    """Make the topics that are not there; return their names.

    Raises:
        Misconfigured: ``topics.partitions-differ`` where one is there with another number of partitions.
        Unavailable: ``log.unavailable`` where the brokers do not answer.
    """
    if urlsplit(broker).scheme == "trialbridge-embedded":
        log = Log.acquire(log_path(broker))
        try:
            return await log.create(LogTopic(s.name, s.partitions, s.compacted, s.retention_ms) for s in wanted)
        finally:
            await log.release()
    admin = AIOKafkaAdminClient(**client_options(broker, settings))
    try:
        await admin.start()
        return await _create(admin, wanted)
    except KafkaError as error:
        raise Unavailable("log.unavailable", f"Kafka did not make the topics ({type(error).__name__}).") from None
    finally:
        await admin.close()


async def _create(admin: Any, wanted: Sequence[TopicSpec]) -> list[str]:
    present = set(await admin.list_topics())
    known = [spec for spec in wanted if spec.name in present]
    described = await admin.describe_topics([spec.name for spec in known]) if known else []
    counts = {one["topic"]: len(one["partitions"]) for one in described}
    for spec in known:
        if counts[spec.name] != spec.partitions:
            raise Misconfigured(
                "topics.partitions-differ",
                f"Topic {spec.name} has {counts[spec.name]} partitions, the settings say {spec.partitions}. "
                "Set TRIALBRIDGE_PARTITIONS to what is there: the number is fixed once data has been written.",
            )
    new = [spec for spec in wanted if spec.name not in present]
    if new:
        try:
            await admin.create_topics([_new(spec) for spec in new])
        except TopicAlreadyExistsError:
            # Another service made it in the same moment.
            return []
    return [spec.name for spec in new]


def _new(spec: TopicSpec) -> NewTopic:
    config = {"max.message.bytes": str(MESSAGE_LIMIT + 64 * 1024)}
    if spec.compacted:
        config["cleanup.policy"] = "compact"
    else:
        config |= {"cleanup.policy": "delete", "retention.ms": str(spec.retention_ms or -1)}
    return NewTopic(spec.name, spec.partitions, spec.replication, topic_configs=config)
