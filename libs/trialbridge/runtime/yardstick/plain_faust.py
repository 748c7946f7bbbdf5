"""The named baseline: an agent with a table as Faust's own guide writes it, reading the same messages."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import faust

from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.app import make_app


class PlainFaust:
    """Counts records by key in a Faust table and sends one message for each that comes in."""

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
            for envelope in wire.decode(message.value[1:]):
                key = envelope.key.encode()
                self._table[key] = str(int(self._table.get(key) or b"0") + 1).encode()
                self._seen += 1
            await self.app.producer.send_and_wait(self._sink, message.key, message.value, message.partition, None, {})
            if self._seen >= self._expected:
                self.done.set()

    async def start(self) -> None:
        """Start consuming."""
        self.app.finalize()
        await self.app.start()

    async def stop(self) -> None:
        """Stop and leave nothing behind."""
        await self.app.stop()
        self._folder.cleanup()
