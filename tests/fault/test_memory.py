"""A bundle of a gigabyte goes through the coat check in half of that, whichever container it comes in."""

import json
import subprocess
import sys
from typing import Any

import pytest

from trialbridge.vault.containers.table import CONTAINERS

MOST_MB = 500


def measured(megabytes: int, container: str) -> dict[str, Any]:
    """Return the figures of a process of its own."""
    command = [sys.executable, "-m", "services.cli.bench.coatcheck", str(megabytes), container]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1500)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_forty_megabytes_are_redeemed_whole() -> None:
    found = measured(40, "s3-v2")
    assert found["status"] == "redeemed"
    assert found["resources"] > 30_000
    assert found["peak_mb"] < MOST_MB


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("container", [one.name for one in CONTAINERS])
def test_a_gigabyte_takes_half_a_gigabyte_at_most(container: str) -> None:
    found = measured(1000, container)
    assert found["status"] == "redeemed"
    assert found["bytes"] > 0.99e9
    assert found["peak_mb"] < MOST_MB
