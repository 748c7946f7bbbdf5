"""Which partition a key belongs to: murmur2 as Kafka's default partitioner computes it, so that any Kafka client agrees."""

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=200_000)
def partition_of(key: str, partitions: int) -> int:
    """Return the partition (0 to ``partitions`` - 1) of ``key``."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)
