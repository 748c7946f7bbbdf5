"""A feed with a laboratory code of its own, from its bundle to the worklist: blocked, accepted at the portal, matched, undone."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from tests.e2e.browsing import Desk, Place, find_chromium, open_portal, sit_down
from tests.e2e.running import trialbridge, wait_until
from trialbridge.testkit.places import NETWORK

pytestmark = pytest.mark.browser

PRACTICE, OTHER, OPERATOR, LAB = (
    "coordinator@north-clinic",
    "coordinator@river-oncology",
    "operator@network",
    "manager@aurora-lab",
)
SOURCE: Final = "north-clinic/lis"
PATIENTS: Final = 12
RARE: Final = "Cousin of Quillonbraxe"
WIDE: Final[ViewportSize] = {"width": 1280, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
TRIAL: Final = """\
id: CODES-01
title: Anaemia counts
lab: aurora-lab
phase: I
sites:
  - {id: northport, name: Northport research unit, status: recruiting, country: US}
criteria:
  all:
    - age: {min: 18}
    - lab: {test: hemoglobin, min: 9, unit: g/dL}
"""
expect.set_options(timeout=60_000)


def records() -> Iterator[dict[str, Any]]:
    """Yield patients whose hemoglobin has a code of the laboratory's own, and for one of them a test that nobody else had."""
    for number in range(PATIENTS):
        name = f"codes-{number}"
        yield {
            "resourceType": "Patient", "id": name, "birthDate": f"196{number % 10}-03-0{1 + number % 9}", "gender": "female",
            "name": [{"family": f"Coded{number}", "given": ["Ann"]}],
            "identifier": [{"system": "urn:oid:2.16.840.1.113883.19.5.77", "value": f"LC-{number}",
                            "type": {"coding": [{"code": "MR"}]}}],
        }  # fmt: skip
        tests = [("HB-X", "Haemoglobin venous"), *([("Q-1", RARE)] if number == 0 else [])]
        for code, words in tests:
            yield {
                "resourceType": "Observation", "id": f"{code}-{number}", "status": "final",
                "subject": {"reference": f"Patient/{name}"}, "effectiveDateTime": "2026-05-20",
                "code": {"coding": [{"system": "urn:oid:1.2.3.4", "code": code, "display": words}]},
                "valueQuantity": {"value": 11.5, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
            }  # fmt: skip


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
    """Yield the portal of a demo to which the laboratory's bundle was handed in."""
    assert chromium.is_connected()
    folder = tmp_path_factory.mktemp("codes")
    with open_portal(folder) as opened:
        with sit_down(opened, chromium, viewport=WIDE) as desk:
            desk.sign_in(LAB)
            desk.open("/trials/new")
            desk.page.locator("textarea").fill(TRIAL)
            desk.page.get_by_role("button", name="Register").click()
            wait_until(lambda: any(one["id"] == "CODES-01" for one in desk.ask("/trials")["trials"]))
        bundle = folder / "lis.ndjson"
        bundle.write_text("\n".join(json.dumps(one) for one in records()))
        asked = ("--tenant", "north-clinic", "--source", SOURCE, "--network", NETWORK, "--state", opened.state)
        done = trialbridge("ticket", "issue", bundle, *asked, "--json")
        assert done.returncode == 0, done.stderr
        yield opened


@pytest.fixture
def desk(place: Place, chromium: Browser) -> Iterator[Desk]:
    """Yield a wide window."""
    with sit_down(place, chromium, viewport=WIDE) as made:
        yield made


def statuses(desk: Desk) -> dict[str, int]:
    """Return the new trial's matches of the practice by status."""
    found: dict[str, int] = {}
    for status in ("potentially", "held", "approved"):
        rows = desk.ask(f"/worklist?trial=CODES-01&status={status}")["matches"]
        found |= {status: sum(1 for one in rows if one["person"]["name"].startswith("Coded"))}
    return {status: count for status, count in found.items() if count}


def queue(desk: Desk) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in desk.ask(f"/codes?source={SOURCE}")["rows"]}


