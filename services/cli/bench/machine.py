"""What the figures were measured on."""

import os
import platform
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any, TypeVar

T = TypeVar("T")


def machine() -> dict[str, Any]:
    """Return processor, cores and Python version; no name of the machine."""
    return {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}


def in_a_process(work: Callable[..., T], *given: Any) -> T:
    """Return what ``work`` returns when it runs in a fresh process, so that its memory is its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def peak_megabytes() -> float:
    """Return the process's largest resident size so far, in megabytes (10**6 bytes)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)


def utc_now() -> datetime:
    """Return the time now in UTC."""
    return datetime.now(UTC)
