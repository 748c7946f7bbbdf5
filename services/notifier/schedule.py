"""When a webhook is tried again: the schedule that the Standard Webhooks specification gives, spread a little."""

import hashlib
from datetime import timedelta
from typing import Final

DELAYS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""After the first attempt, which is made at once: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""
SPREAD: Final = 0.1
LONGEST: Final = timedelta(days=1)


def wait_after(attempt: int, message: str, asked: timedelta = timedelta(0)) -> timedelta | None:
    """Return how long to wait after an attempt that failed, None after the last one.

    Args:
        attempt: Counted from 1.
        message: The webhook-id: spreads the waits by up to a tenth, the same each time.
        asked: What the endpoint asked for by ``Retry-After``; heeded where it is longer, up to a day.
    """
    if attempt > len(DELAYS):
        return None
    share = int.from_bytes(hashlib.sha256(f"{message}/{attempt}".encode()).digest()[:4]) / 2**32
    return max(DELAYS[attempt - 1] * (1 + SPREAD * share), min(asked, LONGEST))
