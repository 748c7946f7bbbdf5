"""The newest durable records in memory, bounded in bytes: a consumer that keeps up never waits for the file."""

from bisect import bisect_left
from collections import deque
from operator import attrgetter

from trialbridge.runtime.embedded.storage import READ_BYTES, READ_RECORDS, Record, Spot

OVERHEAD = 256
"""Bytes that a record costs besides key and value."""
_offset = attrgetter("offset")


class Tail:
    """Holds every durable record of a partition from some offset on."""

    def __init__(self, limit: int) -> None:
        """Hold about ``limit`` bytes over all partitions."""
        self._limit = limit
        self._bytes = 0
        self._records: dict[Spot, deque[Record]] = {}
        self._order: deque[Spot] = deque()

    def add(self, record: Record) -> None:
        """Take in a partition's next record; the oldest of all go when there is no room."""
        spot = (record.topic, record.partition)
        self._records.setdefault(spot, deque()).append(record)
        self._order.append(spot)
        self._bytes += _size(record)
        while self._bytes > self._limit:
            self._bytes -= _size(self._records[self._order.popleft()].popleft())

    def read(self, spot: Spot, offset: int) -> list[Record] | None:
        """Return records from ``offset`` on (at most `READ_RECORDS`, about `READ_BYTES`), None where older ones are needed."""
        held = self._records.get(spot)
        if not held or held[0].offset > offset:
            return None
        found: list[Record] = []
        size = 0
        first = bisect_left(held, offset, key=_offset)
        for number in range(first, min(first + READ_RECORDS, len(held))):
            record = held[number]
            found.append(record)
            size += len(record.value or b"")
            if size >= READ_BYTES:
                break
        return found


def _size(record: Record) -> int:
    return OVERHEAD + len(record.key or b"") + len(record.value or b"")
