"""What both doors do with what comes in: who may send how much, read, make durable, acknowledge, count."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.gateway.clients import Client, Clients
from services.gateway.intake import Intake
from services.gateway.limits import Rates
from services.gateway.messages import Door, Outcome, answer, by_message, read
from services.gateway.tokens import Tokens
from trialbridge.runtime.telemetry import metrics


@dataclass(frozen=True, slots=True)
class Desk:
    """The way from bytes to their acknowledgement."""

    clients: Clients
    tokens: Tokens
    rates: Rates
    intake: Intake
    now: Callable[[], datetime]

    @property
    def full(self) -> bool:
        """Return whether so much waits that senders should too."""
        return self.intake.full

    def wait(self, client: Client) -> float:
        """Return the seconds until the client may send again, 0 for now."""
        return self.rates.wait(client.client)

    async def answer(self, client: Client, body: bytes, door: Door) -> tuple[Outcome, bytes]:
        """Return the acknowledgement of a message or batch, once it is durable; of one that cannot be read, at once.

        Raises `Unavailable` where it could not be made durable.
        """
        started = time.perf_counter()
        arrival, refusals = read(body)
        self.rates.spend(client.client, max(1, len(arrival.texts)))
        if refusals:
            outcome, ack = answer(arrival, by_message(refusals), self.now(), refused=True)
        else:
            outcome, ack = answer(arrival, await self.intake.take(client, arrival), self.now())
        metrics.MESSAGES.labels(door, outcome).inc(max(1, len(arrival.texts)))
        metrics.ACKNOWLEDGED.labels(door).observe(time.perf_counter() - started)
        return outcome, ack
