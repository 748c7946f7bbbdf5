"""The JSON API: the same authorisation as the pages, problems by stable codes, requests that may be repeated."""

from typing import Any

import httpx
import msgspec
import pytest

from services.portal.limits import LARGEST
from services.portal.problems import about
from trialbridge.contracts import documents as d

House = Any
NORTH, HILL, LAB, AUDITOR, OPERATOR = range(5)
READS = {
    NORTH: ["/worklist", "/matches/mat_1", "/inbox", "/session"],
    LAB: ["/trials", "/trials/T-1", "/trials/T-1/counts"],
    AUDITOR: ["/history", "/history/mat_1", "/audit"],
    OPERATOR: ["/operation"],
}
GOOD = "id: X\ntitle: T\ncriteria:\n  performance: {scale: ecog, max: 1}\n"


async def token_of(browser: httpx.AsyncClient) -> dict[str, str]:
    """Return the header that every change has to carry."""
    return {"x-csrf-token": (await browser.get("/api/v1/session")).json()["csrf"]}


PAIRS = [
    (reader, path, owner == reader)
    for reader in READS
    for owner, paths in READS.items()
    for path in paths
    if path != "/session"
]


@pytest.mark.parametrize(("reader", "path", "own"), PAIRS)
async def test_a_role_reads_its_own_and_nothing_else(house: House, reader: int, path: str, own: bool) -> None:
    browser = await house.sign_in(reader)
    answer = await browser.get(f"/api/v1{path}")
    if own:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "access.scope-missing")


async def test_a_repeated_request_with_one_key_is_one_command(house: House) -> None:
    browser = await house.sign_in(LAB)
    header = await token_of(browser) | {"idempotency-key": "once"}
    answers = [await browser.post("/api/v1/trials", json={"text": GOOD}, headers=header) for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202]
    assert len({one.headers["location"] for one in answers}) == 1
    assert len(await house.documents.all(d.COMMANDS)) == 1
    found = (await browser.get(answers[0].headers["location"])).json()
    assert (found["status"], found["title"]) == ("requested", "Register a trial")
    other = await house.sign_in(OPERATOR)
    assert (await other.get(answers[0].headers["location"])).status_code == 404


async def test_a_key_that_came_with_another_request_is_refused(house: House) -> None:
    browser = await house.sign_in(LAB)
    header = await token_of(browser) | {"idempotency-key": "once"}
    assert (await browser.post("/api/v1/trials", json={"text": GOOD}, headers=header)).status_code == 202
    other = await browser.post("/api/v1/trials", json={"text": GOOD.replace("max: 1", "max: 2")}, headers=header)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.key-reused")
    assert len(await house.documents.all(d.COMMANDS)) == 1


async def test_a_bad_trial_is_refused_at_once_by_line(house: House) -> None:
    browser = await house.sign_in(LAB)
    answer = await browser.post(
        "/api/v1/trials", json={"text": GOOD.replace("scale", "scal")}, headers=await token_of(browser)
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "trial.unknown-key")
    assert "line 4" in answer.json()["detail"].lower()
    assert not await house.documents.all(d.COMMANDS)


@pytest.mark.parametrize(
    ("text", "code"), [(f"{GOOD}lab: other\n", "trial.foreign-lab"), (GOOD.replace("id: X", "id: T-9"), "trial.taken")]
)
async def test_a_laboratory_registers_in_its_own_name_and_under_its_own_ids(house: House, text: str, code: str) -> None:
    taken = d.TrialDoc(
        id="T-9", version=1, lab="other", title="Another's", status="open", digest="d", definition=msgspec.Raw(b"{}")
    )
    await house.documents.upsert(d.TRIALS, [taken])
    browser = await house.sign_in(LAB)
    for path in ("/api/v1/trials", "/api/v1/trials/lint"):
        answer = await browser.post(path, json={"text": text}, headers=await token_of(browser))
        assert code in answer.text
    assert not await house.documents.all(d.COMMANDS)


async def test_a_trials_status_is_set_by_its_laboratory_alone(house: House) -> None:
    browser = await house.sign_in(LAB)
    header = await token_of(browser)
    assert (
        await browser.post("/api/v1/trials/T-2/status", json={"status": "closed"}, headers=header)
    ).status_code == 404
    assert (await browser.post("/api/v1/trials/T-1/status", json={"status": "odd"}, headers=header)).status_code == 422
    assert (
        await browser.post("/api/v1/trials/T-1/status", json={"status": "closed"}, headers=header)
    ).status_code == 202
    [command] = (await house.documents.all(d.COMMANDS)).values()
    assert msgspec.json.decode(command.body) == {"trial": "T-1", "status": "closed"}


