"""``notifications``: what was given up is listed, and asked of the notifier to be sent again."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.cli.places import settings_of
from services.notifier.desk import WebhookDesk
from services.notifier.endpoints import Endpoints
from tests.unit.services.cli.conftest import Invoke, lines
from trialbridge.contracts.documents import AUDITS, COMMANDS, DELIVERIES, DeliveryDoc
from trialbridge.runtime.commands import CommandDesk
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query
from trialbridge.runtime.serve import ServicePorts, open_ports
from trialbridge.runtime.stores import create_keyring
from trialbridge.testkit.fakes import MemoryEmitter


def on(folder: Path, work: Callable[[ServicePorts], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        async with open_ports(settings_of(folder)) as ports:
            return await work(ports)

    return asyncio.run(opened())


def delivery(identity: str, status: Any) -> DeliveryDoc:
    return DeliveryDoc(
        id=identity, version=5, tenant="north", endpoint="inbox", notification="ntf_1", status=status, attempts=10,
        last_code=500, body="thin",
    )  # fmt: skip


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state with one webhook of each kind."""
    create_keyring(tmp_path / "keys.json", ["north"])
    docs = [delivery(f"whk_{one}", one) for one in ("failed", "disabled", "delivered", "pending")]
    on(tmp_path, lambda ports: ports.documents.upsert(DELIVERIES, docs))
    return tmp_path


def test_what_was_given_up_is_listed_without_what_it_says(cli: Invoke, state: Path) -> None:
    told = cli("notifications", "list", "--state", state).stdout
    assert [line.split()[:2] for line in told.splitlines()[1:]] == [
        ["whk_disabled", "disabled"],
        ["whk_failed", "failed"],
    ]
    assert "thin" not in told
    every = lines(cli("notifications", "list", "--all", "--json", "--state", state).stdout)
    assert {one["id"] for one in every} == {"whk_failed", "whk_disabled", "whk_delivered", "whk_pending"}


def test_webhooks_are_sent_again_and_it_is_recorded(cli: Invoke, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    told = cli("notifications", "redeliver", "--failed", "--wait", "0", "--state", state)
    assert told.exit_code == 69
    assert "whk_failed: redeliver.open" in told.stderr

    async def carry_out(ports: ServicePorts) -> None:
        desk = WebhookDesk(ports.documents, Endpoints(()), ports.now)
        await CommandDesk(ports.documents, "notifier", 1, desk.kinds(), ports.now).carry_out(MemoryEmitter())

    on(state, carry_out)
    sent = on(state, lambda ports: ports.documents.get(DELIVERIES, "whk_failed"))
    assert (sent.status, sent.attempts) == ("pending", 0)
    [event] = on(state, lambda ports: collect(ports.documents, AUDITS, Query()))
    assert (event.actor, event.action, event.subject) == ("cli:ada", "cli:delivery:redeliver", "whk_failed")
    assert cli("notifications", "redeliver", "--failed", "--state", state).stdout == "Nothing to send again.\n"


def test_an_endpoint_is_called_again(cli: Invoke, state: Path) -> None:
    assert cli("notifications", "enable", "inbox", "--wait", "0", "--state", state).exit_code == 69
    [asked] = on(state, lambda ports: collect(ports.documents, COMMANDS, Query()))
    assert (asked.to, asked.kind, orjson.loads(bytes(asked.body))) == ("notifier", "redeliver", {"endpoint": "inbox"})


def test_nothing_named_is_nothing_done(cli: Invoke, state: Path) -> None:
    assert cli("notifications", "redeliver", "--state", state).exit_code == 2
