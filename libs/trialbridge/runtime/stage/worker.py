"""One partition's worker: handles its messages in order, a batch at a time, until it is closed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")

QUEUE_MESSAGES: Final = 128
BATCH_BYTES: Final = 4 * 1024 * 1024
"""As they came, compressed and sealed."""
DRAIN_SECONDS: Final = 8.0


class PartitionWorker(Generic[T]):
    """Takes messages in with back-pressure and processes them by batches."""

    def __init__(
        self,
        process: Callable[[Sequence[T]], Awaitable[None]],
        failed: Callable[[Exception], None],
        most: int,
        room: int = QUEUE_MESSAGES,
        gather: float = 0.0,
        weigh: Callable[[T], int] = lambda _: 0,
    ) -> None:
        """Begin at once.

        Args:
            process: Carries a batch all the way.
            failed: Told of what ``process`` raised; the worker handles nothing more then.
            most: Largest number of messages in a batch.
            room: Messages that may wait.
            gather: Seconds that a batch waits for more where the one before ended just now: each has costs of its own.
            weigh: Returns a message's bytes; a batch ends with the one that brings it to `BATCH_BYTES`.
        """
        self._process = process
        self._failed = failed
        self._most = most
        self._gather = gather
        self._weigh = weigh
        self._queue: asyncio.Queue[T] = asyncio.Queue(room)
        self._closed = asyncio.Event()
        self._busy = False
        self.task = asyncio.create_task(self._work())
        self.task.add_done_callback(self._ended)

    async def put(self, message: T) -> None:
        """Hand over a message; waits while too many do. A closed worker drops it."""
        if not self._closed.is_set():
            await self._queue.put(message)

    def close(self) -> None:
        """Handle nothing after the batch at hand; the task ends with it.

        What waits is dropped, and so is what ``put`` is about to hand over: processed after a gap it would be out of order.
        None of it was acknowledged, so that it comes again.
        """
        self._closed.set()
        while not self._queue.empty():
            self._queue.get_nowait()
        if not self._busy:
            self.task.cancel()

    async def _work(self) -> None:
        ended = float("-inf")
        clock = asyncio.get_running_loop().time
        while not self._closed.is_set():
            batch = [await self._queue.get()]
            if clock() - ended < self._gather and self._queue.qsize() < self._most:
                # Closing cancels this sleep as it does the wait above: nothing of the batch has begun.
                await asyncio.sleep(self._gather)
            if self._closed.is_set():
                return
            size = self._weigh(batch[0])
            while len(batch) < self._most and size < BATCH_BYTES and not self._queue.empty():
                batch.append(self._queue.get_nowait())
                size += self._weigh(batch[-1])
            self._busy = True
            await self._process(batch)
            self._busy = False
            ended = clock()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._failed(error)


async def close_all(workers: Iterable[PartitionWorker[T]], seconds: float = DRAIN_SECONDS) -> None:
    """Let each worker finish the batch at hand, at most ``seconds``; what is not acknowledged by then comes again."""
    closing = list(workers)
    for worker in closing:
        worker.close()
    tasks = [worker.task for worker in closing]
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
