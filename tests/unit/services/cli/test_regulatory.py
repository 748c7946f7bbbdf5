"""``trial regulatory``: what an authority says reaches the trial feed, whole and recorded."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from services.cli.places import settings_of
from services.trialfeed.agents import kinds
from services.trialfeed.handlers import Handlers
from tests.unit.services.cli.conftest import Invoke
from trialbridge.contracts.documents import AUDITS, REGULATORY, TRIALS, RegulatoryDoc, TrialDoc
from trialbridge.runtime.commands import CommandDesk
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query
from trialbridge.runtime.serve import ServicePorts, open_ports
from trialbridge.runtime.stores import create_keyring
from trialbridge.testkit.fakes import MemoryEmitter

TRIAL = TrialDoc(
    id="T-1", version=1, lab="aurora", title="A trial", status="open", digest="d", definition=msgspec.Raw(b"{}"),
    sites=msgspec.Raw(b'[{"id":"north"}]'),
)  # fmt: skip


def on(folder: Path, work: Callable[[ServicePorts], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        async with open_ports(settings_of(folder)) as ports:
            return await work(ports)

    return asyncio.run(opened())


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state with one trial."""
    create_keyring(tmp_path / "keys.json", ["north"])
    on(tmp_path, lambda ports: ports.documents.upsert(TRIALS, [TRIAL]))
    return tmp_path


@pytest.fixture
def feed(state: Path) -> Iterator[None]:
    """Let the trial feed carry out what it is asked."""
    stop = threading.Event()

    async def work(ports: ServicePorts) -> None:
        desk = CommandDesk(ports.documents, "trialfeed", 1, kinds(Handlers(ports.documents, ports.now)), ports.now)
        while not stop.is_set():
            await desk.carry_out(MemoryEmitter())
            await asyncio.sleep(0.02)

    thread = threading.Thread(target=on, args=(state, work))
    thread.start()
    yield
    stop.set()
    thread.join()


def in_force(state: Path) -> RegulatoryDoc:
    found: RegulatoryDoc = on(state, lambda ports: ports.documents.get(REGULATORY, "T-1"))
    return found


@pytest.mark.usefixtures("feed")
def test_an_approval_a_hold_and_its_end_are_in_force_at_once_and_recorded(
    cli: Invoke, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    usual = ("trial", "regulatory", "T-1", "--authority", "Board", "--state", state)
    assert cli(*usual, "--approved").stdout == "T-1: Board: approved\n"
    assert in_force(state) == RegulatoryDoc(id="T-1", version=1, approved=True, hold=False, authority="Board")
    held = cli(*usual, "--hold", "--reason", "A report.", "--site", "north=inactive", "--json")
    assert orjson.loads(held.stdout)["message"] == "Board: approved, on hold: A report., north inactive"
    assert (in_force(state).hold, in_force(state).approved, in_force(state).sites) == (
        True,
        True,
        {"north": "inactive"},
    )
    assert cli(*usual, "--lift").exit_code == 0
    assert (in_force(state).version, in_force(state).hold, in_force(state).hold_reason) == (3, False, "")
    audits = on(state, lambda ports: collect(ports.documents, AUDITS, Query(sort="at")))
    assert [(one.actor, one.action, one.subject) for one in audits] == [("cli:ada", "cli:regulatory:set", "T-1")] * 3
    assert audits[1].event.reason == "Board: approved, on hold: A report., north inactive"


@pytest.mark.parametrize(
    ("words", "code", "ends"),
    [
        (("T-1", "--authority", "B", "--hold"), "regulatory.no-reason", 1),
        (("T-9", "--authority", "B", "--approved"), "trial.unknown", 1),
        (("T-1", "--authority", "B", "--site", "nroth=active"), "regulatory.unknown-site", 1),
        (("T-1", "--authority", "B", "--site", "north"), "SITE=active", 2),
        (("T-1", "--approved"), "--authority", 2),
        (("T-1", "--authority", "B", "--approved", "--wait", "0"), "regulatory.open", 69),
    ],
)
def test_what_cannot_be_said_is_refused(cli: Invoke, state: Path, words: tuple[str, ...], code: str, ends: int) -> None:
    told = cli("trial", "regulatory", *words, "--state", state)
    assert told.exit_code == ends
    assert code in told.stderr
    assert on(state, lambda ports: ports.documents.get(REGULATORY, "T-1")) is None


def test_the_other_commands_about_trials_are_still_there(cli: Invoke) -> None:
    assert {"lint", "regulatory"} <= set(cli("trial", "--help").stdout.split())
