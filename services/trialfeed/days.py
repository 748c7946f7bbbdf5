"""The day on which verdicts are evaluated: published at start and whenever a new one begins in the configured zone."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.trialfeed.publishing import NO_NETWORK
from trialbridge.contracts.events import DayBegan
from trialbridge.contracts.topics import CALENDAR_DAYS
from trialbridge.runtime.effects import Emitter

KEY: Final = "day"
LONGEST_SLEEP: Final = 30.0
"""Seconds: a machine that was suspended over midnight notices soon."""


@dataclass(slots=True)
class Calendar:
    """Publishes days, each once for each start."""

    now: Callable[[], datetime]
    zone: str = "UTC"
    as_of: date | None = None
    """The one day of a demo or replay; None: today, as it passes."""
    _told: date | None = None

    async def tell(self, emitter: Emitter) -> bool:
        """Publish the day at hand unless it was told; return whether it was new. Raises `Unavailable`."""
        today = self.as_of or self.now().astimezone(ZoneInfo(self.zone)).date()
        if today == self._told:
            return False
        day = DayBegan(date=today.isoformat(), zone=self.zone)
        await emitter.publish(CALENDAR_DAYS, KEY, day, NO_NETWORK, f"{KEY}/{day.date}")
        self._told = today
        return True

    def until_next(self) -> float:
        """Return the seconds to sleep before looking again: until midnight in the zone, at most `LONGEST_SLEEP`."""
        zone = ZoneInfo(self.zone)
        now = self.now().astimezone(zone)
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), zone)
        # Compared as instants: a day on which clocks change has 23 or 25 hours.
        left = midnight.timestamp() - now.timestamp()
        return min(LONGEST_SLEEP, max(left, 0.01))

    async def run(self, emitter: Emitter) -> None:
        """Tell days until cancelled."""
        self._told = None
        while True:
            await self.tell(emitter)
            await asyncio.sleep(self.until_next())
