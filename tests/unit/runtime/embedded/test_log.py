"""The embedded log: durable before it is seen, in order, bounded, one owner, usable after any end."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from trialbridge.contracts.errors import Misconfigured, Unavailable
from trialbridge.runtime.embedded import log as log_module
from trialbridge.runtime.embedded.log import Log
from trialbridge.runtime.embedded.storage import LogTopic, Record, Storage

EVENTS = LogTopic("events", 2, compacted=False, retention_ms=60_000)
STATE = LogTopic("state", 1, compacted=True, retention_ms=None)
NOW = 2_000_000_000.0
"""After the real time, so that nothing expires by itself."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "log.db"


@pytest.fixture
async def log(path: Path) -> AsyncIterator[Log]:
    opened = Log.acquire(path)
    await opened.create([EVENTS, STATE])
    yield opened
    while opened._users:
        await opened.release()


async def put(log: Log, *values: bytes, partition: int = 0, key: bytes = b"k") -> None:
    receipts = [await log.append("events", partition, key, value, (), NOW) for value in values]
    await asyncio.gather(*receipts)


async def values(log: Log, partition: int = 0, offset: int = 0) -> list[bytes | None]:
    found: list[bytes | None] = []
    while records := (await log.read({("events", partition): offset})).get(("events", partition)):
        found += [record.value for record in records]
        offset = records[-1].offset + 1
    return found


async def test_a_record_is_seen_only_when_it_is_durable(log: Log, path: Path) -> None:
    receipt = await log.append("events", 0, b"k", b"v", (("h", b"1"),), NOW)
    assert log.end(("events", 0)) == 0
    assert await values(log) == []
    assert (await receipt).offset == 0
    other = Storage(path, read_only=True)
    [record] = other.read({("events", 0): 0}, {("events", 0): 1})[("events", 0)]
    other.close()
    assert record == Record("events", 0, 0, NOW, b"k", b"v", [("h", b"1")])
    assert await values(log) == [b"v"]


async def test_records_of_a_partition_keep_their_order_and_partitions_are_apart(log: Log) -> None:
    await asyncio.gather(*(put(log, *(b"%d" % n for n in range(300)), partition=part) for part in (0, 1)))
    for part in (0, 1):
        assert await values(log, part) == [b"%d" % n for n in range(300)]
        assert await values(log, part, 299) == [b"299"]


async def test_sends_of_one_turn_are_committed_together(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    write = log._writer.write

    def counted(records: list[Record], positions: list[tuple[str, str, int, int]]) -> None:
        groups.append(len(records))
        write(records, positions)

    monkeypatch.setattr(log._writer, "write", counted)
    await put(log, *(b"%d" % n for n in range(500)))
    assert groups == [500]


async def test_reads_beyond_the_memory_come_from_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "TAIL_BYTES", 4_000)
    log = Log.acquire(path)
    await log.create([EVENTS])
    await put(log, *(b"%d" % n for n in range(1_000)))
    assert await values(log) == [b"%d" % n for n in range(1_000)]
    assert sum(len(held) for held in log._tail._records.values()) < 20
    await log.release()


async def test_senders_wait_while_too_much_is_pending(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "PENDING_BYTES", 1_000)
    held: list[int] = []

    async def send() -> None:
        for _ in range(50):
            await log.append("events", 0, b"k", b"x" * 400, (), NOW)
            held.append(log._pending_bytes)

    await send()
    await log.flush()
    assert max(held) <= 1_000 + 401
    assert len(await values(log)) == 50


async def test_what_was_committed_is_there_after_the_process_was_killed(path: Path) -> None:
    script = (
        "import asyncio, sys, os, signal\n"
        "from pathlib import Path\n"
        "from trialbridge.runtime.embedded.log import Log\n"
        "from trialbridge.runtime.embedded.storage import LogTopic\n"
        "async def main():\n"
        "    log = Log.acquire(Path(sys.argv[1]))\n"
        "    await log.create([LogTopic('events', 2, False, None)])\n"
        "    for n in range(1000):\n"
        "        await (await log.append('events', 0, b'k', b'%d' % n, (), 1.0))\n"
        "        print(n, flush=True)\n"
        "        if n == 200: os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script, str(path)], capture_output=True, check=False
    )
    acknowledged = [int(line) for line in run.stdout.split()]
    assert (run.returncode, acknowledged[-1]) == (-9, 200)
    log = Log.acquire(path)
    assert (await values(log))[: len(acknowledged)] == [b"%d" % n for n in acknowledged]
    assert (await (await log.append("events", 0, b"k", b"next", (), NOW))).offset == log.end(("events", 0)) - 1
    await log.release()


async def test_a_second_process_is_told_who_owns_the_log_and_what_to_do(log: Log, path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from trialbridge.contracts.errors import Misconfigured\n"
        "from trialbridge.runtime.embedded.log import Log\n"
        "try:\n    Log.acquire(Path(sys.argv[1]))\n"
        "except Misconfigured as error:\n    print(error.code, error.message)\n"
    )
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script, str(path)], capture_output=True, check=True, text=True
    )
    assert run.stdout.startswith("log.in-use ")
    assert str(path) in run.stdout
    assert "TRIALBRIDGE_BROKER" in run.stdout


async def test_users_of_one_path_share_one_log_and_the_last_closes_it(path: Path) -> None:
    first = Log.acquire(path)
    assert Log.acquire(path.parent / ".." / "state" / "log.db") is first
    await first.release()
    await first.create([EVENTS])
    await put(first, b"v")
    await first.release()
    with pytest.raises(Unavailable):
        await first.append("events", 0, b"k", b"v", (), NOW)
    again = Log.acquire(path)
    assert again is not first
    assert await values(again) == [b"v"]
    await again.release()


