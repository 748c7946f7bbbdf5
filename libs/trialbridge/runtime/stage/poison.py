"""When poison comes in a flood the fault is ours: stop and page rather than drain a topic into dead_letters."""

from collections import deque

from trialbridge.contracts.errors import TooMuchPoison


class PoisonGuard:
    """Watches the share of records set aside (the rule of arroyo's DlqLimit, with our figures)."""

    def __init__(self, window: int = 1000, share: float = 0.10, in_a_row: int = 50) -> None:
        """Allow at most ``share`` of the last ``window`` records, and fewer than ``in_a_row`` one after another."""
        self._window = window
        self._share = share
        self._in_a_row = in_a_row
        self._recent: deque[bool] = deque(maxlen=window)
        self._bad = 0
        self._row = 0

    def count(self, *, poison: bool, code: str = "") -> None:
        """Count one record; ``code`` says why it was set aside.

        Raises:
            TooMuchPoison: ``stage.too-much-poison`` when a limit is reached.
        """
        if len(self._recent) == self._window and self._recent[0]:
            self._bad -= 1
        self._recent.append(poison)
        self._bad += poison
        self._row = self._row + 1 if poison else 0
        full = len(self._recent) == self._window
        if self._row >= self._in_a_row or (full and self._bad > self._share * self._window):
            raise TooMuchPoison(
                "stage.too-much-poison",
                f"{self._bad} of the last {len(self._recent)} records were set aside, {self._row} of them in a row, the last as {code}. "
                "Nothing was acknowledged since; mend the cause, then start the stage again.",
            )
