"""``kill -9`` of the real-time door between accept and acknowledgement: nothing that was acknowledged is lost."""

import http.client
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.running import PATIENCE, cluster, wait_until
from tests.e2e.sending import RECORDS, Door, adt_message, cluster_door, running

SENDERS = 8


@dataclass
class Engines:
    """Threads that send messages until each is acknowledged, half of them by MLLP."""

    door: Door
    messages: int
    acked: set[int] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, number: int) -> None:
        """Send every eighth message."""
        for wanted in range(number, self.messages, SENDERS):
            while not self.over.is_set() and not self._sent(wanted, by_mllp=bool(number % 2)):
                time.sleep(0.05)

    def _sent(self, wanted: int, *, by_mllp: bool) -> bool:
        body = adt_message(wanted)
        try:
            ok = b"MSA|AA" in self.door.mllp(body) if by_mllp else self.door.post(body)[0] == 200
        except (OSError, AssertionError, http.client.HTTPException):
            return False
        if ok:
            self.acked.add(wanted)
        return ok

    def wait(self, count: int) -> None:
        """Return once so many are acknowledged, or nearly all."""
        wait_until(lambda: len(self.acked) >= min(self.messages - SENDERS, count))


def disturbed(
    door: Door, messages: int, kills: int, seed: int, kill: Callable[[], None], start: Callable[[], None]
) -> None:
    """Send messages from several engines while the door is killed; then look for all of them."""
    rng = random.Random(seed)
    engines = Engines(door, messages)
    threads = [threading.Thread(target=engines.run, args=(number,)) for number in range(SENDERS)]
    for one in threads:
        one.start()
    try:
        for _ in range(kills):
            engines.wait(len(engines.acked) + rng.randint(3, messages // (kills + 1)))
            kill()
            start()
        for one in threads:
            one.join(PATIENCE)
    finally:
        engines.over.set()
    assert engines.acked == set(range(messages))
    door.wait_for(engines.acked)
    # A repeat of what was durable and not acknowledged is harmless: one patient, one view.
    assert len(door.patients()) == messages
    assert len(door.documents(RECORDS)) >= messages


@pytest.mark.fault
def test_killing_the_embedded_door_loses_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as door:
        disturbed(door, 120, 2, 3, door.kill, door.start)


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killing_the_embedded_door_ten_times(tmp_path: Path) -> None:
    with running(tmp_path) as door:
        disturbed(door, 1500, 10, 4, door.kill, door.start)


@pytest.mark.integration
@pytest.mark.fault
def test_killing_the_door_of_the_cluster_loses_nothing(tmp_path: Path) -> None:
    with cluster(tmp_path, ("patientview",)) as services:
        door = cluster_door(services)

        def start() -> None:
            services.start("gateway")
            door.wait()

        disturbed(door, 200, 2, 5, lambda: services.kill("gateway"), start)
