"""The Faust application of a stage, with the settings that measurements asked for (docs/runtime.md says why)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import faust
from faust.types.auth import CredentialsT

from trialbridge.contracts.topics import MESSAGE_LIMIT
from trialbridge.runtime.settings import BaseServiceSettings, read_secret
from trialbridge.runtime.stage.tables import ChangelogTable

SESSION_SECONDS: Final = 10
HEARTBEAT_SECONDS: Final = 3


def credentials(settings: BaseServiceSettings) -> CredentialsT | None:
    """Return Kafka's SASL credentials, or None where no user is set."""
    if not settings.kafka_username or settings.kafka_password_file is None:
        return None
    import ssl

    return faust.SASLCredentials(
        username=settings.kafka_username,
        password=read_secret(settings.kafka_password_file, "kafka_password_file"),
        ssl_context=ssl.create_default_context(cafile=settings.kafka_ca_file),
        mechanism="SCRAM-SHA-512",
    )


def make_app(name: str, settings: BaseServiceSettings, datadir: Path) -> faust.App:
    """Return a Faust app named ``<prefix>-<stage>``: at-least-once, raw bytes, no web server, no topic of its own making."""
    extra: Mapping[str, Any] = {}
    if (login := credentials(settings)) is not None:
        extra = {"broker_credentials": login}
    return faust.App(
        f"{settings.group_prefix}-{name}",
        broker=settings.broker,
        datadir=str(datadir),
        store="memory://",
        value_serializer="raw",
        key_serializer="raw",
        web_enabled=False,
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=settings.commit_interval,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_rebalance_timeout=SESSION_SECONDS,
        broker_max_poll_records=500,
        stream_buffer_maxsize=256,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        producer_acks=-1,
        producer_max_request_size=MESSAGE_LIMIT + 64 * 1024,
        producer_max_batch_size=131_072,
        producer_linger_ms=0,
        Table=ChangelogTable,
        **extra,
    )
