"""A demo's portal in a real Chromium: starts both, signs people in, and looks at pages by eye, by keyboard and through axe."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.e2e.running import PATIENCE, clean_environment, kill, wait_until

PATIENTS: Final = "90"
OPEN_AT: Final = re.compile(r"portal is open: (http://127\.0\.0\.1:\d+)")
REPORT_VIOLATIONS: Final = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI}`));
"""
RUN_AXE: Final = """async (rules) => {
  const found = await axe.run({ resultTypes: ["violations"], ...(rules.length ? { runOnly: rules } : {}) });
  const faults = found.violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 160))]);
  return { passed: found.passes.length, faults };
}"""
NUMBER_STOPS: Final = """() => {
  const wanted = "a[href], button, select, textarea, input:not([type=hidden]), [tabindex='0']";
  const stops = [...document.querySelectorAll(wanted)].filter((one) => one.checkVisibility());
  stops.forEach((one, number) => { one.dataset.stop = String(number); });
  return stops.length;
}"""
LOOK_AT_FOCUS: Final = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  return {
    stop: Number(one.dataset?.stop ?? -1), name: one.outerHTML.slice(0, 120),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inside: box.width > 0 && box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight,
  };
}"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the portal listens, where its run keeps its files, and where pictures of pages go."""

    url: str
    state: Path
    shots: Path


@dataclass(slots=True)
class Desk:
    """One person's browser; what it complains about is collected."""

    place: Place
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)

    def sign_in(self, actor: str) -> None:
        """Take another chair: one click on the sign-in page."""
        self.context.clear_cookies()
        self.open("/sign-in")
        self.page.get_by_role("button", name=actor).click()
        self.page.wait_for_url(lambda url: "sign-in" not in url)

    def open(self, path: str) -> None:
        """Go to a page of the portal."""
        answer = self.page.goto(self.place.url + path)
        assert answer is not None
        assert answer.ok, (path, answer.status)

    def ask(self, path: str) -> Any:
        """Return what the JSON API says to this person."""
        answer = self.context.request.get(f"{self.place.url}/api/v1{path}")
        assert answer.ok, (path, answer.status)
        return answer.json()

    def inspect(self, name: str, rules: Sequence[str] = ()) -> None:
        """Keep a picture of the page; it breaks no rule of axe's (all, or those named) and is no wider than its window."""
        self.page.screenshot(path=self.place.shots / f"{name}.png", full_page=True)
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate(RUN_AXE, list(rules))
        assert found["passed"] > 0, name
        assert not found["faults"], (name, found["faults"])
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"

    def walk(self, name: str) -> None:
        """Tab through a fresh page: each link, button and field is reached, in view, with a ring around it."""
        self.page.route("**/operation/now*", _stand_still)
        stops = self.page.evaluate(NUMBER_STOPS)
        seen: set[int] = set()
        for number in range(stops):
            self.page.keyboard.press("Tab")
            at = self.page.evaluate(LOOK_AT_FOCUS)
            assert at["ring"], (name, at["name"])
            assert at["inside"], (name, at["name"])
            if number == 0:
                assert "skip" in at["name"], (name, at["name"])
            seen.add(at["stop"])
        assert seen == set(range(stops)), (name, stops, sorted(set(range(stops)) - seen))
        self.page.unroute("**/operation/now*")


def _stand_still(route: Route) -> None:
    """Answer a poll with nothing new, so that the page stays as it is."""
    route.fulfill(status=204)


def find_chromium(own: str) -> str:
    """Return the Chromium to run: the one named in the environment, the machine's, or playwright's own; skip without one."""
    named = os.environ.get("TRIALBRIDGE_TEST_CHROMIUM")
    machine = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    found = named or machine or (own if Path(own).exists() else "")
    if not found:
        pytest.skip("no Chromium here: install one, name it in TRIALBRIDGE_TEST_CHROMIUM, or run playwright install")
    return found


@contextlib.contextmanager
def open_portal(folder: Path) -> Iterator[Place]:
    """Yield the portal that a demo opens after its run; afterwards the demo must end in order when asked to."""
    shots = Path(os.environ.get("TRIALBRIDGE_SCREENSHOTS") or folder / "shots")
    shots.mkdir(parents=True, exist_ok=True)
    said = folder / "demo.log"
    command = [sys.executable, "-m", "services.cli", "demo", "--json", "--patients", PATIENTS, "--port", "0"]
    with said.open("wb") as log:
        demo = subprocess.Popen(
            [*command, "--state", str(folder / "state")],
            stdout=log, stderr=log, env=clean_environment(), start_new_session=True,
        )  # fmt: skip
    try:
        wait_until(lambda: OPEN_AT.search(said.read_text()) or demo.poll() is not None)
        found = OPEN_AT.search(said.read_text())
        assert found, said.read_text()[-2000:]
        yield Place(found[1], folder / "state", shots)
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(PATIENCE) == 0
    finally:
        kill(demo)


@contextlib.contextmanager
def sit_down(place: Place, browser: Browser, **look: Any) -> Iterator[Desk]:
    """Yield a browser window; afterwards its console must be empty of errors, its pages of violated policies."""
    context = browser.new_context(**look)
    context.add_init_script(REPORT_VIOLATIONS)
    desk = Desk(place, context, context.new_page())
    desk.page.set_default_timeout(60_000)
    desk.page.on("console", lambda one: desk.faults.append(one.text) if one.type in {"error", "warning"} else None)
    desk.page.on("pageerror", lambda one: desk.faults.append(str(one)))
    try:
        yield desk
    finally:
        context.close()
    assert not desk.faults
