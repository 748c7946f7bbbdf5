"""``infra/kafka/topics.yaml``: every topic as the services make it, for administrators who make topics themselves."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from infra.generate.services import services
from trialbridge.contracts.topics import MESSAGE_LIMIT
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.stage.stage import changelog_name
from trialbridge.runtime.topics_admin import TopicSpec, specs

HEADER = """\
# Generated from contracts/topics.py and the services' tables by `make docs`. Do not edit.
# The services make these themselves, unless TRIALBRIDGE_MANAGE_TOPICS is false: then an administrator does, before the first
# start. Names take TRIALBRIDGE_TOPIC_PREFIX (topics) and TRIALBRIDGE_GROUP_PREFIX (changelogs) in front, partitions and
# replication follow TRIALBRIDGE_PARTITIONS and TRIALBRIDGE_REPLICATION; here they have their defaults. All topics have the
# same number of partitions, because stages read them co-partitioned. On a cluster of three, replicate 3 times.
"""
FRAME = 64 * 1024
"""Bytes beyond the message limit that a broker must take: headers and framing."""


def changelogs(root: Path, settings: BaseServiceSettings) -> list[str]:
    """Return the names of the changelog topics of all services' tables, sorted."""
    found: list[str] = []
    for name in services(root):
        if (root / "services" / name / "tables.py").is_file():
            tables = import_module(f"services.{name}.tables").ALL
            found += [changelog_name(settings, name, table.name) for table in tables]
    return sorted(found)


def config_of(spec: TopicSpec) -> dict[str, str]:
    """Return the configuration keys of a topic, as `runtime.topics_admin` sets them."""
    config = {"cleanup.policy": "compact" if spec.compacted else "delete"}
    if not spec.compacted:
        config["retention.ms"] = str(spec.retention_ms or -1)
    return config | {"max.message.bytes": str(MESSAGE_LIMIT + FRAME)}


def render(root: Path) -> str:
    """Return the file's text."""
    settings = BaseServiceSettings.model_construct()
    wanted = specs(settings, changelogs(root, settings))
    return HEADER + yaml.safe_dump({"topics": list(_entries(wanted))}, sort_keys=False, width=120)


def _entries(wanted: list[TopicSpec]) -> Iterator[dict[str, Any]]:
    for spec in wanted:
        yield {
            "name": spec.name,
            "partitions": spec.partitions,
            "replication": spec.replication,
            "config": config_of(spec),
        }
