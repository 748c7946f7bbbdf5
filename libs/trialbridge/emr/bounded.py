"""A memory with a bound: what a process remembers of its input must never grow with it."""

from collections.abc import Hashable
from typing import Any, Final, TypeVar

MOST: Final = 20_000
"""What is remembered where nothing else is said."""
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(dict[K, V]):
    """Remembers so much, then begins anew."""

    __slots__ = ("most",)

    def __init__(self, most: int = MOST) -> None:
        """Begin with nothing."""
        self.most = most

    def keep(self, key: K, value: V) -> V:
        """Remember something, and return it."""
        if len(self) >= self.most:
            self.clear()
        self[key] = value
        return value


Memory = Bounded[Any, Any]
"""Of a converter's own things."""
