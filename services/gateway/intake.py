"""The queue between the doors and the log: messages that wait together become durable together (group commit)."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.gateway.clients import Client
from services.gateway.handlers import Faults
from services.gateway.messages import Arrival
from trialbridge.contracts.errors import TrialbridgeError, Unavailable
from trialbridge.runtime.effects import Emitter

REMEMBERED: Final = 20_000
"""Arrivals whose outcome is remembered, so that a repeat is answered without being kept again."""
GROUP_BYTES: Final = 4 * 1024 * 1024
Deliver = Callable[[Client, Sequence[Arrival]], Awaitable[list[Faults]]]
Key = tuple[str, str]
"""Client and digest: the same bytes of the same client are the same arrival (MSH-10 is among them)."""


@dataclass(slots=True)
class _Waiting:
    client: Client
    arrival: Arrival
    done: "asyncio.Future[Faults]"


@dataclass(slots=True)
class Intake:
    """Takes arrivals from the doors; its loop makes them durable, a group of each client at a time."""

    deliver: Deliver
    most_messages: int = 200
    most_bytes: int = 32 * 1024 * 1024
    """Of arrivals that wait; a door makes its senders wait when there is no room."""
    linger: float = 0.004
    at_once: int = 3
    _queues: dict[str, deque[_Waiting]] = field(default_factory=dict)
    _pending: "dict[Key, asyncio.Future[Faults]]" = field(default_factory=dict)
    _known: "OrderedDict[Key, Faults]" = field(default_factory=OrderedDict)
    _bytes: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _freed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def full(self) -> bool:
        """Return whether senders should wait."""
        return self._bytes >= self.most_bytes

    async def room(self) -> None:
        """Return when there is room."""
        async with self._freed:
            await self._freed.wait_for(lambda: not self.full)

    async def take(self, client: Client, arrival: Arrival) -> Faults:
        """Return the faults of each message of an arrival once it is durable; a repeat gets the answer of the first.

        Raises `Unavailable` where it could not be made durable: the sender sends it again.
        """
        key = (client.client, arrival.digest)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        done = self._pending.get(key)
        if done is None:
            done = asyncio.get_running_loop().create_future()
            # Whoever asked may have gone: then nobody hears of a failure, and that is no error.
            done.add_done_callback(lambda one: one.cancelled() or one.exception())
            self._pending[key] = done
            self._bytes += len(arrival.body)
            self._queues.setdefault(client.client, deque()).append(_Waiting(client, arrival, done))
            self._wake.set()
        return await asyncio.shield(done)

    async def run(self, emitter: Emitter) -> None:
        """Make groups durable until cancelled; a defect ends it, and whatever waits is not acknowledged."""
        del emitter
        free = asyncio.Semaphore(self.at_once)
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._wake.wait()
                    await free.acquire()
                    await asyncio.sleep(self.linger)
                    group = self._next()
                    if group:
                        tasks.create_task(self._commit(group)).add_done_callback(lambda _: free.release())
                    else:
                        self._wake.clear()
                        free.release()
        finally:
            self._fail([one for queue in self._queues.values() for one in queue], _interrupted())
            self._queues.clear()

    def _next(self) -> list[_Waiting]:
        """Return the next group: of the client that has waited longest, as many messages as go together."""
        for name in list(self._queues):
            queue = self._queues.pop(name)
            group: list[_Waiting] = []
            messages = size = 0
            while queue and (not group or (messages < self.most_messages and size < GROUP_BYTES)):
                one = queue.popleft()
                group.append(one)
                messages += len(one.arrival.texts)
                size += len(one.arrival.body)
            if queue:
                self._queues[name] = queue  # behind the others
            if group:
                return group
        return []

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            faults = await self.deliver(group[0].client, [one.arrival for one in group])
            for one, found in zip(group, faults, strict=True):
                self._known[one.client.client, one.arrival.digest] = found
                if not one.done.done():
                    one.done.set_result(found)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        except TrialbridgeError as error:
            self._fail(group, error)
        finally:
            self._fail(group, _interrupted())
            for one in group:
                self._pending.pop((one.client.client, one.arrival.digest), None)
                self._bytes -= len(one.arrival.body)
            async with self._freed:
                self._freed.notify_all()

    def _fail(self, group: Sequence[_Waiting], error: TrialbridgeError) -> None:
        for one in group:
            if not one.done.done():
                one.done.set_exception(error)


def _interrupted() -> Unavailable:
    return Unavailable("gateway.interrupted", "The door closed before the message was durable; send it again.")
