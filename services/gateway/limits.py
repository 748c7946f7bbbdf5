"""How much one client may send: a bucket of messages that fills up at a rate."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

BURST_SECONDS: Final = 2.0


@dataclass(slots=True)
class Rates:
    """A bucket for each client; a batch counts as its messages, and may leave the bucket in debt."""

    rate: float
    """Messages a second."""
    clock: Callable[[], float]
    """Monotonic seconds."""
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, client: str) -> float:
        """Return the seconds until the client may send again, 0 for now."""
        left = self._now(client)
        return 0.0 if left >= 1 else (1 - left) / self.rate

    def spend(self, client: str, messages: int) -> None:
        """Take what the client sent out of its bucket."""
        self._left[client] = (self._now(client) - messages, self.clock())

    def _now(self, client: str) -> float:
        most = max(1.0, self.rate * BURST_SECONDS)
        left, at = self._left.get(client, (most, self.clock()))
        return min(most, left + (self.clock() - at) * self.rate)
