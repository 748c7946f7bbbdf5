"""Tickets over HTTP, and the service put together."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from services.coatcheck.bootstrap import build, limits_of
from services.coatcheck.desk import TicketDesk, desk
from services.coatcheck.routes import create
from services.coatcheck.senders import read_senders
from services.coatcheck.settings import CoatcheckSettings
from tests.unit.services.coatcheck.conftest import Check, bundle
from trialbridge.contracts.documents import COMMANDS
from trialbridge.contracts.errors import Misconfigured
from trialbridge.contracts.events import TicketIssued
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.settings import read_settings
from trialbridge.testkit.fakes import ClearSeal

KEY, OTHER = "n" * 32, "h" * 32
AUTH = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "api-keys"
    path.write_text(f"# senders\nnorth lakeland {KEY}\n\nhill lakeland {OTHER}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
async def http(check: Check, keys: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = create(check.documents, read_senders(keys), check.now)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coatcheck.test") as client:
        yield client


def body(ticket: TicketIssued, **change: Any) -> dict[str, Any]:
    names = ("source", "object_uri", "object_version", "size", "sha256", "media_type", "created", "expires")
    return {name: getattr(ticket, name) for name in names} | change


async def carry_out(check: Check) -> None:
    from datetime import timedelta

    work = TicketDesk(check.documents, ClearSeal(), check.now, timedelta(days=7))
    await desk(work, 1.0).carry_out(check.emitter)
    await check.deliver_published()


async def test_a_ticket_is_taken_and_looked_up(check: Check, http: httpx.AsyncClient) -> None:
    _, ticket = await check.store(bundle("p1"))
    answer = await http.post("/tickets", json=body(ticket), headers=AUTH)
    assert answer.status_code == 202
    assert answer.json() == {"ticket": ticket.ticket, "status": "requested"}
    (command,) = (await check.documents.all(COMMANDS)).values()
    assert msgspec.json.decode(command.body, type=TicketIssued) == ticket
    await carry_out(check)
    found = await http.get(answer.headers["location"], headers=AUTH)
    assert found.status_code == 200
    assert (found.json()["status"], found.json()["patients"]) == ("redeemed", 1)
    assert (await http.get(answer.headers["location"], headers={"authorization": f"Bearer {OTHER}"})).status_code == 404
    assert (await http.get("/tickets/tkt_0", headers=AUTH)).status_code == 404


async def test_the_same_request_again_is_the_same_request(check: Check, http: httpx.AsyncClient) -> None:
    _, ticket = await check.store(bundle("p1"))
    asked = body(ticket, expires="")
    for headers in (AUTH, AUTH | {"idempotency-key": "k1"}):
        first = await http.post("/tickets", json=asked, headers=headers)
        check.pass_time(hours=1)
        again = await http.post("/tickets", json=asked, headers=headers)
        assert (again.status_code, again.json()) == (first.status_code, first.json()) == (202, first.json())
    assert len(await check.documents.all(COMMANDS)) == 2
    other = await http.post("/tickets", json=body(ticket, size=7), headers=AUTH | {"idempotency-key": "k1"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.key-reused")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x"])
async def test_a_stranger_is_turned_away(check: Check, http: httpx.AsyncClient, header: str) -> None:
    _, ticket = await check.store(bundle("p1"))
    for answer in (
        await http.post("/tickets", json=body(ticket), headers={"authorization": header}),
        await http.get(f"/tickets/{ticket.ticket}", headers={"authorization": header}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "access.unknown-key")
    assert await check.documents.all(COMMANDS) == {}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"source": "hill/ehr"}, 422, "ticket.foreign-source"),
        ({"sha256": "canary"}, 422, "ticket.bad-digest"),
        ({"created": "canary"}, 422, "ticket.bad-time"),
        ({"media_type": "canary/x"}, 422, "ticket.unknown-type"),
        ({"size": "canary"}, 422, "request.invalid"),
        ({"size": 10**30}, 422, "ticket.bad-size"),
        ({"object_version": "a b"}, 422, "object.bad-version"),
        ({"network": "canary"}, 422, "request.invalid"),
        ({"key_ref": "canary" * 20_000}, 413, "request.too-large"),
    ],
)
async def test_a_bad_request_says_what_is_wrong_and_quotes_nothing(
    check: Check, http: httpx.AsyncClient, change: dict[str, Any], status: int, code: str
) -> None:
    _, ticket = await check.store(bundle("p1"))
    answer = await http.post("/tickets", json=body(ticket, **change), headers=AUTH)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "canary" not in answer.text
    assert await check.documents.all(COMMANDS) == {}


async def test_a_store_that_is_away_is_said(check: Check, http: httpx.AsyncClient) -> None:
    _, ticket = await check.store(bundle("p1"))
    check.documents.outage.away = True
    answer = await http.post("/tickets", json=body(ticket), headers=AUTH)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (await http.get("/readyz")).status_code == 503


async def test_the_description_names_the_fields(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    schema = paths["/tickets"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "sha256" in schema["required"]
    assert "network" not in schema["properties"]


@pytest.mark.parametrize("text", ["north lakeland", "north lakeland short", "a b c d"])
def test_a_bad_key_file_says_which_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(f"north lakeland {KEY}\n{text}\n")
    with pytest.raises(Misconfigured, match="line 2") as wrong:
        read_senders(path)
    assert "short" not in str(wrong.value)


def test_the_stage_is_put_together(check: Check, keys: Path, tmp_path: Path) -> None:
    ports = ServicePorts(check.documents, check.objects, check.keys, ClearSeal(), check.now)
    base = {"broker": f"trialbridge-embedded://{tmp_path}/log.db", "max_nesting": 2}
    given = read_settings(CoatcheckSettings, **base, tickets_port=8099, api_keys_file=keys)
    stage = build(given, ports)
    assert [topic.name for topic in stage.handlers] == ["emr_tickets"]
    assert len(stage.background) == 4
    assert limits_of(given).depth == 2
    small = build(read_settings(CoatcheckSettings, **base, sweep_interval=0), ports)
    assert len(small.background) == 2
    for one in (stage, small):
        one._datadir.cleanup()
    with pytest.raises(Misconfigured, match="TRIALBRIDGE_API_KEYS_FILE"):
        build(read_settings(CoatcheckSettings, **base, tickets_port=8099), ports)
