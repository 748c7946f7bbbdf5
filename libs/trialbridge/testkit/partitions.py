"""Which partition a key belongs to: Kafka's default partitioner, written down once more so that tests have an oracle."""

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit murmur2 hash of ``data`` with Kafka's seed, as an unsigned integer."""
    length = len(data)
    value = (_SEED ^ length) & _MASK
    whole = length & ~3
    for offset in range(0, whole, 4):
        word = (int.from_bytes(data[offset : offset + 4], "little") * _M) & _MASK
        word ^= word >> 24
        value = ((value * _M) & _MASK) ^ ((word * _M) & _MASK)
    if length > whole:
        value ^= int.from_bytes(data[whole:], "little")
        value = (value * _M) & _MASK
    value ^= value >> 13
    value = (value * _M) & _MASK
    return value ^ (value >> 15)


def partition_of(key: str, partitions: int) -> int:
    """Return the partition of ``key`` among ``partitions``, as Kafka's default partitioner counts (sign bit dropped)."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
