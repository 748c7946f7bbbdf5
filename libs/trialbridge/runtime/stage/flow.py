"""How a Faust consumer reads on after partitions moved; both transports mix it in, because Faust alone loses records there.

Faust rewinds to the committed positions, then empties the streams' queues, then lets messages flow. What its reading task
delivers between the first and the last of these is thrown away and never comes again; so is what an older fetch brings.
"""

import asyncio
import functools
import inspect
import types
from collections.abc import Coroutine, Generator, Iterable, Mapping
from typing import Any, NamedTuple

from faust import Service
from faust.transport.consumer import Consumer
from faust.types import TP

Records = Mapping[TP, list[Any]]


class Ended(NamedTuple):
    """What ended first, in the form of mode, which Faust stands on."""

    done: list[Any]
    results: list[Any]
    stopped: bool = False


class QuickWait(Service):
    """A service that waits for what ends at once without a task for it."""

    async def wait_first(self, *coros: Any, timeout: Any = None) -> Any:  # noqa: ASYNC109 - mode's signature
        """Return what ends first. What ends without waiting costs no task: Faust asks so for each message, with four of them."""
        first, *others = coros
        if timeout is None and inspect.iscoroutine(first) and not (self._stopped.is_set() or self._crashed.is_set()):
            try:
                waits_for = first.send(None)
            except StopIteration as end:
                _drop(others)
                return Ended([first], [end.value])
            except BaseException:
                _drop(others)
                raise
            coros = (_go_on(first, waits_for), *others)
        return await super().wait_first(*coros, timeout=timeout)


class SteadyFlow(QuickWait, Consumer):
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


def _drop(coroutines: Iterable[Any]) -> None:
    """Let coroutines go that were never begun."""
    for one in coroutines:
        if inspect.iscoroutine(one):
            one.close()


async def _go_on(begun: Coroutine[Any, Any, Any], waits_for: Any) -> Any:
    """Return what a coroutine returns that has begun, and waits for something."""
    return await _rest_of(begun, waits_for)


@types.coroutine
def _rest_of(begun: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    while True:
        try:
            yield waits_for
        except BaseException as error:  # noqa: BLE001 - cancellation too is for the coroutine to see
            step = functools.partial(begun.throw, error)
        else:
            step = functools.partial(begun.send, None)
        try:
            waits_for = step()
        except StopIteration as end:
            return end.value


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Return whether the event is set within ``seconds``."""
    if event.is_set():
        return True
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
