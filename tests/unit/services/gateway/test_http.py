"""HL7 v2 by HTTP: acknowledged when durable, with located reasons, and nobody else's."""

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest

from services.gateway.settings import GatewaySettings
from tests.unit.services.gateway.conftest import AUTH, KEY, OTHER_KEY, SECRET, TYPE, Gateway, adt, segments
from trialbridge.contracts.documents import RECORDS, TICKETS
from trialbridge.contracts.ids import digest


async def test_a_message_is_acknowledged_with_what_it_said(gateway: Gateway) -> None:
    async with gateway.http() as http:
        answer = await http.post("/hl7v2", content=adt(7), headers=AUTH)
    assert answer.status_code == 200
    msh, msa = segments(answer.content)
    assert (msh[0], msh[8], msa[:3]) == ("MSH", "ACK^A04^ACK", ["MSA", "AA", "C7"])
    (record,) = await gateway.records()
    assert (record.tenant, record.network, record.source) == ("north", "lakeland", "north/adt")
    assert [one.value for one in record.identifiers] == ["M7"]
    assert record.received == "2026-06-01T08:00:00+00:00"


async def test_the_way_from_a_record_to_the_bytes_is_kept(gateway: Gateway) -> None:
    async with gateway.http() as http:
        await http.post("/hl7v2", content=adt(7), headers=AUTH)
    (record,) = await gateway.records()
    doc = (await gateway.documents.all(RECORDS))[record.record]
    assert doc.entries == ("1",)
    stored = b"".join(
        [part async for part in gateway.objects.read(doc.object_uri, doc.object_version, max_bytes=10**6)]
    )
    assert digest(stored) == record.bundle_sha256 == doc.bundle_sha256
    assert b"Doe^Jane" not in stored
    ticket = (await gateway.documents.all(TICKETS))[record.ticket]
    assert (ticket.status, ticket.patients, ticket.set_aside) == ("redeemed", 1, 0)


async def test_nothing_is_acknowledged_before_it_is_durable(gateway: Gateway) -> None:
    gateway.log.gate.clear()
    async with gateway.http() as http:
        asked = asyncio.create_task(http.post("/hl7v2", content=adt(), headers=AUTH))
        while not gateway.log.flushes:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert not asked.done()
        gateway.log.gate.set()
        assert (await asked).status_code == 200


async def test_what_the_log_does_not_take_is_not_acknowledged_and_may_come_again(gateway: Gateway) -> None:
    async with gateway.http() as http:
        gateway.log.away = True
        away = await http.post("/hl7v2", content=adt(), headers=AUTH)
        assert (away.status_code, away.json()["code"], away.headers["retry-after"]) == (503, "log.unavailable", "5")
        gateway.log.away = False
        assert (await http.post("/hl7v2", content=adt(), headers=AUTH)).status_code == 200
    assert len(await gateway.records()) == 1


async def test_a_store_that_is_away_is_not_acknowledged(gateway: Gateway) -> None:
    async with gateway.http() as http:
        for outage in (gateway.objects.outage, gateway.documents.outage):
            outage.away = True
            assert (await http.post("/hl7v2", content=adt(), headers=AUTH)).status_code == 503
            outage.away = False


async def test_a_repeat_is_acknowledged_again_and_adds_nothing(gateway: Gateway) -> None:
    async with gateway.http() as http:
        for _ in range(3):
            assert (await http.post("/hl7v2", content=adt(), headers=AUTH)).status_code == 200
        both = await asyncio.gather(*(http.post("/hl7v2", content=adt(2), headers=AUTH) for _ in range(4)))
    assert {one.status_code for one in both} == {200}
    assert len(await gateway.records()) == 2
    assert len(await gateway.documents.all(TICKETS)) <= 2


async def test_the_same_bytes_of_another_client_are_another_message(gateway: Gateway) -> None:
    async with gateway.http() as http:
        await http.post("/hl7v2", content=adt(), headers=AUTH)
        await http.post("/hl7v2", content=adt(), headers=AUTH | {"authorization": f"Bearer {OTHER_KEY}"})
    assert sorted(one.tenant for one in await gateway.records()) == ["hill", "north"]


async def test_an_error_is_located_and_the_message_kept_for_a_person(gateway: Gateway) -> None:
    bad = adt(3).replace(b"M3^^^NORTH^MR", b"")
    async with gateway.http() as http:
        answer = await http.post("/hl7v2", content=bad, headers=AUTH)
        again = await http.post("/hl7v2", content=bad, headers=AUTH)
    assert answer.status_code == again.status_code == 422
    _, msa, err = segments(answer.content)
    assert (msa[1], err[2]) == ("AE", "PID^1^3")
    (letter,) = await gateway.dead_letters()
    assert (letter.code, letter.tenant, letter.place.field) == ("v2.no-identifier", "north", "3")
    assert letter.payload.startswith(b"MSH")
    assert letter.place.bundle


