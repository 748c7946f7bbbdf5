"""One running house for the security tests: all services in this process, on stores in a folder, with a porter at its door."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from services.cli.demo.settled import left_to_do
from services.cli.house import House
from trialbridge.contracts.documents import TICKETS, Collection, Document
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query
from trialbridge.runtime.stage.outbox import Outbox
from trialbridge.runtime.stores import create_keyring
from trialbridge.testkit.badinputs.handing import Porter
from trialbridge.testkit.badinputs.model import CAPS
from trialbridge.testkit.places import NETWORK, SOURCES
from trialbridge.testkit.pseudonyms import PSEUDONYM_KEY

PATIENCE = 240.0
EXTRA: Mapping[str, Mapping[str, Any]] = {
    "coatcheck": {"retry_first": 0.2, "retry_longest": 0.5, "sweep_interval": 0.5, "sweep_grace": 0.0, **CAPS},
    "trialfeed": {"as_of": "2026-06-01"},
}


def settings(state: Path, log_level: str = "error") -> dict[str, Any]:
    """Return the settings of a house whose stores lie in ``state``; makes folder and keys."""
    if not state.exists():
        state.mkdir(mode=0o700)
        create_keyring(state / "keys.json", [NETWORK, *(source.tenant for source in SOURCES)], PSEUDONYM_KEY)
    return {
        "broker": f"trialbridge-embedded://{state / 'log.db'}",
        "documents": f"sqlite://{state / 'documents.db'}",
        "objects": f"file://{state / 'objects'}",
        "keyring": state / "keys.json",
        "commit_interval": 0.2,
        "heartbeat_interval": 0.5,
        "poll_interval": 0.1,
        "log_level": log_level,
    }


def porter(house: House) -> Porter:
    """Return the one who hands inputs in."""
    links = house.stages[0].links
    ports, base = house.ports, house.settings
    return Porter(
        ports.documents, ports.objects, ports.keys, Outbox(links), links.sender, ports.now, base.objects.rstrip("/"),
        base.partitions,
    )  # fmt: skip


async def until(house: House, reached: Callable[[], Awaitable[bool]]) -> None:
    """Return once something is reached; fail where a stage stops, or where it takes too long."""
    end = time.monotonic() + PATIENCE
    while not await reached():
        assert time.monotonic() < end, "waited too long"
        assert not stopped(house), "a stage stopped"
        await asyncio.sleep(0.1)


def stopped(house: House) -> list[str]:
    """Return the stages that stopped on their own."""
    return [stage.name for stage in house.stages if stage.failed and stage.failed.done()]


async def is_over(house: House, orphans: int = 0) -> bool:
    """Return whether nothing is on its way any more, and so many objects are known to have no ticket."""
    documents = house.ports.documents
    status = await documents.count(TICKETS, {}, by="status")
    open_ones = status.get("issued", 0) + status.get("waiting", 0)
    return not open_ones and status.get("orphaned", 0) == orphans and not await left_to_do(documents, house.settings)


async def settled(house: House, orphans: int = 0) -> None:
    """Return once nothing is on its way any more, three looks in a row."""
    for _ in range(3):
        await until(house, lambda: is_over(house, orphans))


async def everything(house: House, collection: Collection[Document]) -> list[Document]:
    """Return all documents of a collection, opened."""
    return await collect(house.ports.documents, collection, Query(limit=1000))
