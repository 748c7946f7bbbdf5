"""The calendar, the files that are read at start, and the service put together."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from services.trialfeed.agents import kinds
from services.trialfeed.bootstrap import build, loops
from services.trialfeed.days import LONGEST_SLEEP, Calendar
from services.trialfeed.files import FileFeed
from services.trialfeed.handlers import Handlers
from services.trialfeed.settings import TrialfeedSettings
from trialbridge.contracts.documents import COMMANDS, REGULATORY, TRIALS, CommandDoc, RegulatoryDoc
from trialbridge.contracts.errors import Misconfigured, Unavailable
from trialbridge.contracts.topics import CALENDAR_DAYS
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.settings import read_settings
from trialbridge.testkit.fakes import ClearSeal, MemoryDocuments, MemoryEmitter, MemoryKeys, MemoryObjects

TRIAL = "id: T-1\ntitle: A\ncriteria:\n  age: {min: 18}\n"


class Clock:
    """A clock that tests turn."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def __call__(self) -> datetime:
        return self.time


def days(emitter: MemoryEmitter) -> list[str]:
    return [one.payload.date for one in emitter.of(CALENDAR_DAYS)]


async def test_a_day_is_told_once_and_the_next_after_midnight_of_the_zone() -> None:
    clock, emitter = Clock(datetime(2026, 6, 1, 21, 59, tzinfo=UTC)), MemoryEmitter()
    calendar = Calendar(clock, "Europe/Berlin")
    assert await calendar.tell(emitter)
    assert not await calendar.tell(emitter)
    clock.time += timedelta(minutes=1)
    assert await calendar.tell(emitter)
    assert days(emitter) == ["2026-06-01", "2026-06-02"]
    assert [one.payload.zone for one in emitter.of(CALENDAR_DAYS)] == ["Europe/Berlin"] * 2


async def test_a_fixed_day_stays() -> None:
    clock, emitter = Clock(datetime(2030, 1, 1, tzinfo=UTC)), MemoryEmitter()
    calendar = Calendar(clock, as_of=date(2026, 6, 1))
    await calendar.tell(emitter)
    clock.time += timedelta(days=3)
    await calendar.tell(emitter)
    assert days(emitter) == ["2026-06-01"]


async def test_a_day_that_could_not_be_sent_is_told_later() -> None:
    emitter = MemoryEmitter()
    calendar = Calendar(Clock(datetime(2026, 6, 1, tzinfo=UTC)))
    emitter.outage.calls = 1
    with pytest.raises(Unavailable):
        await calendar.tell(emitter)
    assert await calendar.tell(emitter)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (datetime(2026, 6, 1, 23, 59, 50, tzinfo=UTC), 10.0),
        (datetime(2026, 6, 1, 12, tzinfo=UTC), LONGEST_SLEEP),
        (datetime(2026, 6, 1, 23, 59, 59, 999_999, tzinfo=UTC), 0.01),
    ],
)
def test_sleep_ends_at_midnight(now: datetime, left: float) -> None:
    assert Calendar(Clock(now)).until_next() == pytest.approx(left)


def test_midnight_is_right_on_the_day_that_the_clocks_change() -> None:
    # Berlin, 2026-03-29: 23 hours long; half a minute before its end it is 21:59:30 UTC.
    clock = Clock(datetime(2026, 3, 29, 21, 59, 45, tzinfo=UTC))
    assert Calendar(clock, "Europe/Berlin").until_next() == pytest.approx(15.0)


def settings(**given: object) -> TrialfeedSettings:
    return read_settings(TrialfeedSettings, **given)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    trials = tmp_path / "trials"
    trials.mkdir()
    (trials / "a.yaml").write_text(TRIAL)
    (trials / "b.yml").write_text("nonsense: [")
    (trials / "c.json").write_text('{"id": "T-3", "criteria": {"age": {"min": 1}}}')
    (trials / "d.yaml").write_bytes(b"\xff\xfe")
    (trials / "notes.txt").write_text("not a trial")
    return trials


def ports(documents: MemoryDocuments, clock: Clock) -> ServicePorts:
    return ServicePorts(documents, MemoryObjects(), MemoryKeys(), ClearSeal(), clock)


async def start(given: TrialfeedSettings, documents: MemoryDocuments, emitter: MemoryEmitter) -> None:
    """Run all loops until the day has been told and no command waits."""
    clock = Clock(datetime(2026, 6, 1, tzinfo=UTC))
    running = [asyncio.ensure_future(loop(emitter)) for loop in loops(given, ports(documents, clock))]
    while not days(emitter) or await documents.count(COMMANDS, {"status": "requested"}) != {"": 0}:
        await asyncio.sleep(0.005)
        for one in running:
            if one.done():
                one.result()
    for one in running:
        one.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_files_are_registered_at_start_good_ones_whatever_the_bad_ones(folder: Path) -> None:
    documents, emitter = MemoryDocuments(), MemoryEmitter()
    given = settings(trial_folders=[folder], as_of="2026-06-01", poll_interval=0.005)
    await start(given, documents, emitter)
    assert set(await documents.all(TRIALS)) == {"T-1", "T-3"}
    commands = (await documents.all(COMMANDS)).values()
    assert sorted(one.status for one in commands) == ["done", "done", "refused", "refused"]
    assert days(emitter) == ["2026-06-01"]