async def test_what_cannot_be_read_is_refused_and_not_kept(gateway: Gateway) -> None:
    async with gateway.http() as http:
        for body, code in (
            (b"hello", "v2.no-header"),
            (b"", "v2.no-header"),
            (adt(event="Z99"), "v2.unsupported-message"),
        ):
            answer = await http.post("/hl7v2", content=body, headers=AUTH)
            assert answer.status_code == 422
            lines = segments(answer.content)
            assert (lines[1][1], lines[2][5].split("^")[0]) == ("AR", code)
            assert b"hello" not in answer.content
    assert not gateway.log.sent


async def test_a_batch_is_answered_message_by_message(gateway: Gateway) -> None:
    bad = adt(2).replace(b"M2^^^NORTH^MR", b"")
    body = b"FHS|^~\\&|EHR\rBHS|^~\\&|EHR\r" + adt(1) + bad + adt(3) + b"BTS|3\rFTS|1\r"
    async with gateway.http() as http:
        answer = await http.post("/hl7v2", content=body, headers=AUTH)
    lines = segments(answer.content)
    assert [line[1:3] for line in lines if line[0] == "MSA"] == [["AA", "C1"], ["AE", "C2"], ["AA", "C3"]]
    assert (lines[0][0], lines[-1][:2], answer.status_code) == ("BHS", ["BTS", "3"], 422)
    assert len(await gateway.records()) == 2


async def test_messages_that_wait_together_become_durable_together(gateway: Gateway) -> None:
    gateway.log.gate.clear()
    async with gateway.http() as http:
        asked = [asyncio.create_task(http.post("/hl7v2", content=adt(n), headers=AUTH)) for n in range(60)]
        while len(gateway.intake._pending) < 60:
            await asyncio.sleep(0.01)
        gateway.log.gate.set()
        assert {(await one).status_code for one in asked} == {200}
    assert len(await gateway.records()) == 60
    assert gateway.log.flushes <= 6


@pytest.mark.security
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": TYPE}, 401),
        ({"content-type": TYPE, "authorization": "Bearer nobody"}, 401),
        ({"content-type": TYPE, "authorization": f"Basic {KEY}"}, 401),
        ({"content-type": TYPE, "x-api-key": KEY[:-1]}, 401),
        ({"content-type": TYPE, "x-api-key": KEY}, 200),
        ({"content-type": "application/json", "x-api-key": KEY}, 415),
        ({"content-type": TYPE, "x-api-key": KEY, "content-encoding": "gzip"}, 415),
        ({"content-type": TYPE, "x-api-key": KEY, "content-length": "10", "transfer-encoding": "chunked"}, 400),
    ],
)
async def test_who_may_send_and_how(gateway: Gateway, headers: dict[str, str], status: int) -> None:
    async with gateway.http() as http:
        answer = await http.post("/hl7v2", content=adt(), headers=headers)
    assert answer.status_code == status
    assert bool(gateway.log.sent) == (status == 200)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.security
async def test_a_sender_cannot_write_into_another_tenant(gateway: Gateway) -> None:
    other = adt().replace(b"ADT1|NORTH", b"ADT1|HILL")
    async with gateway.http() as http:
        await http.post("/hl7v2?tenant=hill&source=hill/adt", content=other, headers=AUTH | {"x-tenant": "hill"})
    assert {(one.tenant, one.source) for one in await gateway.records()} == {("north", "north/adt")}


@pytest.mark.security
async def test_too_much_is_stopped(gateway: Gateway) -> None:
    async with gateway.http(most=2000) as http:
        assert (await http.post("/hl7v2", content=adt() + b"x" * 3000, headers=AUTH)).status_code == 413

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x" * 100

        assert (await http.post("/hl7v2", content=chunks(), headers=AUTH)).status_code == 413


@pytest.mark.security
async def test_a_slow_body_is_given_up(gateway: Gateway) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"MSH"
        await asyncio.sleep(5)

    async with gateway.http(seconds=0.05) as http:
        answer = await http.post("/hl7v2", content=slowly(), headers=AUTH)
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")