async def test_a_mark_is_put_repeated_and_taken_back(house: House) -> None:
    browser = await house.sign_in(NORTH)
    header = await token_of(browser)
    url = "/api/v1/matches/mat_1/mark"
    for _ in range(2):
        answer = (await browser.put(url, json={"mark": "contacted"}, headers=header)).json()
        assert (answer["mark"], answer["previous"]) == ("contacted", "new")
    assert (await browser.request("DELETE", url, headers=header)).json()["mark"] == "new"
    assert (await browser.request("DELETE", url, headers=header)).json()["code"] == "mark.nothing-to-undo"


async def test_a_review_needs_a_match_that_asks_for_one(house: House) -> None:
    browser = await house.sign_in(NORTH)
    asked = {"decision": "approve", "explanation_digest": "e" * 64}
    header = await token_of(browser)
    answer = await browser.post("/api/v1/matches/mat_1/review", json=asked, headers=header)
    assert (answer.status_code, answer.json()["code"]) == (409, "review.not-asked")
    assert (await browser.post("/api/v1/matches/mat_2/review", json=asked, headers=header)).status_code == 202


async def test_an_operator_asks_for_tickets_and_dead_letters_again(house: House) -> None:
    browser = await house.sign_in(OPERATOR)
    header = await token_of(browser)
    for path in ("/tickets/tkt_1/replay", "/dead-letters/dlq_1/replay"):
        assert (await browser.post(f"/api/v1{path}", headers=header)).status_code == 202
        assert (await browser.post(f"/api/v1{path}".replace("_1", "_9"), headers=header)).status_code == 404
    bodies = [msgspec.json.decode(one.body) for one in (await house.documents.all(d.COMMANDS)).values()]
    assert sorted(bodies, key=str) == [{"dead_letter": "dlq_1"}, {"ticket": "tkt_1"}]


async def test_nothing_is_changed_without_the_form_token(house: House) -> None:
    browser = await house.sign_in(OPERATOR)
    answer = await browser.post("/api/v1/dead-letters/dlq_1/replay")
    assert (answer.status_code, answer.json()["code"]) == (403, "access.form-token")
    assert not await house.documents.all(d.COMMANDS)


async def test_signing_out_ends_the_session_on_the_server(house: House) -> None:
    browser = await house.sign_in(NORTH)
    cookie = dict(browser.cookies)
    assert (await browser.request("DELETE", "/api/v1/session", headers=await token_of(browser))).status_code == 204
    browser.cookies.update(cookie)
    assert (await browser.get("/api/v1/session")).status_code == 401


async def test_a_body_beyond_the_cap_is_refused_before_it_is_read(house: House) -> None:
    browser = await house.sign_in(LAB)
    header = await token_of(browser)
    read = 0

    async def endless() -> Any:
        nonlocal read
        for _ in range(100):
            read += LARGEST // 10
            yield b"x" * (LARGEST // 10)

    for content in (b"x" * (LARGEST + 1), endless()):
        answer = await browser.post("/api/v1/trials", content=content, headers=header)
        assert (answer.status_code, answer.json()["code"]) == (413, "request.too-large")
    assert read <= LARGEST * 1.2
    assert not await house.documents.all(d.COMMANDS)


async def test_every_problem_leads_to_its_explanation(house: House) -> None:
    answer = (await house.client.get("/api/v1/worklist")).json()
    page = await house.client.get(answer["type"])
    assert page.status_code == 200
    known = about(answer["code"])
    assert known is not None
    assert known.do in page.text
    assert (await house.client.get("/problems/no.such")).status_code == 404


async def test_the_description_names_each_address_with_its_scope_and_no_page(house: House) -> None:
    found = (await house.client.get("/openapi.json")).json()["paths"]
    described = {path for path in found if path.startswith("/api/v1/")}
    assert {
        f"/api/v1{path}" for paths in READS.values() for path in paths if "_1" not in path and "T-1" not in path
    } <= described
    assert all(one["x-scope"] for path in found.values() for one in path.values())
    assert set(found) - described == {"/livez", "/readyz", "/version"}