async def test_a_user_who_comes_while_the_last_one_leaves_finds_it_open(log: Log, path: Path) -> None:
    await log.append("events", 0, b"k", b"v", (), NOW)
    leaving = asyncio.create_task(log.release())
    await asyncio.sleep(0)
    assert Log.acquire(path) is log
    await leaving
    await put(log, b"w")
    assert await values(log) == [b"v", b"w"]


async def test_a_folder_that_cannot_be_written_and_a_file_that_is_no_log_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "other.db").write_bytes(b"this is no database" * 100)
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    for path, code in (
        (tmp_path / "file" / "log.db", "log.unusable"),
        (tmp_path / "other.db", "log.unusable"),
        (newer, "log.other-version"),
    ):
        with pytest.raises(Misconfigured) as refused:
            Log.acquire(path)
        assert refused.value.code == code
        assert str(path) in refused.value.message


async def test_a_full_disk_is_a_passing_fault_and_nothing_is_seen_of_it(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = log._writer.write
    faults = iter([True, False])

    def fail(records: list[Record], positions: list[tuple[str, str, int, int]]) -> None:
        if next(faults):
            raise sqlite3.OperationalError("database or disk is full")
        write(records, positions)

    monkeypatch.setattr(log._writer, "write", fail)
    with pytest.raises(Unavailable):
        await (await log.append("events", 0, b"k", b"lost", (), NOW))
    assert await values(log) == []
    await put(log, b"again")
    assert await values(log) == [b"again"]


async def test_positions_are_kept_by_group(log: Log, path: Path) -> None:
    await log.commit("one", {("events", 0): 3})
    await log.commit("two", {("events", 0): 5})
    await log.commit("one", {("events", 0): 4, ("events", 1): 1})
    assert await log.positions("one") == {("events", 0): 4, ("events", 1): 1}
    assert await log.positions("two") == {("events", 0): 5}


async def test_topics_are_created_once_and_never_change_their_partitions(log: Log) -> None:
    assert await log.create([EVENTS, LogTopic("more", 3, compacted=False, retention_ms=None)]) == ["more"]
    assert await log.create([EVENTS]) == []
    with pytest.raises(Misconfigured) as refused:
        await log.create([LogTopic("events", 3, compacted=False, retention_ms=None)])
    assert refused.value.code == "topics.partitions-differ"
    for topic, partition in (("nowhere", 0), ("events", 2)):
        with pytest.raises(Misconfigured):
            await log.append(topic, partition, b"k", b"v", (), NOW)


async def test_cleaning_comes_by_itself_and_keeps_the_newest_of_each_key(path: Path) -> None:
    log = Log.acquire(path)
    await log.create([STATE])
    for number in range(20):
        for key in (b"a", b"b"):
            await log.append("state", 0, key, b"%d" % number, (), NOW)
    await log.flush()
    records = log._reader.read({("state", 0): 0}, {("state", 0): 99})[("state", 0)]
    assert [(r.key, r.value) for r in records] == [(b"a", b"19"), (b"b", b"19")]
    await log.release()


def damage(path: Path) -> None:
    """Overwrite all pages after the first."""
    page = 4096
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(page)
        file.write(b"\xa5" * (size - page))


async def test_a_damaged_file_says_so_and_what_to_do(path: Path) -> None:
    log = Log.acquire(path)
    await log.create([EVENTS, STATE])
    await put(log, *[b"x" * 1000] * 50)
    await log.release()
    damage(path)
    with pytest.raises(Misconfigured) as refused:
        await Log.acquire(path).release()
    assert refused.value.code == "log.broken"
    assert str(path) in refused.value.message
    assert "backup" in refused.value.message
    # The lock was given up with it.
    with pytest.raises(Misconfigured) as again:
        Log.acquire(path)
    assert again.value.code == "log.broken"


async def test_a_page_that_is_damaged_under_way_stops_those_who_need_it(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = sqlite3.DatabaseError("canary")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT_INDEX

    def fail(*_: object) -> None:
        raise error

    await put(log, b"v")
    monkeypatch.setattr(log._writer, "write", fail)
    monkeypatch.setattr(log._writer, "create", fail)
    for name in ("read", "positions", "starts"):
        monkeypatch.setattr(log._reader, name, fail)
    for asked in (
        log.positions("one"),
        log.starts(),
        log.create([LogTopic("new", 1, compacted=False, retention_ms=1)]),
    ):
        with pytest.raises(Misconfigured) as refused:
            await asked
        assert refused.value.code == "log.broken"
    with pytest.raises(Misconfigured, match=r"log\.broken"):
        await (await log.append("events", 0, b"k", b"v", (), NOW))
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    with pytest.raises(Unavailable):
        await log.starts()


def opened_to_others(path: Path) -> None:
    """Make the file and its lock as an older version made them."""
    path.parent.mkdir(parents=True)
    Storage(path).close()
    path.chmod(0o644)
    path.with_name("log.db.lock").touch(0o644)


@pytest.mark.parametrize("before", [False, True], ids=["new", "open to others before"])
async def test_the_file_and_all_beside_it_are_its_owners_alone(path: Path, before: bool) -> None:
    old = os.umask(0o022)
    try:
        if before:
            opened_to_others(path)
        log = Log.acquire(path)
        await log.create([EVENTS])
        await put(log, b"v")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        await log.release()
    finally:
        os.umask(old)
    assert modes == dict.fromkeys(("log.db", "log.db-wal", "log.db-shm", "log.db.lock"), 0o600)
