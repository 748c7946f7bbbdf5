"""The real-time door of a demo: who may send to it, that keys are kept nowhere, and that a message is sent until it is acknowledged."""

import stat
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from services.cli.demo import door as module
from services.cli.demo.door import Door, make_door
from services.gateway.clients import read_clients
from trialbridge.contracts.errors import Unavailable
from trialbridge.contracts.ids import SourceId, TenantId
from trialbridge.testkit.feeds import HL7V2, PlainBundle

TENANT, SOURCE = TenantId("hill-practice"), SourceId("hill-practice/adt-oru")
MESSAGE = PlainBundle(TENANT, SOURCE, "hill-practice/adt-oru/1.hl7", HL7V2, b"MSH|", "2026-06-01T12:00:00Z")
ACK = b"MSH|^~\\&\rMSA|AA|1\r"


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(module, "_free_port", lambda: 4711)
    monkeypatch.setattr(module, "PAUSE", 0.0)
    return make_door(tmp_path, [(TENANT, SOURCE)])


def answering(door: Door, *answers: httpx.Response | Exception) -> tuple[Door, list[httpx.Request]]:
    """Return the door with a gateway that answers so, the last answer again and again, and what it is asked."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(request)
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, content=found.content)

    return replace(door, client=httpx.AsyncClient(transport=httpx.MockTransport(answer))), asked


def test_each_feed_has_a_client_with_a_fresh_key_that_is_not_kept(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "clients.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = door.keys[SOURCE]
    assert key not in path.read_text()
    assert key not in repr(door)
    client = read_clients(path).of_key(key)
    assert client is not None
    assert (client.tenant, client.source, client.network) == (TENANT, SOURCE, "lakeland")
    again = make_door(tmp_path, [(TENANT, SOURCE)])
    assert again.keys[SOURCE] != key
    assert read_clients(path).of_key(key) is None


async def test_a_message_is_sent_until_it_is_acknowledged(door: Door) -> None:
    door, asked = answering(door, httpx.ConnectError("not yet"), httpx.Response(503), httpx.Response(200, content=ACK))
    await door.send(MESSAGE)
    assert [(str(one.url), one.content) for one in asked] == [("http://127.0.0.1:4711/hl7v2", b"MSH|")] * 3
    assert asked[0].headers["x-api-key"] == door.keys[SOURCE]


@pytest.mark.parametrize(
    ("answer", "times"),
    [
        (httpx.Response(200, content=b"MSA|AE|1\r"), 1),
        (httpx.Response(401), 1),
        (httpx.Response(503), module.TRIES),
        (httpx.ConnectError("never"), module.TRIES),
    ],
)
async def test_a_message_that_is_never_acknowledged_ends_the_run(
    door: Door, answer: httpx.Response | Exception, times: int
) -> None:
    door, asked = answering(door, answer)
    with pytest.raises(Unavailable) as caught:
        await door.send(MESSAGE)
    assert caught.value.code == "demo.message-refused"
    assert len(asked) == times
