"""The portal of a demo run in a real Chromium: every reader's pages, by mouse, by keyboard and through axe's eyes."""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from tests.e2e.browsing import Desk, Place, find_chromium, open_portal, sit_down

pytestmark = pytest.mark.browser

PRACTICES: Final = ("north-clinic", "river-oncology", "harbor-cancer", "hill-practice", "county-hospital")
LABS: Final = ("aurora-lab", "meridian-lab")
AUDITOR: Final = "auditor@network"
OPERATOR: Final = "operator@network"
STAGES: Final = ("trialfeed", "coatcheck", "patientview", "matcher", "matchbook", "notifier")
expect.set_options(timeout=60_000)  # other work on the same machine may slow the stages down
WIDE: Final[ViewportSize] = {"width": 1280, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
SAFE_COUNT: Final = re.compile(r"0|1–10|withheld|1[1-9]|[2-9]\d|\d{3,}")  # noqa: RUF001 -- the sign on the page
TRIAL: Final = """\
id: WALK-01
title: A trial from the browser
lab: aurora-lab
phase: I
sites:
  - {id: northport, name: Northport research unit, status: recruiting, country: US}
criteria:
  all:
    - age: {min: 18}
    - performance: {scale: ecog, max: 1}
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Yield a running Chromium."""
    with sync_playwright() as playwright:
        found = find_chromium(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def place(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Yield the portal of a demo's run; without a browser no run is worth its time."""
    assert chromium.is_connected()
    with open_portal(tmp_path_factory.mktemp("portal")) as opened:
        yield opened


@pytest.fixture
def desk(place: Place, chromium: Browser) -> Iterator[Desk]:
    """Yield a wide window."""
    with sit_down(place, chromium, viewport=WIDE) as made:
        yield made


def found(desk: Desk, link: str) -> str:
    """Return where the first such link on the page leads."""
    address = desk.page.locator(link).first.get_attribute("href")
    assert address
    return address


def pages(desk: Desk) -> Iterator[tuple[str, str]]:
    """Sit down as each reader in turn and yield the name and address of each page."""
    yield "sign-in", "/sign-in"
    desk.sign_in(f"coordinator@{PRACTICES[0]}")
    yield "worklist", "/worklist"
    for status in ("potentially", "held", "withdrawn"):
        [first, *_] = desk.ask(f"/worklist?status={status}")["matches"]
        yield f"match-{status}", f"/matches/{first['match']}"
    yield "inbox", "/inbox"
    desk.sign_in(f"manager@{LABS[0]}")
    yield "trials", "/trials"
    yield "trial", f"/trials/{desk.ask('/trials')['trials'][0]['id']}"
    yield "trial-new", "/trials/new"
    desk.sign_in(AUDITOR)
    yield "histories", "/history"
    yield "history", f"/history/{desk.ask('/history')['matches'][0]['id']}"
    yield "audit", "/audit"
    desk.sign_in(OPERATOR)
    yield "operation", "/operation"
    yield "dead-letter", found(desk, "a[href^='/dead-letters/']")
    yield "authorities", "/authorities"
    yield "authority", found(desk, "a[href^='/authorities/']")
    yield "problem-explained", "/problems/mark.unknown"


def test_every_page_is_accessible_and_fits_its_window_in_light_dark_and_on_a_phone(desk: Desk) -> None:
    for name, path in pages(desk):
        desk.open(path)
        expect(desk.page.locator("h1")).to_have_count(1)
        desk.inspect(f"wide-{name}")
        desk.page.emulate_media(color_scheme="dark")
        desk.inspect(f"dark-{name}", ["color-contrast"])
        desk.page.emulate_media(color_scheme="light")
        desk.page.set_viewport_size(PHONE)
        desk.inspect(f"phone-{name}")
        desk.page.set_viewport_size(WIDE)


def test_every_page_can_be_walked_by_keyboard(desk: Desk) -> None:
    for name, path in pages(desk):
        desk.open(path)
        desk.walk(name)
        desk.page.locator("a.skip").press("Enter")
        assert desk.page.evaluate("document.activeElement.id") == "main", name


def test_the_worklist_is_worked_by_keyboard_alone(desk: Desk) -> None:
    desk.sign_in(f"coordinator@{PRACTICES[0]}")
    keys = desk.page.keyboard
    keys.press("/")
    assert desk.page.evaluate("document.activeElement.name") == "trial"
    desk.page.evaluate("document.activeElement.blur()")
    for key in "jjk":
        keys.press(key)
    first = desk.page.locator("a[data-row]").first
    expect(first).to_be_focused()
    keys.press("Enter")
    desk.page.wait_for_url("**/matches/*")
    expect(desk.page.locator("h1")).to_contain_text(desk.page.title().split(" · ")[0])


def test_a_match_shows_each_verdict_with_its_evidence_what_is_missing_and_why_now(desk: Desk) -> None:
    desk.sign_in(f"coordinator@{PRACTICES[0]}")
    rows = desk.ask("/worklist?status=potentially&sort=missing")["matches"]
    row = next(one for one in rows if one["missing"] and one["line"].startswith("Missing:"))
    found = desk.ask(f"/matches/{row['match']}")
    desk.open(f"/matches/{row['match']}")
    expect(desk.page.locator("h1")).to_contain_text(row["person"]["name"])
    lines = desk.page.locator("ul.conditions.top > li")
    expect(lines).to_have_count(len(found["conditions"]))
    for number, one in enumerate(found["conditions"]):
        expect(lines.nth(number)).to_contain_text(one["reason"])
        expect(lines.nth(number).locator(".chip").first).to_be_visible()
        for item in one["evidence"]:
            expect(lines.nth(number)).to_contain_text(item["resource"])
    assert any(one["evidence"] for one in found["conditions"])
    text = desk.page.locator("main").inner_text()
    assert "What is missing, cheapest first" in text
    assert found["missing"][0]["settle"] in text
    assert "Why now" in text
    assert row["why_now"] in text


def test_a_mark_is_set_in_place_and_undone(desk: Desk) -> None:
    desk.sign_in(f"coordinator@{PRACTICES[0]}")
    row = desk.page.locator("tr.row").nth(3)
    name = row.locator("a[data-row]").get_attribute("href")
    row.get_by_role("combobox").select_option("flagged")
    row.get_by_role("button", name="Set").click()
    expect(row.get_by_role("status")).to_have_text("Saved: Flagged.")
    expect(row.get_by_role("button", name="Set")).to_be_focused()
    desk.open("/worklist?mark=flagged")
    expect(desk.page.locator("a[data-row]")).to_have_count(1)
    assert desk.page.locator("a[data-row]").get_attribute("href") == name
    desk.page.get_by_role("button", name="Undo").click()
    expect(desk.page.get_by_role("status")).to_have_text("Saved: New.")
    desk.open("/worklist?mark=flagged")
    expect(desk.page.locator("main")).to_contain_text("Nothing here")


def test_an_inbox_message_is_read_once(desk: Desk) -> None:
    desk.sign_in(f"coordinator@{PRACTICES[0]}")
    unread = desk.ask("/inbox")["unread"]
    assert unread > 0
    desk.open("/inbox")
    expect(desk.page.locator("li .chip", has_text="Withdrawn").first).to_be_visible()
    desk.page.get_by_role("button", name="Mark as read").first.click()
    expect(desk.page.locator("p.lead")).to_contain_text(f"{unread - 1} unread")


def test_a_review_goes_to_the_matchbook_and_back(desk: Desk) -> None:
    for practice in PRACTICES:
        desk.sign_in(f"coordinator@{practice}")
        waiting = desk.ask("/worklist?status=awaiting_review")["matches"]
        if waiting:
            break
    desk.open(f"/matches/{waiting[0]['match']}")
    desk.page.get_by_label("Note").fill("Seen in the tumour board.")
    desk.page.get_by_role("button", name="Approve").click()
    expect(desk.page.locator("p.lead .chip")).to_have_text(re.compile("Approved"))
    expect(desk.page.get_by_role("button", name="Take the decision back")).to_be_visible()


def test_a_trial_is_linted_registered_and_suspended_from_the_browser(desk: Desk) -> None:
    desk.sign_in(f"manager@{LABS[0]}")
    desk.open("/trials/new")
    desk.page.get_by_label("Trial", exact=True).fill(TRIAL.replace("age:", "aeg:"))
    desk.page.get_by_role("button", name="Check").click()
    expect(desk.page.get_by_role("status")).to_contain_text("line 9")
    expect(desk.page.get_by_role("status")).to_contain_text("trial.unknown-key")
    desk.inspect("wide-trial-refused")
    desk.page.get_by_label("Trial", exact=True).fill(TRIAL)
    desk.page.get_by_role("button", name="Check").click()
    expect(desk.page.get_by_role("status")).to_contain_text("Understood: WALK-01")
    desk.page.get_by_role("button", name="Register").click()
    expect(desk.page.get_by_role("status")).to_contain_text("Done")
    desk.page.get_by_role("link", name="A trial from the browser").click()
    desk.page.get_by_label("Status").select_option("suspended")
    desk.page.get_by_role("button", name="Set").click()
    expect(desk.page.locator("p.lead .chip")).to_have_text(re.compile("Suspended"))
    desk.inspect("wide-trial-suspended")


def identifiers(desk: Desk) -> set[str]:
    """Return every name, number, birth date and id by which a practice knows a patient, as pages would show them."""
    known: set[str] = set()
    for practice in PRACTICES:
        desk.sign_in(f"coordinator@{practice}")
        after: str | None = ""
        while after is not None:
            found = desk.ask(f"/worklist?after={after}")
            for row in found["matches"]:
                person = row["person"]
                known |= {person["id"], person["name"], person["mrn"], person["birth_date"], row["match"]}
                known.add(person["name"].split(",")[0])
            after = found["next"]
    return known - {""}


def test_a_laboratory_never_sees_a_patient(desk: Desk) -> None:
    secret = identifiers(desk)
    assert len(secret) > len(PRACTICES) * 20
    for lab in LABS:
        desk.sign_in(f"manager@{lab}")
        trials = [one["id"] for one in desk.ask("/trials")["trials"]]
        text = str([desk.ask("/trials"), desk.ask(f"/trials/{trials[0]}"), desk.ask(f"/trials/{trials[0]}/counts")])
        for path in ("/trials", "/trials/new", *(f"/trials/{one}" for one in trials)):
            desk.open(path)
            text += desk.page.content()
            counts = desk.page.locator("td.num").all_inner_texts()
            assert all(SAFE_COUNT.fullmatch(one) for one in counts), (path, counts)
        assert "1–10" in text  # noqa: RUF001 -- the sign on the page
        assert not {one for one in secret if one in text}


def test_an_auditor_follows_a_match_from_the_bytes_to_the_message(desk: Desk) -> None:
    desk.sign_in(f"coordinator@{PRACTICES[0]}")
    match = desk.ask("/worklist?status=withdrawn")["matches"][0]["match"]
    desk.sign_in(AUDITOR)
    desk.open(f"/history/{match}")
    text = desk.page.locator("main").inner_text()
    kept = {
        hashlib.sha256(one.read_bytes()).hexdigest() for one in desk.place.state.rglob("objects/**/*") if one.is_file()
    }
    shown = set(re.findall(r"\b[0-9a-f]{64}\b", text))
    assert shown
    assert shown <= kept
    assert "Each has its digest" in text
    assert re.search(r"ntf_[0-9a-f]+", text)
    desk.open(f"/history?q={min(shown)}")
    expect(desk.page.locator(f"a[href='/history/{match}']")).to_have_count(1)
    desk.open(f"/history/{match}")
    with desk.page.expect_download() as waiting:
        desk.page.get_by_role("link", name="Export as NDJSON").click()
    lines = waiting.value.path().read_text().splitlines()
    assert all(any(one in line for line in lines) for one in shown)
    desk.open(f"/audit?subject={match}&actor={AUDITOR}")
    expect(desk.page.locator("main")).to_contain_text("portal:history:export")


def test_an_operator_sees_the_stages_and_sends_a_dead_letter_through_again(desk: Desk) -> None:
    desk.sign_in(OPERATOR)
    flow = desk.page.locator("ol.flow > li")
    assert [one.split("\n")[0] for one in flow.all_inner_texts()] == list(STAGES)
    for number in range(len(STAGES)):
        expect(flow.nth(number)).to_contain_text("Ready")
        expect(flow.nth(number)).to_contain_text("0 behind")
    for code in ("envelope.tag-mismatch", "fhir.not-fhir", "v2.no-identifier"):
        expect(desk.page.get_by_role("region", name="Table of dead letters")).to_contain_text(code)
    desk.page.get_by_role("button", name="Replay").first.click()
    with desk.page.expect_response("**/operation/now*") as polled:
        pass
    assert polled.value.ok
    asked = desk.page.locator("section", has=desk.page.get_by_role("heading", name="What you asked for last"))
    expect(asked).to_contain_text("Send through again")
    expect(asked.locator(".chip").first).to_have_text(re.compile("Done|Refused"))


def test_an_operator_discards_a_dead_letter_with_a_reason(desk: Desk) -> None:
    desk.sign_in(OPERATOR)
    desk.page.locator("tr", has_text="v2.no-identifier").get_by_role("link").first.click()
    desk.page.get_by_label("Reason").fill("Came corrected.")
    desk.page.get_by_role("button", name="Discard").click()
    expect(desk.page.locator("p.lead")).to_contain_text("Discarded")
    expect(desk.page.locator("main")).to_contain_text("portal:dead_letter:discard")


def test_a_hold_by_an_operator_takes_a_trial_s_approvals_back_and_its_end_brings_them(desk: Desk) -> None:
    desk.sign_in(OPERATOR)
    desk.open("/authorities")
    row = desk.page.locator("tr.row", has=desk.page.locator(".chip", has_text="Approved")).first
    row.get_by_role("link").click()
    for hold, reason, word in (("on hold", "A report is read.", "On hold"), ("no hold", "", "Approved")):
        desk.page.locator("select[name='hold']").select_option(label=hold)
        desk.page.locator("input[name='reason']").fill(reason)
        desk.page.get_by_role("button", name="Record").click()
        expect(desk.page.locator("p.lead .chip")).to_have_text(re.compile(word))
        expect(desk.page.locator("p.lead")).to_contain_text(reason)


def test_a_reader_without_the_scope_is_shown_the_door(place: Place, chromium: Browser) -> None:
    with sit_down(place, chromium, viewport=WIDE) as desk:
        desk.sign_in(f"manager@{LABS[0]}")
        for path, status in (("/worklist", 403), ("/operation", 403), ("/history", 403), ("/nothing", 404)):
            answer = desk.page.goto(place.url + path)
            assert answer is not None
            assert answer.status == status
            desk.walk(path)
            desk.inspect(f"wide-refused{path.replace('/', '-')}")
        # Chromium notes each of these answers on its console; nothing else may be there.
        assert all("the server responded with a status of 40" in one for one in desk.faults)
        desk.faults.clear()
