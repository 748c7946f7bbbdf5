"""What measurements have in common: percentiles, the collector at rest, memory in use."""

import gc
import resource
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles


def cuts(times: Sequence[float]) -> dict[str, float]:
    """Return median and 99th percentile of seconds, in microseconds."""
    found = quantiles(times, n=100)
    return {"p50_microseconds": round(found[49] * 1e6, 1), "p99_microseconds": round(found[98] * 1e6, 1)}


def settle_down() -> None:
    """Leave what was loaded out of the collector's sight, as a service does once it has recovered its tables."""
    gc.collect()
    gc.freeze()


def resident() -> int:
    """Return the process's resident size now, in bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