async def test_a_restart_takes_in_what_changed_and_undoes_nothing(folder: Path) -> None:
    documents, now = MemoryDocuments(), Clock(datetime(2026, 6, 1, tzinfo=UTC))
    feed = FileFeed(documents, now, [folder])
    assert await feed.take_in() == 4
    assert await feed.take_in() == 0
    (folder / "a.yaml").write_text(TRIAL.replace("18", "21"))
    assert await feed.take_in() == 1
    (folder / "a.yaml").write_text(TRIAL)
    assert await feed.take_in() == 1  # going back is a change as well
    assert len(await documents.all(COMMANDS)) == 6


async def test_regulatory_statements_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "regulatory.yaml"
    path.write_text("- {trial: T-1, approved: true, authority: Board}\n- {trial: T-2, approved: true, hold: true}\n")
    documents, now = MemoryDocuments(), Clock(datetime(2026, 6, 1, tzinfo=UTC))
    feed = FileFeed(documents, now, regulatory=path)
    assert await feed.take_in() == 2
    assert await feed.take_in() == 0
    assert {one.kind for one in (await documents.all(COMMANDS)).values()} == {"set_regulatory"}


@pytest.mark.parametrize("text", ["[", "trial: T-1", "- {trial: T-1}", "- {trial: T-1, approved: maybe}", "- 3"])
async def test_a_regulatory_file_that_cannot_be_read_stops_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "regulatory.yaml"
    path.write_text(text)
    feed = FileFeed(MemoryDocuments(), Clock(datetime(2026, 6, 1, tzinfo=UTC)), regulatory=path)
    with pytest.raises(Misconfigured, match="TRIALBRIDGE_REGULATORY_FILE"):
        await feed.take_in()


async def test_a_folder_that_is_none_stops_the_start(tmp_path: Path) -> None:
    feed = FileFeed(MemoryDocuments(), Clock(datetime(2026, 6, 1, tzinfo=UTC)), [tmp_path / "absent"])
    with pytest.raises(Misconfigured, match="TRIALBRIDGE_TRIAL_FOLDERS"):
        await feed.take_in()


def test_wrong_settings_say_which_and_how() -> None:
    with pytest.raises(Misconfigured, match="TRIALBRIDGE_ZONE"):
        settings(zone="Mars/Olympus")
    with pytest.raises(Misconfigured, match="TRIALBRIDGE_AS_OF"):
        settings(as_of="June")


def test_the_stage_only_produces(tmp_path: Path) -> None:
    given = settings(broker=f"trialbridge-embedded://{tmp_path}/log.db")
    stage = build(given, ports(MemoryDocuments(), Clock(datetime(2026, 6, 1, tzinfo=UTC))))
    assert stage.name == "trialfeed"
    assert stage.handlers == {}
    assert len(stage.background) == 2
    stage._datadir.cleanup()


async def test_a_refused_file_is_logged_with_code_file_and_line_and_nothing_of_its_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad.yaml").write_text("id: T-1\ntitle: A\ncriteria:\n  age: {minn: 18}\n")
    documents = MemoryDocuments()
    await documents.upsert(REGULATORY, [RegulatoryDoc(id="T-9", version=1, approved=True, hold=False)])
    statements = tmp_path / "statements" / "regulatory.yaml"
    statements.parent.mkdir()
    statements.write_text("- {trial: T-9, approved: false, seq: 1}\n")
    given = settings(trial_folders=[tmp_path], regulatory_file=statements, as_of="2026-06-01", poll_interval=0.005)
    with caplog.at_level("INFO", "trialbridge.trialfeed"):
        await start(given, documents, MemoryEmitter())
    told = {(one.__dict__["kind"], one.__dict__["code"], one.__dict__["place"]) for one in caplog.records}
    assert told == {
        ("register_trial", "trial.unknown-key", "bad.yaml:4"),
        ("set_regulatory", "regulatory.seq-used", "T-9"),
    }
    assert "minn" not in caplog.text


async def test_what_a_person_asked_for_and_was_refused_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    stage = Handlers(MemoryDocuments(), Clock(datetime(2026, 6, 1, tzinfo=UTC)))
    body = msgspec.Raw(b'{"text":"nonsense: [","name":"mine.yaml"}')
    asked = CommandDoc(id="c", version=1, to="trialfeed", kind="register_trial", tenant="aurora", actor="a", body=body)
    answer = await kinds(stage)["register_trial"](asked, MemoryEmitter())
    assert answer.refused is not None
    assert not caplog.records
