"""Runs the product as its users do: by its command, in processes of their own, embedded or on the test bed."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import get_session

from trialbridge.runtime.stores import create_keyring
from trialbridge.testkit.places import NETWORK, TENANTS
from trialbridge.testkit.pseudonyms import PSEUDONYM_KEY

SECONDS = 600
PATIENCE = 240
"""Seconds until a command, and until what is waited for, is given up: many times what they need on a machine at rest."""
AS_OF = "2026-06-01"
WORKERS = ("coatcheck", "patientview", "matcher", "matchbook", "notifier", "trialfeed")
NEEDED = ("TRIALBRIDGE_TEST_KAFKA", "TRIALBRIDGE_TEST_MONGO", "TRIALBRIDGE_TEST_S3")


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without any setting of the product."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIALBRIDGE_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **(more or {})}


def trialbridge(
    *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run the command and return what it said."""
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *map(str, arguments)],
        capture_output=True, text=True, timeout=SECONDS, check=False, env=clean_environment(environment),
    )  # fmt: skip


def demo(state: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run the demo to its end and return its JSON result."""
    done = trialbridge("demo", "--once", "--json", "--state", state, *arguments, environment=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def start_demo(state: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start the demo and return its process."""
    return subprocess.Popen(
        [sys.executable, "-m", "services.cli", "demo", "--once", "--json", "--state", str(state), *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment(), start_new_session=True,
    )  # fmt: skip


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process group without a chance to tidy up."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@dataclass
class Cluster:
    """Every service as a process of its own on the test bed, with names that nobody else uses."""

    folder: Path
    environment: dict[str, str]
    workers: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, service: str) -> None:
        """Start a service's worker; its log goes to a file."""
        log = (self.folder / f"{service}.log").open("ab")
        self.workers[service] = subprocess.Popen(
            [sys.executable, "-m", f"services.{service}"],
            stdout=log, stderr=log, env=clean_environment(self.environment), start_new_session=True,
        )  # fmt: skip
        log.close()

    def kill(self, service: str) -> None:
        """Kill a worker at once."""
        kill(self.workers.pop(service))

    def stop(self) -> None:
        """Stop all workers in order."""
        for process in self.workers.values():
            process.send_signal(signal.SIGTERM)
        for name, process in self.workers.items():
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                kill(process)
                raise AssertionError(f"{name} did not stop") from None

    def demo(self, *arguments: str) -> dict[str, Any]:
        """Feed the services and return the demo's result."""
        return demo(self.folder / "state", "--attach", *arguments, environment=self.environment)

    def logs(self) -> str:
        """Return what all workers logged."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@contextlib.contextmanager
def cluster(folder: Path, services: Sequence[str] = WORKERS) -> Iterator[Cluster]:
    """Yield running services on the test bed; skip where it is not there."""
    if any(name not in os.environ for name in NEEDED):
        pytest.skip("no test bed here: run make test, or make testbed-up")
    name = f"e2e{secrets.token_hex(4)}"
    made = Cluster(folder, environment_of(name, folder))
    asyncio.run(_bucket(name))
    try:
        for service in services:
            made.start(service)
        yield made
    finally:
        made.stop()


def environment_of(name: str, folder: Path) -> dict[str, str]:
    """Return the settings of an installation of its own on the test bed."""
    keyring, credentials = folder / "keys.json", folder / "credentials"
    create_keyring(keyring, [NETWORK, "own-data", *(tenant.id for tenant in TENANTS)], PSEUDONYM_KEY)
    credentials.write_text(f"{os.environ['TRIALBRIDGE_TEST_S3_ACCESS']}\n{os.environ['TRIALBRIDGE_TEST_S3_SECRET']}\n")
    credentials.chmod(0o600)
    return {
        "TRIALBRIDGE_BROKER": f"trialbridge-kafka://{os.environ['TRIALBRIDGE_TEST_KAFKA']}",
        "TRIALBRIDGE_DOCUMENTS": os.environ["TRIALBRIDGE_TEST_MONGO"].replace("/?", f"/{name}?"),
        "TRIALBRIDGE_OBJECTS": f"s3://{name}?endpoint={os.environ['TRIALBRIDGE_TEST_S3']}",
        "TRIALBRIDGE_OBJECT_CREDENTIALS_FILE": str(credentials),
        "TRIALBRIDGE_KEYRING": str(keyring),
        "TRIALBRIDGE_GROUP_PREFIX": name,
        "TRIALBRIDGE_TOPIC_PREFIX": f"{name}.",
        "TRIALBRIDGE_COMMIT_INTERVAL": "0.5",
        "TRIALBRIDGE_AS_OF": AS_OF,
        "TRIALBRIDGE_LOG_LEVEL": "info",
    }


async def _bucket(name: str) -> None:
    options = {
        "endpoint_url": os.environ["TRIALBRIDGE_TEST_S3"],
        "aws_access_key_id": os.environ["TRIALBRIDGE_TEST_S3_ACCESS"],
        "aws_secret_access_key": os.environ["TRIALBRIDGE_TEST_S3_SECRET"],
        "region_name": "us-east-1",
    }
    async with get_session().create_client("s3", **options) as client:
        await client.create_bucket(Bucket=name)


def wait_until(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Return once ``condition()`` is true; fail after a while. Looking takes a third of the time at most: others need it."""
    end = time.monotonic() + seconds
    while True:
        begun = time.monotonic()
        if condition():
            return
        looked = time.monotonic()
        assert looked < end, "waited too long"
        time.sleep(max(0.05, 2 * (looked - begun)))
