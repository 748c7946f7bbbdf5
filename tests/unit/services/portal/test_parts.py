"""Parts of pages that HTMX puts in place, what became of requests, and the auditor's searches."""

from typing import Any

import msgspec
import pytest

from trialbridge.contracts import documents as d

House = Any
NORTH, HILL, LAB, AUDITOR, OPERATOR = range(5)
PART = {"hx-request": "true"}


async def test_a_mark_answers_with_its_own_form_alone(house: House) -> None:
    browser = await house.sign_in(NORTH)
    token = await house.token(browser, "/worklist")
    data = {"mark": "flagged", "csrf": token, "back": "/worklist?mark=new"}
    answer = await browser.post("/matches/mat_1/mark", data=data, headers=PART)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "Saved: Flagged." in answer.text
    assert "Undo" in answer.text
    assert token in answer.text


async def test_without_scripts_a_mark_leads_back_to_where_it_was_set_and_nowhere_else(house: House) -> None:
    browser = await house.sign_in(NORTH)
    token = await house.token(browser, "/worklist")
    for back, expected in (
        ("/worklist?mark=new", "/worklist?mark=new"),
        ("//evil.example", "/worklist"),
        ("/worklist//evil", "/worklist"),
    ):
        data = {"mark": "flagged", "csrf": token, "back": back}
        answer = await browser.post("/matches/mat_1/mark", data=data)
        assert (answer.status_code, answer.headers["location"]) == (303, expected)


async def test_a_part_for_signed_out_people_sends_the_whole_page_to_the_door(house: House) -> None:
    answer = await house.client.get("/operation/now", headers=PART)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")
    assert not answer.text


async def test_a_request_is_watched_until_its_service_has_answered(house: House) -> None:
    browser = await house.sign_in(OPERATOR)
    token = await house.token(browser, "/operation")
    await browser.post("/dead-letters/dlq_1/replay", data={"csrf": token})
    [command] = (await house.documents.all(d.COMMANDS)).values()
    waiting = await browser.get(f"/commands/{command.id}", headers=PART)
    assert "hx-get" in waiting.text
    assert "hx-refresh" not in waiting.headers
    done = msgspec.structs.replace(
        command, version=2, status="refused", code="replay.unknown", message="It is not there."
    )
    await house.documents.upsert(d.COMMANDS, [done])
    answered = await browser.get(f"/commands/{command.id}", headers=PART)
    assert answered.headers["hx-refresh"] == "true"
    assert "hx-get" not in answered.text
    assert "It is not there." in (await browser.get("/operation")).text
    other = await house.sign_in(LAB)
    assert (await other.get(f"/commands/{command.id}", headers=PART)).status_code == 404


async def test_a_review_that_waits_or_was_refused_stays_on_the_matchs_page(house: House) -> None:
    browser = await house.sign_in(NORTH)
    token = await house.token(browser, "/matches/mat_2")
    data = {"csrf": token, "decision": "decline", "digest": "e" * 64}
    await browser.post("/matches/mat_2/review", data=data)
    assert "Record a review" in (await browser.get("/matches/mat_2")).text
    assert "Record a review" not in (await browser.get("/matches/mat_1")).text
    [command] = (await house.documents.all(d.COMMANDS)).values()
    await house.documents.upsert(d.COMMANDS, [msgspec.structs.replace(command, version=2, status="done")])
    assert "Record a review" not in (await browser.get("/matches/mat_2")).text


@pytest.mark.parametrize("asked", ["mat_1", "pat_1", "T-1", "rec_1", "tkt_1", "b" * 64])
async def test_an_auditor_finds_a_match_by_anything_that_it_rests_on(house: House, asked: str) -> None:
    browser = await house.sign_in(AUDITOR)
    assert "/history/mat_1" in (await browser.get(f"/history?q={asked}")).text
    assert "/history/mat_1" not in (await browser.get(f"/history?q={asked}0")).text


async def test_what_an_auditor_typed_is_not_kept_but_what_it_led_to_is(house: House) -> None:
    browser = await house.sign_in(AUDITOR)
    await browser.get("/history?q=Quillonbraxe")
    await browser.get("/history?q=tkt_1")
    audits = (await house.documents.all(d.AUDITS)).values()
    subjects = {one.subject for one in audits if one.action == "portal:history:search"}
    assert subjects == {"nothing found", "mat_1", "mat_2", "mat_3", "tkt_1"}


async def test_the_worklist_can_be_put_in_order(house: House) -> None:
    await house.documents.upsert(
        d.MATCHES,
        [
            msgspec.structs.replace(one, version=2, changed=f"2026-06-01T0{hour}:00:00Z", missing=hour)
            for hour, one in zip((3, 1, 2), (await house.documents.all(d.MATCHES)).values(), strict=True)
        ],
    )
    browser = await house.sign_in(NORTH)

    async def order(sort: str) -> list[str]:
        return [one["match"] for one in (await browser.get(f"/api/v1/worklist?sort={sort}")).json()["matches"]]

    assert await order("") == ["mat_1", "mat_3", "mat_2"]
    assert await order("oldest") == await order("missing") == ["mat_2", "mat_3", "mat_1"]
    assert await order("nonsense") == await order("")
