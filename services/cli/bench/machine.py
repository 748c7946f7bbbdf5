"""What the figures were measured on."""

import os
import platform
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any, TypeVar

from trialbridge.runtime.collector import calm_collector

T = TypeVar("T")


def machine() -> dict[str, Any]:
    """Return processor, cores and Python version; no name of the machine."""
    return {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}


def in_a_process(work: Callable[..., T], *given: Any) -> T:
    """Return what ``work`` returns when it runs in a fresh process, so that its memory is its own; one like those of the services."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=calm_collector) as pool:
        return pool.submit(work, *given).result()


def utc_now() -> datetime:
    """Return the time now in UTC."""
    return datetime.now(UTC)
