"""The web base: errors, headers, health."""

import httpx
import pytest
from fastapi import FastAPI

from trialbridge.contracts.errors import Misconfigured, Refused, Unavailable
from trialbridge.runtime.web import PROBLEM, Problem, create_base

RAISED = {
    "away": Unavailable("store.away", "The store does not answer; it is tried again."),
    "refused": Refused("trial.unknown-key", "A key is not known."),
    "wrong": Misconfigured("settings.invalid", "secret path /etc/x"),
    "denied": Problem(403, "access.scope-missing", "This needs the scope worklist:read."),
    "bug": RuntimeError("canary"),
}


async def nothing() -> None:
    pass


async def away() -> None:
    raise Unavailable("store.away", "The store does not answer.")


def app() -> FastAPI:
    made = create_base("sample", ping=nothing, title="Sample")

    @made.get("/fail/{how}")
    async def fail(how: str, number: int = 0) -> None:
        raise RAISED[how]

    return made


def client(made: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(made, raise_app_exceptions=False), base_url="http://portal.test"
    )


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("away", 503, "store.away"),
        ("refused", 422, "trial.unknown-key"),
        ("wrong", 500, "settings.invalid"),
        ("denied", 403, "access.scope-missing"),
        ("bug", 500, "server.unexpected"),
    ],
)
async def test_each_error_becomes_a_problem_with_its_code(how: str, status: int, code: str) -> None:
    async with client(app()) as http:
        answer = await http.get(f"/fail/{how}")
    body = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/problems/{code}")
    assert "canary" not in answer.text
    assert "/etc/x" not in answer.text


async def test_what_is_away_says_when_to_come_back() -> None:
    async with client(app()) as http:
        assert int((await http.get("/fail/away")).headers["retry-after"]) > 0


async def test_an_invalid_parameter_is_named_and_not_quoted() -> None:
    async with client(app()) as http:
        answer = await http.get("/fail/away?number=canary")
    assert answer.status_code == 422
    assert "query.number" in answer.json()["detail"]
    assert "canary" not in answer.text


async def test_an_unknown_address_and_a_wrong_method_are_problems_too() -> None:
    async with client(app()) as http:
        assert (await http.get("/nowhere")).json()["code"] == "request.not-found"
        assert (await http.post("/livez")).json()["code"] == "request.method"


async def test_each_answer_has_an_id_of_its_own_and_the_headers() -> None:
    async with client(app()) as http:
        first, second = await http.get("/livez"), await http.get("/fail/denied")
        third = await http.get("/fail/bug")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert second.headers["x-request-id"] == second.json()["trace_id"]
    for answer in (first, second, third):
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_health_tells_alive_from_ready() -> None:
    made = create_base("sample", ping=away, title="Sample")
    async with client(made) as http:
        alive, ready, version = await http.get("/livez"), await http.get("/readyz"), await http.get("/version")
    assert alive.status_code == 200
    assert (ready.status_code, ready.json()["code"]) == (503, "store.away")
    assert version.json()["service"] == "sample"
