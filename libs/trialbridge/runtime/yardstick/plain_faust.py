"""The named baseline: an agent with a table as Faust's own guide writes it, on the same messages and with the same outputs."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import faust
import msgspec
from msgspec.structs import replace

from trialbridge.contracts.events import LineageRecorded, TicketIssued
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.app import make_app

TICK: Final = 0.002


class PlainFaust:
    """Counts records by key in a Faust table, and sends the outputs of one message in one."""

    def __init__(self, name: str, settings: BaseServiceSettings, source: str, sink: str, expected: int) -> None:
        """Read ``source`` until ``expected`` records were seen."""
        self._folder = tempfile.TemporaryDirectory(prefix="trialbridge-")
        self.app: faust.App = make_app(name, settings, Path(self._folder.name))
        # Faust's own table in place of ours; all other settings are the same.
        self.app.conf.Table = faust.Table  # type: ignore[assignment,unused-ignore]  # Faust takes any table class
        self.done = asyncio.Event()
        self.began = 0.0
        self._expected = expected
        self._seen = 0
        self._decoder = msgspec.json.Decoder(TicketIssued)
        self._sink = sink
        self._table: Any = self.app.Table(
            "tally", partitions=settings.partitions, key_type=bytes, value_type=bytes, default=bytes
        )
        channel = self.app.topic(source, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        self.app.agent(channel, name=f"{name}.tally", concurrency=1)(self._tally)

    @property
    def changelog(self) -> str:
        """Return the changelog topic of the table."""
        return str(self._table.changelog_topic.get_topic_name())

    async def _tally(self, stream: Any) -> None:
        async for event in stream.events():
            self.began = self.began or time.perf_counter()
            message = event.message
            notes = [self._count(message.topic, envelope) for envelope in wire.decode(message.value[1:])]
            for sent in await wire.encode(notes, notes[0].network, "", None, {}):
                await self.app.producer.send_and_wait(self._sink, message.key, sent.value, message.partition, None, {})
            self._seen += len(notes)
            if self._seen >= self._expected:
                self.done.set()

    def _count(self, topic: str, envelope: wire.Envelope) -> wire.Envelope:
        """Count a record in the table and return its output."""
        self._decoder.decode(envelope.data)
        key = envelope.key.encode()
        self._table[key] = str(int(self._table.get(key) or b"0") + 1).encode()
        note = LineageRecorded(trace=envelope.trace, stage="bench", event=envelope.id, topic=topic, outcome="done")
        return replace(envelope, data=msgspec.Raw(msgspec.json.encode(note)))

    async def durable(self) -> None:
        """Return when the table's changes are in the log; Faust sends them in the background."""
        while self.app.producer.buffer.size:  # noqa: ASYNC110 - Faust tells nobody
            await asyncio.sleep(TICK)
        await self.app.producer.flush()

    async def start(self) -> None:
        """Start consuming."""
        self.app.finalize()
        await self.app.start()

    async def stop(self) -> None:
        """Stop and leave nothing behind."""
        await self.app.stop()
        self._folder.cleanup()
