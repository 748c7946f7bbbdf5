"""The operator's page: what went wrong where nobody else would see it, and what can be done about it."""

import re
from pathlib import Path
from typing import Any

import msgspec

from services.notifier.desk import WebhookDesk
from services.notifier.endpoints import Endpoints
from services.trialfeed.agents import kinds
from services.trialfeed.files import FileFeed
from services.trialfeed.handlers import Handlers
from trialbridge.contracts.documents import AUDITS, COMMANDS, DEAD_LETTERS, DELIVERIES, REGULATORY, TRIALS, DeliveryDoc
from trialbridge.runtime.commands import CommandDesk
from trialbridge.testkit.fakes import MemoryEmitter

House = Any
NORTH, OPERATOR = 0, 4


async def take_in(house: House, folder: Path) -> None:
    """Start the trial feed on a folder of trial files, as far as these go."""
    await FileFeed(house.documents, house.clock, [folder]).take_in()
    await carry_out(house)


async def test_a_refused_trial_file_stands_on_the_page_until_it_is_mended_or_gone(house: House, tmp_path: Path) -> None:
    bad = "id: T-7\ntitle: A\ncriteria:\n  age: {minn: 18}\n"
    for name in ("one.yaml", "other.yaml"):
        (tmp_path / name).write_text(bad)
    (tmp_path / "good.yaml").write_text(bad.replace("minn", "min").replace("T-7", "T-8"))
    await take_in(house, tmp_path)
    browser = await house.sign_in(OPERATOR)
    text = (await browser.get("/operation")).text
    assert "Trial files refused" in text
    assert "<strong>one.yaml</strong>, line 4" in text
    assert "trial.unknown-key" in text
    assert "good.yaml" not in text
    (tmp_path / "one.yaml").write_text(bad.replace("minn", "min"))
    await take_in(house, tmp_path)
    text = (await browser.get("/operation")).text
    assert "one.yaml" not in text
    assert "other.yaml" in text
    (tmp_path / "other.yaml").unlink()
    await take_in(house, tmp_path)
    assert "Trial files refused" not in (await browser.get("/operation")).text


async def test_a_dead_letter_is_shown_with_its_ticket_its_practice_and_when_it_was_first_seen(house: House) -> None:
    text = (await (await house.sign_in(OPERATOR)).get("/operation")).text
    assert re.search(r"north · ticket <span[^>]*>tkt_9</span>", text)
    assert re.search(r'data-label="First seen">[^<]*10:00', text)
    assert "not noted" not in text
    assert "failed 2 times" in text


async def test_a_dead_letter_is_discarded_with_a_reason_which_is_recorded(house: House) -> None:
    browser = await house.sign_in(OPERATOR)
    token = await house.token(browser, "/dead-letters/dlq_1")
    bare = await browser.post("/dead-letters/dlq_1/discard", data={"csrf": token, "reason": " "})
    assert bare.status_code == 422
    assert not await house.documents.all(COMMANDS)
    data = {"csrf": token, "reason": "Came corrected."}
    assert (await browser.post("/dead-letters/dlq_9/discard", data=data)).status_code == 404
    sent = await browser.post("/dead-letters/dlq_1/discard", data=data)
    assert sent.status_code == 303
    [command] = (await house.documents.all(COMMANDS)).values()
    assert (command.to, command.kind, command.actor) == ("coatcheck", "discard", "ops@network")
    assert "it is being carried out" in (await browser.get(sent.headers["location"])).text
    await house.documents.upsert(COMMANDS, [msgspec.structs.replace(command, version=2, status="done")])
    letter = (await house.documents.all(DEAD_LETTERS))["dlq_1"]
    closed = msgspec.structs.replace(letter, version=2, status="discarded", reason="Came corrected.")
    await house.documents.upsert(DEAD_LETTERS, [closed])
    text = (await browser.get("/dead-letters/dlq_1")).text
    assert "Discarded" in text
    assert text.count("Came corrected.") == 2
    assert "portal:dead_letter:discard" in text
    assert "dlq_1" not in (await browser.get("/operation")).text


async def test_nobody_but_an_operator_closes_a_dead_letter(house: House) -> None:
    for reader in range(OPERATOR):
        browser = await house.sign_in(reader)
        csrf = {"x-csrf-token": (await browser.get("/api/v1/session")).json()["csrf"]}
        for path in ("/dead-letters/dlq_1/discard", "/api/v1/dead-letters/dlq_1/discard"):
            answer = await browser.post(path, headers=csrf, json={"reason": "x"})
            assert answer.status_code == 403, (reader, path)
    assert not await house.documents.all(COMMANDS)


async def test_the_api_discards_as_the_page_does(house: House) -> None:
    browser = await house.sign_in(OPERATOR)
    csrf = {"x-csrf-token": (await browser.get("/api/v1/session")).json()["csrf"]}
    path = "/api/v1/dead-letters/dlq_1/discard"
    assert (await browser.post(path, headers=csrf, json={})).status_code == 422
    answer = await browser.post(path, headers=csrf, json={"reason": "Came corrected."})
    assert answer.status_code == 202
    assert (await browser.get(answer.headers["location"])).json()["title"] == "Discard a dead letter"


async def carry_out(house: House) -> None:
    stage = Handlers(house.documents, house.clock)
    await CommandDesk(house.documents, "trialfeed", 1, kinds(stage), house.clock).carry_out(MemoryEmitter())


