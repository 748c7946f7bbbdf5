"""Waits until everything that was asked for has gone all the way through the services."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from trialbridge.contracts import topics
from trialbridge.contracts.documents import COMMANDS
from trialbridge.runtime.backlog import backlog
from trialbridge.runtime.ports import DocumentStore
from trialbridge.runtime.settings import BaseServiceSettings

PAUSE: Final = 0.2
CALM: Final = 2
"""Looks in a row that must find nothing left to do."""


def groups(settings: BaseServiceSettings) -> dict[str, list[str]]:
    """Return the consumer groups and the topics that each reads, in the order of the data's way.

    The order matters: what an earlier group has acknowledged has already reached the topics of the later ones.
    """
    found: dict[str, list[str]] = {}
    for topic in topics.ALL:
        for reader in topic.readers:
            found.setdefault(f"{settings.group_prefix}-{reader}", []).append(settings.topic_prefix + topic.name)
    return found


async def left_to_do(documents: DocumentStore, settings: BaseServiceSettings) -> int:
    """Return the number of messages and commands that are not done yet."""
    asked = await documents.count(COMMANDS, {"status": "requested"})
    behind = await backlog(settings.broker, groups(settings), settings)
    return asked.get("", 0) + sum(behind.values())


async def settle(
    documents: DocumentStore, settings: BaseServiceSettings, look: Callable[[int], Awaitable[None]]
) -> None:
    """Return once nothing is left to do; ``look`` is told how much is left, each time."""
    calm = 0
    while calm < CALM:
        left = await left_to_do(documents, settings)
        calm = 0 if left else calm + 1
        await look(left)
        await asyncio.sleep(PAUSE)
