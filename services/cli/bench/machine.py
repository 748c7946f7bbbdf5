"""What the figures were measured on."""

import os
import platform
import resource
from datetime import UTC, datetime
from typing import Any


def machine() -> dict[str, Any]:
    """Return processor, cores and Python version; no name of the machine."""
    return {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}


def peak_megabytes() -> float:
    """Return the process's largest resident size so far, in megabytes (10**6 bytes)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)


def utc_now() -> datetime:
    """Return the time now in UTC."""
    return datetime.now(UTC)
