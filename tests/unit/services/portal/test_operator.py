"""The operator's page: what went wrong where nobody else would see it, and what can be done about it."""

import re
from pathlib import Path
from typing import Any

from services.trialfeed.agents import kinds
from services.trialfeed.files import FileFeed
from services.trialfeed.handlers import Handlers
from trialbridge.runtime.commands import CommandDesk
from trialbridge.testkit.fakes import MemoryEmitter

House = Any
NORTH, OPERATOR = 0, 4


async def take_in(house: House, folder: Path) -> None:
    """Start the trial feed on a folder of trial files, as far as these go."""
    await FileFeed(house.documents, house.clock, [folder]).take_in()
    stage = Handlers(house.documents, house.clock)
    await CommandDesk(house.documents, "trialfeed", 1, kinds(stage), house.clock).carry_out(MemoryEmitter())


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
