"""A bundle in each container by the command line, through the embedded coat check, to a view."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.cli.places import settings_of
from tests.e2e.running import demo, trialbridge, wait_until
from tests.e2e.test_cli import TRIAL, bundle, services
from trialbridge.contracts.documents import PATIENTS
from trialbridge.runtime.serve import open_ports
from trialbridge.vault.containers.table import CONTAINERS
from trialbridge.vault.recipients import KINDS

PRACTICE = "own-data"
NAMES = [one.name for one in CONTAINERS]


def lines(text: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the state of running services that know one practice, with a key of each kind."""
    data, trials, folder = (tmp_path_factory.mktemp(name) for name in ("data", "trials", "state"))
    (data / "eva.json").write_bytes(bundle("eva"))
    (trials / "own.yaml").write_text(TRIAL)
    demo(folder, "--data", str(data), "--trials", str(trials))
    for kind in KINDS:
        made = trialbridge("keys", "recipient", "add", PRACTICE, "--kind", kind, "--state", folder)
        assert made.returncode == 0, made.stderr
        told = trialbridge("keys", "recipient", "export", PRACTICE, "--kind", kind, "--state", folder)
        assert told.stdout == made.stdout
        assert "PRIVATE" not in told.stdout
    with services(folder):
        yield folder


def views(state: Path) -> int:
    """Return how many patients have a view."""

    async def count() -> int:
        async with open_ports(settings_of(state)) as ports:
            return sum((await ports.documents.count(PATIENTS, {})).values())

    return asyncio.run(count())


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_in_each_container_becomes_a_view(state: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / "bundle.json"
    file.write_bytes(bundle(f"of-{name}"))
    before = views(state)
    who = ("--tenant", PRACTICE, "--source", f"{PRACTICE}/{name}", "--state", state, "--json")
    done = trialbridge("ticket", "issue", file, "--container", name, *who)
    assert done.returncode == 0, done.stderr
    (outcome,) = lines(done.stdout)
    assert (outcome["status"], outcome["patients"], outcome["set_aside"]) == ("redeemed", 1, 0)
    wait_until(lambda: views(state) == before + 1)
