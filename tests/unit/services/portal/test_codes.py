"""Local codes in the portal: who sees which words, what is asked for in whose name, and coverage per feed."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from services.patientview.reviewing import CodeDesk
from trialbridge.contracts import documents as d
from trialbridge.contracts.events import CoverageRow
from trialbridge.criteria.compiler import compile_text
from trialbridge.emr.localcodes.codes import LocalCode
from trialbridge.runtime.commands import CommandDesk
from trialbridge.runtime.ports import Query
from trialbridge.testkit.fakes import MemoryEmitter
from trialbridge.testkit.pseudonyms import SYNTHETIC

House = Any
NORTH, HILL, LAB, AUDITOR, OPERATOR = range(5)
CODE = LocalCode("observation", "L", "HGB", "Haemoglobin", "g/dl")
RARE = LocalCode("condition", "", "", "Cousin of Quillonbraxe")
TRIAL = "id: T-9\ntitle: Labs\nlab: aurora\ncriteria:\n  lab: {test: hemoglobin, min: 9, unit: g/dL}\n"


def seen(name: str, code: LocalCode, patients: int, source: str = "north/lis", count: int = 99) -> d.LocalCodeDoc:
    return d.LocalCodeDoc(
        id=name, version=1, network="lakeland", tenant=source.partition("/")[0], source=source, kind=code.kind,
        patients=patients, count=count, said=msgspec.Raw(msgspec.json.encode(code)),
    )  # fmt: skip


async def open_trial(house: House, text: str = TRIAL) -> None:
    made = compile_text(text, "t.yaml")
    assert made.trial is not None, made.diagnostics
    doc = d.TrialDoc(
        id=made.trial.id, version=1, lab="aurora", title="Labs", status="open", digest=made.digest,
        definition=msgspec.Raw(made.definition),
    )  # fmt: skip
    await house.documents.upsert(d.TRIALS, [doc])


@pytest.fixture
async def queue(house: House) -> House:
    docs = [seen("lcd_hgb", CODE, 40), seen("lcd_rare", RARE, 3), seen("lcd_hill", CODE, 60, "hill/lis")]
    await house.documents.upsert(d.LOCAL_CODES, docs)
    await open_trial(house)
    return house


async def carry_out(house: House) -> None:
    kinds = CodeDesk(house.documents, SYNTHETIC).kinds()
    desk = CommandDesk(house.documents, "patientview", 1, kinds, lambda: datetime(2026, 6, 1, tzinfo=UTC))
    await desk.carry_out(MemoryEmitter())


async def listed(house: House, who: int, query: str = "") -> dict[str, Any]:
    answer = await (await house.sign_in(who)).get(f"/api/v1/codes{query}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def decide(house: House, who: int, path: str, **form: str) -> Any:
    browser = await house.sign_in(who)
    home = "/worklist" if who in (NORTH, HILL) else "/operation"
    token = await house.token(browser, home)
    return await browser.post(path, data={"csrf": token, **form})


ACCEPT = {"system": "loinc", "code": "718-7", "display": "hemoglobin"}


async def test_a_practice_sees_its_own_codes_ranked_by_patients_blocked(queue: House) -> None:
    found = await listed(queue, NORTH)
    assert [(one["id"], one["blocked"], one["patients"]) for one in found["rows"]] == [
        ("lcd_hgb", "40", "40"), ("lcd_rare", "0", "3"),
    ]  # fmt: skip
    assert found["rows"][0]["suggestion"]["target"]["code"] == "718-7"
    assert found["sources"] == ["north/lis"]


async def test_an_operator_sees_all_feeds_and_no_words_of_few_patients(queue: House) -> None:
    found = await listed(queue, OPERATOR)
    assert [(one["id"], one["blocked"]) for one in found["rows"]] == [
        ("lcd_hill", "60"), ("lcd_hgb", "40"), ("lcd_rare", "0"),
    ]  # fmt: skip
    browser = await queue.sign_in(OPERATOR)
    for path in ("/codes", "/codes/lcd_rare", "/api/v1/codes", "/api/v1/codes/lcd_rare"):
        answer = await browser.get(path)
        assert answer.status_code == 200
        assert "Quillonbraxe" not in answer.text, path
    text = (await browser.get("/codes/lcd_rare")).text
    assert "1–10" in text  # noqa: RUF001 -- the sign on the page
    assert "Fewer than 11 patients" in text
    own = await (await queue.sign_in(NORTH)).get("/codes/lcd_rare")
    assert "Quillonbraxe" in own.text


async def test_an_operator_cannot_decide_on_words_that_are_withheld(queue: House) -> None:
    answer = await decide(queue, OPERATOR, "/codes/lcd_rare/accept", system="icd10", code="C34.1")
    assert answer.status_code == 409
    assert await queue.documents.count(d.COMMANDS, {"to": "patientview"}) == {"": 0}


@pytest.mark.parametrize("path", ["/codes/lcd_hill/accept", "/codes/lcd_hill/reject", "/codes/lcd_hill/undo"])
async def test_a_practice_can_neither_see_nor_decide_another_ones_codes(queue: House, path: str) -> None:
    assert (await (await queue.sign_in(NORTH)).get("/codes/lcd_hill")).status_code == 404
    assert (await decide(queue, NORTH, path, **ACCEPT)).status_code == 404
    assert await queue.documents.count(d.COMMANDS, {"to": "patientview"}) == {"": 0}


@pytest.mark.parametrize("who", [LAB, AUDITOR])
async def test_laboratories_and_auditors_see_no_codes(queue: House, who: int) -> None:
    browser = await queue.sign_in(who)
    assert (await browser.get("/codes")).status_code == 403
    assert (await browser.get("/api/v1/codes")).status_code == 403
    assert (await browser.get("/coverage")).status_code == 403


async def test_a_decision_needs_the_forms_token(queue: House) -> None:
    browser = await queue.sign_in(NORTH)
    assert (await browser.post("/codes/lcd_hgb/accept", data=ACCEPT)).status_code == 403


async def test_an_accepted_code_leaves_the_queue_and_its_undo_brings_it_back(queue: House) -> None:
    answer = await decide(queue, NORTH, "/codes/lcd_hgb/accept", note="By the catalogue", **ACCEPT)
    assert answer.status_code == 303
    await carry_out(queue)
    browser = await queue.sign_in(NORTH)
    page = (await browser.get(answer.headers["location"])).text
    for words in ("Accepted", "loinc 718-7 hemoglobin", "ann@north", "By the catalogue", "version 1", "Undo"):
        assert words in page, words
    assert [one["id"] for one in (await listed(queue, NORTH))["rows"]] == ["lcd_rare"]
    (row,) = (await listed(queue, NORTH, "?state=accepted"))["rows"]
    assert (row["id"], row["target"], row["by"]) == ("lcd_hgb", "loinc 718-7 hemoglobin", "ann@north")
    events, _ = await queue.documents.find(d.AUDITS, Query({"subject": "lcd_hgb"}))
    assert {one.action for one in events} == {"portal:code:review"}
    await decide(queue, NORTH, "/codes/lcd_hgb/undo")
    await carry_out(queue)
    assert [one["id"] for one in (await listed(queue, NORTH))["rows"]] == ["lcd_hgb", "lcd_rare"]
    steps = (await browser.get("/api/v1/codes/lcd_hgb")).json()["history"]
    assert [(one["action"], one["before"], one["after"]) for one in steps] == [
        ("undo", "loinc 718-7 hemoglobin", ""), ("accept", "", "loinc 718-7 hemoglobin"),
    ]  # fmt: skip


async def test_a_code_that_is_left_as_it_is_stands_among_the_rejected(queue: House) -> None:
    await decide(queue, NORTH, "/codes/lcd_rare/reject", note="Free text")
    await carry_out(queue)
    (row,) = (await listed(queue, NORTH, "?state=rejected"))["rows"]
    assert (row["id"], row["state"], row["target"]) == ("lcd_rare", "rejected", "left as it is")


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/codes/lcd_hgb/accept", {"system": "loinc", "code": "718-8"}, 422),
        ("/codes/lcd_hgb/accept", {"system": "ucum", "code": "g/dL"}, 422),
        ("/codes/lcd_hgb/accept", {}, 422),
        ("/codes/lcd_hgb/apply", ACCEPT, 422),
        ("/codes/lcd_hgb/undo", {}, 409),
        ("/codes/lcd_none/accept", ACCEPT, 404),
    ],
)
async def test_what_cannot_be_decided_is_refused_at_once(
    queue: House, path: str, form: dict[str, str], status: int
) -> None:
    assert (await decide(queue, NORTH, path, **form)).status_code == status
    assert await queue.documents.count(d.COMMANDS, {"to": "patientview"}) == {"": 0}


async def test_what_another_feed_of_the_network_accepted_is_suggested_without_its_words(queue: House) -> None:
    other = LocalCode("observation", "X", "HGBX", "Haemoglobin (Hill)")
    await queue.documents.upsert(d.LOCAL_CODES, [seen("lcd_hill", other, 60, "hill/lis")])
    await decide(
        queue, HILL, "/codes/lcd_hill/accept", system="loinc", code="20509-6", display="hemoglobin, calculated"
    )
    await carry_out(queue)
    browser = await queue.sign_in(NORTH)
    found = (await browser.get("/api/v1/codes/lcd_hgb")).json()["suggestions"]
    assert "another feed of the network" in next(one for one in found if one["target"]["code"] == "20509-6")["why"]
    assert "(Hill)" not in (await browser.get("/codes/lcd_hgb")).text


async def test_pages_and_filters(queue: House) -> None:
    docs = [seen(f"lcd_{n:03}", LocalCode("unit", code=f"u{n}"), 20 + n, count=n) for n in range(60)]
    await queue.documents.upsert(d.LOCAL_CODES, docs)
    found, after, names = None, "", []
    while found is None or after:
        found = await listed(queue, OPERATOR, f"?source=north/lis&after={after}")
        names += [one["id"] for one in found["rows"]]
        after = found["next"] or ""
    assert len(names) == len(set(names)) == 62
    assert names[0] == "lcd_059"
    assert {one["source"] for one in (await listed(queue, OPERATOR, "?source=hill/lis"))["rows"]} == {"hill/lis"}
    assert (await listed(queue, OPERATOR, "?after=nonsense"))["total"] == 63


async def test_a_kind_of_code_that_no_open_trial_reads_blocks_nobody(house: House) -> None:
    await house.documents.upsert(d.LOCAL_CODES, [seen("lcd_rare", RARE, 30), seen("lcd_hgb", CODE, 20)])
    await open_trial(house)
    assert [one["id"] for one in (await listed(house, NORTH))["rows"]] == ["lcd_hgb", "lcd_rare"]


async def test_an_empty_queue_says_so(house: House) -> None:
    browser = await house.sign_in(NORTH)
    assert "No local code waits for a decision" in (await browser.get("/codes")).text
    assert "Nothing here yet" in (await browser.get("/codes?state=accepted")).text
    operator = await house.sign_in(OPERATOR)
    assert "No delivery was converted yet" in (await operator.get("/coverage")).text


async def test_coverage_shows_each_feeds_share_and_leads_to_its_codes(queue: House) -> None:
    rows = (
        CoverageRow("hl7v2", "PID", "mapped", "", 90), CoverageRow("hl7v2", "PV1", "dropped", "v2.no-table", 6),
        CoverageRow("hl7v2", "PV1", "kept", "", 4),
    )  # fmt: skip
    docs = [
        d.CoverageDoc(
            id=f"cov_{day}", version=1, tenant="north", source="north/lis", day=f"2026-06-0{day}", deliveries=2, rows=rows
        )
        for day in (1, 2)
    ]  # fmt: skip
    await queue.documents.upsert(d.COVERAGE, docs)
    browser = await queue.sign_in(OPERATOR)
    text = (await browser.get("/coverage")).text
    assert "90.0 % of 200 fields mapped, 8 kept raw, 12 dropped, 0 not accounted for; 4 deliveries" in text
    assert "Local codes (2)" in text
    assert 'href="/codes?source=north%2Flis"' in text
    one = (await browser.get("/coverage?source=north/lis")).text
    for words in ("v2.no-table", "2026-06-02", "<code>PV1</code>", "By section"):
        assert words in one, words