async def test_an_operator_records_what_an_authority_says(house: House) -> None:
    trial = (await house.documents.all(TRIALS))["T-1"]
    many = b",".join(b'{"id":"site%d","name":"Site <%d>"}' % (number, number) for number in range(40))
    named = msgspec.structs.replace(trial, version=2, sites=msgspec.Raw(b"[" + many + b"]"))
    await house.documents.upsert(TRIALS, [named])
    browser = await house.sign_in(OPERATOR)
    assert "Nothing said" in (await browser.get("/authorities")).text
    token = await house.token(browser, "/authorities/T-1")
    form = {"csrf": token, "approved": "yes", "hold": "no", "authority": "Board", "reason": ""}
    form |= {f"site:site{number}": "" for number in range(40)} | {"site:site3": "inactive"}
    sent = await browser.post("/authorities/T-1", data=form)
    assert sent.status_code == 303
    await carry_out(house)
    page = (await browser.get(sent.headers["location"])).text
    assert "Record an authority&#39;s statement" in page
    assert "Site &lt;3&gt;" in page
    said = (await house.documents.all(REGULATORY))["T-1"]
    assert (said.approved, said.hold, said.authority, said.sites) == (True, False, "Board", {"site3": "inactive"})
    audits = [one for one in (await house.documents.all(AUDITS)).values() if one.action == "portal:regulatory:set"]
    assert [(one.actor, one.subject, one.event.reason) for one in audits] == [
        ("ops@network", "T-1", "Board: approved, site3 inactive")
    ]
    bare = await browser.post("/authorities/T-1", data=form | {"hold": "yes"})
    assert bare.status_code == 422
    assert "regulatory.no-reason" in bare.text
    assert len(await house.documents.all(COMMANDS)) == 1
    await browser.post("/authorities/T-1", data=form | {"hold": "yes", "reason": "A report."})
    await carry_out(house)
    assert "On hold" in (await browser.get("/authorities")).text
    assert (await house.documents.all(REGULATORY))["T-1"].hold_reason == "A report."


async def test_nobody_but_an_operator_speaks_for_an_authority(house: House) -> None:
    for reader in range(OPERATOR):
        browser = await house.sign_in(reader)
        csrf = {"x-csrf-token": (await browser.get("/api/v1/session")).json()["csrf"]}
        assert (await browser.get("/authorities/T-1")).status_code == 403
        asked = {"authority": "Board", "approved": True}
        assert (await browser.post("/api/v1/trials/T-1/regulatory", headers=csrf, json=asked)).status_code == 403
        assert (await browser.post("/authorities/T-1", headers=csrf, data={"approved": "yes"})).status_code == 403
    assert not await house.documents.all(COMMANDS)


async def test_the_api_speaks_for_an_authority_as_the_page_does(house: House) -> None:
    browser = await house.sign_in(OPERATOR)
    csrf = {"x-csrf-token": (await browser.get("/api/v1/session")).json()["csrf"]}
    path = "/api/v1/trials/T-1/regulatory"
    answer = await browser.post(path, headers=csrf, json={"authority": "Board", "approved": True})
    assert answer.status_code == 202
    refused = await browser.post(path, headers=csrf, json={"authority": "Board", "hold": True})
    assert (refused.status_code, refused.json()["code"]) == (422, "regulatory.no-reason")
    assert (
        await browser.post("/api/v1/trials/T-9/regulatory", headers=csrf, json={"authority": "B"})
    ).status_code == 404


def delivery(identity: str, status: Any) -> DeliveryDoc:
    return DeliveryDoc(
        id=identity, version=5, tenant="north", endpoint="north-inbox", notification="ntf_1", status=status, attempts=10,
        last_code=500, last_error="webhook.status", body="thin",
    )  # fmt: skip


async def test_an_operator_sends_a_webhook_again_that_was_given_up(house: House) -> None:
    given_up = delivery("whk_1", "failed")
    others = [delivery("whk_2", "disabled"), delivery("whk_3", "delivered"), delivery("whk_4", "pending")]
    await house.documents.upsert(DELIVERIES, [given_up, *others])
    browser = await house.sign_in(OPERATOR)
    text = (await browser.get("/operation")).text
    assert "whk_1" in text
    assert "whk_2" in text
    assert "Call endpoint again" in text
    assert "whk_3" not in text
    assert "whk_4" not in text
    token = await house.token(browser, "/operation")
    assert (await browser.post("/deliveries/whk_9/redeliver", data={"csrf": token})).status_code == 404
    assert (await browser.post("/deliveries/whk_1/redeliver", data={"csrf": token})).status_code == 303
    desk = WebhookDesk(house.documents, Endpoints(()), house.clock)
    await CommandDesk(house.documents, "notifier", 1, desk.kinds(), house.clock).carry_out(MemoryEmitter())
    sent = (await house.documents.all(DELIVERIES))["whk_1"]
    assert (sent.status, sent.attempts) == ("pending", 0)
    assert "whk_1" not in (await browser.get("/operation")).text
    [event] = [one for one in (await house.documents.all(AUDITS)).values() if one.action == "portal:delivery:redeliver"]
    assert (event.actor, event.subject) == ("ops@network", "whk_1")
    assert (await browser.post("/endpoints/north-inbox/enable", data={"csrf": token})).status_code == 303
    asked = [one for one in (await house.documents.all(COMMANDS)).values() if one.status == "requested"]
    assert [msgspec.json.decode(one.body) for one in asked] == [{"endpoint": "north-inbox"}]


async def test_nobody_but_an_operator_sends_a_webhook_again(house: House) -> None:
    await house.documents.upsert(DELIVERIES, [delivery("whk_1", "failed")])
    for reader in range(OPERATOR + 1):
        browser = await house.sign_in(reader)
        csrf = {"x-csrf-token": (await browser.get("/api/v1/session")).json()["csrf"]}
        for path in ("/api/v1/deliveries/whk_1/redeliver", "/api/v1/endpoints/north-inbox/enable"):
            answer = await browser.post(path, headers=csrf)
            assert answer.status_code == (202 if reader == OPERATOR else 403), (reader, path)
