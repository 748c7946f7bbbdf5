"""What every test may use, and two rules: sockets reach loopback only where a suite needs them; in CI nothing is skipped."""

import gc
import os
import secrets
import socket
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
LOOPBACK = ["127.0.0.1", "localhost", "::1"]
NO_SAMPLES = "the public sample data is not beside the project (it is no part of it)"
SEED = 20261121
WITH_PROCESSES = {"contract", "e2e", "fault", "security"}
LONG = 900
"""Seconds for tests that start processes or wait for them: many times what they need on a machine at rest."""
WITH_SOCKETS = {"contract", "integration", "e2e", "fault", "security"}

# The same examples in every run, however long one takes: a run that fails says something of what was changed, not of the day or
# the machine. New examples are for the long suite: `--hypothesis-profile=searching`, which prints how to repeat what it finds.
settings.register_profile("steady", derandomize=True, database=None, deadline=None)
settings.register_profile("searching", deadline=None, print_blob=True)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of public sample data that lies beside the project, or skip where it is not there."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(NO_SAMPLES)
    return folder


@pytest.fixture
def port() -> Iterator[int]:
    """Yield a port of loopback for a server of the test. It is held meanwhile, so that nobody else is given it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def calm() -> Iterator[None]:
    """Keep the collector from looking at all that other tests left, while a test measures what its own work takes."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of a test that draws: the same in every run, a new one each time in the long suite; a failure shows it.

    ``TRIALBRIDGE_TEST_SEED=…`` takes that of a failure again.
    """
    new = request.node.get_closest_marker("slow")
    found = int(os.environ.get("TRIALBRIDGE_TEST_SEED") or (secrets.randbelow(2**32) if new else SEED))
    print(f"TRIALBRIDGE_TEST_SEED={found}")  # noqa: T201 - shown where the test fails
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the suites beyond unit tests talk to loopback, mark each test with its suite, and leave those with processes time."""
    for item in items:
        suite = item.path.relative_to(ROOT / "tests").parts[0]
        if suite in WITH_SOCKETS:
            item.add_marker(getattr(pytest.mark, suite))
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
            if suite in WITH_PROCESSES and not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that did not run is a failure, whatever its reason."""
    del item, call
    report = yield
    excused = hasattr(report, "wasxfail") or NO_SAMPLES in str(report.longrepr)
    if report.skipped and os.environ.get("CI") == "true" and not excused:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
