"""How a Faust consumer reads on after partitions moved; both transports mix it in, because Faust alone loses records there.

Faust rewinds to the committed positions, then empties the streams' queues, then lets messages flow. What its reading task
delivers between the first and the last of these is thrown away and never comes again; so is what an older fetch brings.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from faust.transport.consumer import Consumer
from faust.types import TP

Records = Mapping[TP, list[Any]]


class SteadyFlow(Consumer):
    """A consumer that delivers nothing between a rewind and the resumption of flow, nor what was fetched before a rewind."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin as Faust does."""
        self.rewinds = 0
        """Counts changes of position; what was fetched under another count is stale."""
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._room = asyncio.Event()
        super().__init__(*args, **kwargs)

    async def perform_seek(self) -> None:
        """Go to the committed positions; read on only when flow is resumed. Earlier acknowledgements count no more."""
        self._may_read.clear()
        self.rewinds += 1
        await super().perform_seek()
        for tp in self.assignment():
            self._acked.pop(tp, None)
            self._acked_index.pop(tp, None)
            self._gap.pop(tp, None)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to the given offsets."""
        self.rewinds += 1
        await super().seek_wait(partitions)  # type: ignore[safe-super]  # the transports stand between

    def resume_flow(self) -> None:
        """Let messages flow; the streams' queues were emptied before."""
        super().resume_flow()
        self._may_read.set()

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch from partitions again."""
        super().resume_partitions(tps)
        self._room.set()

    def on_buffer_drop(self, tp: TP) -> None:
        """Read on at once when a stream has room again."""
        super().on_buffer_drop(tp)
        self._room.set()

    async def _wait_next_records(self, timeout: float) -> tuple[Records | None, set[TP] | None]:  # noqa: ASYNC109 - Faust's signature
        """Return the next records and the partitions that may be delivered; ``(None, None)`` where there are none."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # Faust calls its wait()
        if not await set_within(self._may_read, timeout):
            return None, None
        active = self._get_active_partitions()
        if not active:
            self._room.clear()
            await set_within(self._room, timeout)
            return None, None
        before = (self.rewinds, self.app.consumer_generation_id)
        # A copy: Faust changes the set while the fetch waits, and an empty set means every partition to the client.
        records = await self._getmany(set(active), timeout)
        if before != (self.rewinds, self.app.consumer_generation_id):
            return None, None
        return records, active


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Return whether the event is set within ``seconds``."""
    if event.is_set():
        return True
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
