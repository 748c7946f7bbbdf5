"""``kill -9`` at random points: nothing is lost, nothing has a second effect, the end is the same."""

import contextlib
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import cluster, demo, kill, start_demo, wait_until

PATIENTS = ("--patients", "80")
SAME = (
    "patients",
    "views",
    "approved",
    "potentially",
    "held",
    "awaiting_review",
    "withdrawn",
    "notified",
    "dead_letters",
    "hash",
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the result of a run that nobody kills."""
    return demo(tmp_path_factory.mktemp("undisturbed"), *PATIENTS)


def writes(state: Path, since: int) -> bool:
    """Return whether the log of a run was written to after a point in time."""
    with contextlib.suppress(FileNotFoundError):
        return any(one.stat().st_mtime_ns > since for one in state.glob("log.db*"))
    return False


def embedded_kills(folder: Path, kills: int, seed: int, undisturbed: dict[str, Any]) -> int:
    """Kill running demos until ``kills`` hit one at work, each restarted on its state; return how many runs came to their end.

    A run that ends by itself must have come to the undisturbed run's end; the next kills are for a new one.
    """
    rng = random.Random(seed)
    length = sum(undisturbed["seconds"]["wall"].values())
    state, runs, done = folder / "run-0", 0, 0
    while done < kills:
        started, process = time.time_ns(), start_demo(state, *PATIENTS)
        wait_until(lambda: writes(state, started) or process.poll() is not None)  # noqa: B023 - called at once
        time.sleep(rng.uniform(0, length / 2))
        done += process.poll() is None
        ended = process.poll() is not None
        kill(process)
        if ended or done == kills:
            result = demo(state, *PATIENTS)
            assert {name: result[name] for name in SAME} == {name: undisturbed[name] for name in SAME}
            runs += 1
            state = folder / f"run-{runs}"
    return runs


def test_killing_the_embedded_process_loses_and_doubles_nothing(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    embedded_kills(tmp_path, 3, 7, undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killing_the_embedded_process_twenty_times(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    embedded_kills(tmp_path, 20, 8, undisturbed)


def cluster_kills(folder: Path, kills: int, seed: int, undisturbed: dict[str, Any]) -> None:
    rng = random.Random(seed)
    with cluster(folder) as services:
        done = threading.Event()

        def disturb() -> None:
            for number in range(kills):
                time.sleep(rng.uniform(1, 4))
                victim = ("matcher", "patientview", "matchbook")[number % 3]
                services.kill(victim)
                services.start(victim)
            done.set()

        thread = threading.Thread(target=disturb)
        thread.start()
        result = services.demo(*PATIENTS)
        thread.join()
        if not done.is_set():
            raise AssertionError("the run ended before all kills")
        # What was killed last may still be at work: the run goes on from its end and settles again.
        result = services.demo(*PATIENTS)
    assert {name: result[name] for name in SAME} == {name: undisturbed[name] for name in SAME}


@pytest.mark.integration
def test_killing_workers_of_the_cluster_loses_and_doubles_nothing(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    cluster_kills(tmp_path, 3, 5, undisturbed)


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killing_workers_of_the_cluster_ten_times(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    cluster_kills(tmp_path, 10, 6, undisturbed)