async def test_a_client_that_sends_too_fast_must_wait_and_others_need_not() -> None:
    gateway = Gateway(rate=2)
    async with gateway.running(), gateway.http() as http:
        codes = [(await http.post("/hl7v2", content=adt(n), headers=AUTH)).status_code for n in range(6)]
        assert codes == [200] * 4 + [429] * 2
        refused = await http.post("/hl7v2", content=adt(9), headers=AUTH)
        assert refused.headers["retry-after"] == "1"
        other = AUTH | {"authorization": f"Bearer {OTHER_KEY}"}
        assert (await http.post("/hl7v2", content=adt(9), headers=other)).status_code == 200
        gateway.pass_time(1)
        assert (await http.post("/hl7v2", content=adt(9), headers=AUTH)).status_code == 200


async def test_when_too_much_waits_senders_are_told_to() -> None:
    gateway = Gateway(most_bytes=100)
    async with gateway.running(), gateway.http() as http:
        gateway.log.gate.clear()
        first = asyncio.create_task(http.post("/hl7v2", content=adt(1), headers=AUTH))
        while not gateway.intake.full:
            await asyncio.sleep(0.01)
        full = await http.post("/hl7v2", content=adt(2), headers=AUTH)
        assert (full.status_code, full.json()["code"], full.headers["retry-after"]) == (503, "gateway.full", "1")
        gateway.log.gate.set()
        assert (await first).status_code == 200
        assert (await http.post("/hl7v2", content=adt(2), headers=AUTH)).status_code == 200


FORM = {"grant_type": "client_credentials", "client_id": "north-engine", "client_secret": SECRET}


async def test_client_credentials_give_a_token_of_five_minutes(gateway: Gateway) -> None:
    basic = base64.b64encode(f"north-engine:{SECRET}".encode()).decode()
    async with gateway.http() as http:
        answer = await http.post("/oauth/token", data=FORM)
        given = answer.json()
        assert (given["token_type"], given["expires_in"], given["scope"]) == ("Bearer", 300, "hl7v2:write")
        again = await http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, headers={"authorization": f"Basic {basic}"}
        )
        assert again.status_code == 200
        bearer = AUTH | {"authorization": f"Bearer {given['access_token']}"}
        assert (await http.post("/hl7v2", content=adt(), headers=bearer)).status_code == 200
        gateway.pass_time(300)
        assert (await http.post("/hl7v2", content=adt(), headers=bearer)).status_code == 401


@pytest.mark.security
async def test_tokens_cannot_be_made_or_changed(gateway: Gateway) -> None:
    async with gateway.http() as http:
        token = (await http.post("/oauth/token", data=FORM)).json()["access_token"]
    body, _, mark = token.partition(".")
    longer = base64.urlsafe_b64encode(b"north-engine\n9999999999").rstrip(b"=").decode()
    other = base64.urlsafe_b64encode(base64.urlsafe_b64decode(body + "==").replace(b"north", b"hill")).decode()
    for bad in (f"{longer}.{mark}", f"{other}.{mark}", body, f"{body}.", f"{token}=", token[:-1], ".", "é.x"):
        assert gateway.desk.tokens.client_of(bad) is None
    assert gateway.desk.tokens.client_of(token) is not None


@pytest.mark.security
@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "hill-engine", "client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"scope": "admin"}, 400, "invalid_scope"),
    ],
)
async def test_a_token_is_refused(gateway: Gateway, change: dict[str, str], status: int, error: str) -> None:
    async with gateway.http() as http:
        answer = await http.post("/oauth/token", data=FORM | change)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


@pytest.mark.security
async def test_guessing_secrets_must_wait(gateway: Gateway) -> None:
    async with gateway.http() as http:
        for _ in range(5):
            assert (await http.post("/oauth/token", data=FORM | {"client_secret": "guess"})).status_code == 401
        assert (await http.post("/oauth/token", data=FORM)).status_code == 429
        gateway.pass_time(60)
        assert (await http.post("/oauth/token", data=FORM)).status_code == 200


async def test_health_and_description(gateway: Gateway) -> None:
    async with gateway.http() as http:
        assert (await http.get("/livez")).status_code == 200
        assert (await http.get("/version")).json()["service"] == "gateway"
        gateway.documents.outage.away = True
        assert (await http.get("/readyz")).status_code == 503
        paths = (await http.get("/openapi.json")).json()["paths"]
    assert {"/hl7v2", "/oauth/token"} <= paths.keys()


def test_the_doors_are_shut_unless_asked_for() -> None:
    settings = GatewaySettings()
    assert (settings.gateway_port, settings.mllp_port) == (0, 0)