def look(desk: Desk, name: str, path: str) -> None:
    """Look at a page through axe's eyes, wide, dark and on a phone, and walk it by keyboard."""
    desk.open(path)
    desk.inspect(f"wide-{name}")
    desk.page.emulate_media(color_scheme="dark")
    desk.inspect(f"dark-{name}", ["color-contrast"])
    desk.page.emulate_media(color_scheme="light")
    desk.page.set_viewport_size(PHONE)
    desk.inspect(f"phone-{name}")
    desk.page.set_viewport_size(WIDE)
    desk.open(path)
    desk.walk(name)


def test_a_local_code_is_accepted_by_keyboard_patients_are_matched_and_undo_takes_it_back(desk: Desk) -> None:
    desk.sign_in(PRACTICE)
    wait_until(lambda: statuses(desk) == {"potentially": PATIENTS})
    wait_until(lambda: len(queue(desk)) == 2)
    first, _ = queue(desk).values()
    assert (first["code"], first["blocked"], first["suggestion"]["target"]["code"]) == ("HB-X", str(PATIENTS), "718-7")
    look(desk, "codes", "/codes")
    desk.open("/codes")
    for key in ("j", "Enter"):
        desk.page.keyboard.press(key)
    desk.page.wait_for_url("**/codes/lcd_*")
    look(desk, "code", f"/codes/{first['id']}")
    desk.open(f"/codes/{first['id']}")
    button = desk.page.get_by_role("button", name="Accept hemoglobin", exact=True)
    button.focus()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator(".lead .chip")).to_contain_text("Accepted")
    wait_until(lambda: statuses(desk) == {"held": PATIENTS})
    row = desk.ask("/worklist?trial=CODES-01&status=held")["matches"][0]
    found = str(desk.ask(f"/matches/{row['match']}")["conditions"])
    assert "local codes v1" in found
    desk.open(f"/matches/{row['match']}")
    expect(desk.page.locator("main")).to_contain_text("local codes v1")
    look(desk, "code-accepted", f"/codes/{first['id']}")
    look(desk, "codes-accepted", "/codes?state=accepted")
    desk.open(f"/codes/{first['id']}")
    expect(desk.page.locator("main")).to_contain_text(f"{PRACTICE} · version 1")
    desk.page.get_by_role("button", name="Undo").click()
    expect(desk.page.locator(".lead .chip")).to_contain_text("To review")
    wait_until(lambda: statuses(desk) == {"potentially": PATIENTS})
    expect(desk.page.locator("main")).to_contain_text("version 2")


def test_nobody_else_sees_the_words_of_one_patients_code_or_decides_for_the_practice(desk: Desk) -> None:
    desk.sign_in(PRACTICE)
    wait_until(lambda: len(queue(desk)) == 2)
    rare = next(one for one in queue(desk).values() if one["code"] == "Q-1")
    common = next(one for one in queue(desk).values() if one["code"] == "HB-X")
    desk.open(f"/codes/{rare['id']}")
    expect(desk.page.locator("h1")).to_have_text(RARE)
    desk.sign_in(OPERATOR)
    for path in ("/codes", f"/codes/{rare['id']}", "/operation", "/coverage"):
        desk.open(path)
        assert RARE not in desk.page.content(), path
    expect(desk.page.locator("main")).to_contain_text("north-clinic")
    assert RARE not in str(desk.ask("/codes"))
    look(desk, "code-withheld", f"/codes/{rare['id']}")
    desk.sign_in(OTHER)
    token = re.search(r'name="csrf" value="([^"]+)"', desk.page.content())
    assert token
    for one in (rare, common):
        url = f"{desk.place.url}/api/v1/codes/{one['id']}"
        assert desk.context.request.get(url).status == 404
        body = {"decision": "accept", "system": "loinc", "code": "718-7"}
        answer = desk.context.request.post(f"{url}/decision", data=body, headers={"x-csrf-token": token[1]})
        assert answer.status == 404
    look(desk, "codes-empty", "/codes")


def test_the_operator_sees_what_became_of_each_feeds_fields(desk: Desk) -> None:
    desk.sign_in(OPERATOR)
    desk.open("/coverage")
    expect(desk.page.locator("svg.bar").first).to_be_visible()
    look(desk, "coverage", "/coverage")
    source = desk.page.locator("a[data-row]").first.inner_text()
    look(desk, "coverage-feed", f"/coverage?source={source}")
    expect(desk.page.locator("main")).to_contain_text("By section")
    desk.page.get_by_role("link", name="Local codes (").click()
    desk.page.wait_for_url("**/codes?source=*")
