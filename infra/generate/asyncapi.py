"""``docs/asyncapi.yaml``: topics, who sends and receives, and payloads, as an AsyncAPI 3.0 document."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from infra.generate.kafka import config_of
from infra.generate.schemas import REF, schemas_of
from trialbridge.contracts import topics
from trialbridge.contracts.topics import Topic
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.topics_admin import TopicSpec, specs

HEADER: Final = "# Generated from libs/trialbridge/contracts by `make docs`. Do not edit.\n"
CONTENT_TYPE: Final = "application/vnd.trialbridge.batch"
ABOUT: Final = """\
What the services of Trialbridge tell one another. A message's value is one byte (0: as it is, 1: sealed), then zstd-compressed JSON:
the array that the message's payload describes. Sealed values are COSE_Encrypt (RFC 9052) under the network's data key, bound to the topic.
A record that is too large for one message travels in several, told apart by the header `part`.
Payloads only ever gain optional fields; anything else is a new version with a type of its own.
"""
ENVELOPE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id", "key", "network", "trace", "data"],
    "properties": {
        "id": {"type": "string", "description": "Of the event: a pure function of its cause, the same in each repeat."},
        "key": {"type": "string", "description": "What the partition is computed from."},
        "network": {"type": "string", "description": "The group of practices whose data key seals the value."},
        "trace": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "W3C trace id."},
    },
}
HEADERS: Final[dict[str, Any]] = {
    "type": "object",
    "description": "CloudEvents 1.0 (binary mode) and W3C trace context; opaque ids only.",
    "required": ["ce_specversion", "ce_type", "ce_source", "ce_id", "content-type", "traceparent"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_type": {"type": "string"},
        "ce_source": {"type": "string", "description": "/trialbridge/STAGE"},
        "ce_id": {"type": "string", "description": "Id of the first record."},
        "content-type": {"const": CONTENT_TYPE},
        "traceparent": {"type": "string"},
        "part": {"type": "string", "description": "ID/NUMBER/COUNT, where a record travels in parts."},
    },
}


class _Dumper(yaml.SafeDumper):
    """Writes equal values twice instead of as anchors and aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return that no value is an alias."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Return long texts as blocks."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def document(root: Path) -> dict[str, Any]:
    """Return the AsyncAPI document."""
    made = {spec.name: spec for spec in specs(BaseServiceSettings.model_construct(), ())}
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Trialbridge",
            "version": project["version"],
            "description": ABOUT,
            "license": {"name": project["license"]},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic.name: _channel(topic, made[topic.name]) for topic in topics.ALL},
        "operations": dict(pair for topic in topics.ALL for pair in _operations(topic)),
        "components": {
            "messages": {_message_name(topic): _message(topic) for topic in topics.ALL},
            "schemas": {"Headers": HEADERS, **schemas_of(topic.payload for topic in topics.ALL)},
        },
    }


def render(root: Path) -> str:
    """Return the file's text."""
    return HEADER + yaml.dump(document(root), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def _message_name(topic: Topic[Any]) -> str:
    return f"{topic.name}.v{topic.version}"


def _channel(topic: Topic[Any], spec: TopicSpec) -> dict[str, Any]:
    config = config_of(spec)
    kept: dict[str, Any] = {"cleanup.policy": [config["cleanup.policy"]]}
    kept |= {key: int(value) for key, value in config.items() if key != "cleanup.policy"}
    name = _message_name(topic)
    return {
        "address": topic.name,
        "description": f"{topic.about} {'Sealed.' if topic.sealed else 'Not sealed.'}"
        + (" Each record is in every partition." if topic.spread == "broadcast" else ""),
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": spec.partitions,
                "replicas": spec.replication,
                "topicConfiguration": kept,
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(topic: Topic[Any]) -> dict[str, Any]:
    data = {"$ref": REF.format(name=topic.payload.__name__)}
    record = {**ENVELOPE, "properties": {**ENVELOPE["properties"], "data": data}}
    return {
        "name": topic.type,
        "title": topic.payload.__name__,
        "summary": topic.about,
        "contentType": CONTENT_TYPE,
        "headers": {"$ref": REF.format(name="Headers")},
        "payload": {"type": "array", "minItems": 1, "items": record},
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": "0.5.0"}},
    }


def _operations(topic: Topic[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for action, parties in (("send", topic.writers), ("receive", topic.readers)):
        for party in parties:
            yield (
                f"{party.replace(' ', '-')}.{action}.{topic.name}",
                {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic.name}"},
                    "summary": f"{party} {'writes' if action == 'send' else 'reads'} {topic.name}.",
                    "messages": [{"$ref": f"#/channels/{topic.name}/messages/{_message_name(topic)}"}],
                },
            )
