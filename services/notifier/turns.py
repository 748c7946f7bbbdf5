"""Who may be called next: so many calls at once, so many to one endpoint, and turns among endpoints."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from trialbridge.contracts.documents import DeliveryDoc


@dataclass(slots=True)
class Turns:
    """The calls on their way. A slow endpoint takes up its own share, never that of the others."""

    at_once: int
    per_endpoint: int
    _running: dict[asyncio.Task[bool], DeliveryDoc] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=dict)
    """By endpoint, the number of its last call: whoever was not called for the longest time comes first."""
    _count: int = 0

    @property
    def busy(self) -> bool:
        """Return whether any call is on its way."""
        return bool(self._running)

    def room(self) -> int:
        """Return how many more calls may begin now."""
        return self.at_once - len(self._running)

    def full(self, endpoint: str) -> bool:
        """Return whether the endpoint has all the calls that it may have at once."""
        return self._load()[endpoint] >= self.per_endpoint

    def begin(self, due: Iterable[DeliveryDoc], attempt: Callable[[DeliveryDoc], Awaitable[bool]]) -> None:
        """Begin those of the ``due`` deliveries, the oldest of each endpoint first, whose turn it is."""
        mine = {doc.id for doc in self._running.values()}
        waiting: dict[str, list[DeliveryDoc]] = {}
        for doc in due:
            if doc.id not in mine:
                waiting.setdefault(doc.endpoint, []).append(doc)
        load = self._load()
        while self.room() > 0:
            free = [name for name, docs in waiting.items() if docs and load[name] < self.per_endpoint]
            if not free:
                return
            name = min(free, key=lambda one: (load[one], self._last.get(one, 0)))
            self._count += 1
            self._last[name] = self._count
            load[name] += 1
            doc = waiting[name].pop(0)
            self._running[asyncio.ensure_future(attempt(doc))] = doc

    async def ended(self, seconds: float | None = None) -> int:
        """Wait until a call has ended, or for so many seconds; return how many attempts were made. Raises what one raised."""
        if not self._running:
            await asyncio.sleep(seconds or 0)
            return 0
        done, _ = await asyncio.wait(self._running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            del self._running[one]
        return sum([one.result() for one in done])

    async def stop(self) -> None:
        """Break off what is on its way; it is tried again after its lease."""
        for one in self._running:
            one.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    def _load(self) -> Counter[str]:
        return Counter(doc.endpoint for doc in self._running.values())
