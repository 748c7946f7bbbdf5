"""A worker of the join tests: one stage with a table, run as a process of its own until SIGTERM or SIGKILL."""

import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from trialbridge.contracts.events import LineageRecorded, TicketIssued
from trialbridge.contracts.topics import EMR_TICKETS, LINEAGE
from trialbridge.runtime.documents.sqlite import SqliteDocuments
from trialbridge.runtime.effects import Effects, Received, TableSpec
from trialbridge.runtime.serve import prepare_log, run_until, stop_on_signals
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage.stage import Ports, Stage
from trialbridge.testkit.seals import ClearSeal


class Progress(msgspec.Struct, frozen=True):
    """How far a key has come: the number due next, and every number that came before its turn."""

    due: int = 0
    gaps: tuple[tuple[int, int], ...] = ()


LISTENING = "listens to signals\n"
PROGRESS = TableSpec("progress", Progress)


PACE = 0.002
"""Seconds a record takes: slower than the feed, so that a joining worker finds its fetch buffers full."""


async def follow(record: Received[TicketIssued], effects: Effects) -> None:
    """Expect the numbers of each key in turn; a repeat changes nothing and is answered again."""
    await asyncio.sleep(PACE)
    table = effects.table(PROGRESS)
    before, number = table.get(record.key) or Progress(), record.payload.size
    if number == before.due:
        table.put(record.key, Progress(number + 1, before.gaps))
    elif number > before.due:
        table.put(record.key, Progress(number + 1, (*before.gaps, (before.due, number))))
    note = LineageRecorded(trace=record.trace, stage=str(number), event=record.id, topic=record.key, outcome="done")
    effects.emit(LINEAGE, record.key, note, record.network)


def follower(settings: BaseServiceSettings, ports: Ports) -> Stage:
    """Return the stage that the workers run."""
    return Stage("follower", settings, ports, {EMR_TICKETS: follow}, (PROGRESS,))


async def run(given: dict[str, Any]) -> None:
    """Run the stage until told to stop."""
    stop = stop_on_signals()
    sys.stdout.write(LISTENING)
    sys.stdout.flush()
    settings = read_settings(BaseServiceSettings, **given)
    with tempfile.TemporaryDirectory() as folder:
        documents = SqliteDocuments(Path(folder) / "documents.db", ClearSeal())
        await documents.prepare()
        stage = follower(settings, Ports(documents, ClearSeal(), lambda: datetime.now(UTC)))
        await prepare_log(settings, [stage])
        await run_until(stage, stop)
        await documents.close()


if __name__ == "__main__":
    asyncio.run(run(msgspec.json.decode(sys.argv[1])))
