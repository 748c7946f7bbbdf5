"""``docs/topics.md``: the registry of topics, for people."""

from pathlib import Path
from typing import Any

from infra.generate.markdown import code, notice, table
from trialbridge.contracts import topics
from trialbridge.contracts.topics import DAY_MS, KIB, MESSAGE_LIMIT, Topic

TEXT = f"""\
# Topics

Every topic, as the registry in `libs/trialbridge/contracts/topics.py` has it. There are no others, besides the changelogs of the
stages' tables (`infra/kafka/topics.yaml` lists both, with their configuration). [asyncapi.yaml](asyncapi.yaml) describes the payloads.

* One message holds one record or several of the same partition and the same network, never more than {MESSAGE_LIMIT // KIB} KiB; a larger
  record travels in parts. A message of a compacted topic holds exactly one record.
* The partition is murmur2 of the key modulo the number of partitions. *Broadcast* topics have each record in every partition.
* *Sealed* values are encrypted under the network's data key; headers never hold more than opaque ids.
* Delivery is at least once. Ids are pure functions of their causes, so a repeat has the same id.
* A replayed dead letter goes back to the topic that it came from; `coatcheck` writes it, whoever wrote it first.

"""
HEADER = ("topic", "key", "payload", "kept", "sealed", "written by", "read by", "what one record says")


def render(_root: Path) -> str:
    """Return the page."""
    rows = [_row(topic) for topic in topics.ALL]
    return notice("libs/trialbridge/contracts/topics.py") + TEXT + table(HEADER, rows)


def kept(topic: Topic[Any]) -> str:
    """Return for how long a topic's records stay, in words."""
    if topic.retention_ms is None:
        return "compacted: the newest of each key, for good"
    return f"{topic.retention_ms // DAY_MS:,} days"


def _row(topic: Topic[Any]) -> tuple[str, ...]:
    key = f"{topic.key} (broadcast)" if topic.spread == "broadcast" else topic.key
    payload = f"{code(topic.payload.__name__)} v{topic.version}"
    sealed = "yes" if topic.sealed else "no"
    return code(topic.name), key, payload, kept(topic), sealed, _who(topic.writers), _who(topic.readers), topic.about


def _who(parties: tuple[str, ...]) -> str:
    """Return the parties; a phrase such as "every stage" is no name of a service."""
    return ", ".join(party if " " in party else code(party) for party in parties)
