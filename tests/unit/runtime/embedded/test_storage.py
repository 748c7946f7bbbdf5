"""Laws of cleaning: compaction never changes what a reader ends up with, expiry removes only a front, offsets go on."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from trialbridge.runtime.embedded.storage import READ_RECORDS, LogTopic, Record, Storage

SPOT = ("t", 0)
CHANGES = st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.none() | st.binary(max_size=3)), max_size=40)


def filled(folder: str, changes: list[tuple[bytes, bytes | None]]) -> Storage:
    storage = Storage(Path(folder) / "log.db")
    storage.create([LogTopic("t", 1, compacted=True, retention_ms=None)])
    storage.write([Record(*SPOT, n, float(n), key, value) for n, (key, value) in enumerate(changes)], [])
    return storage


def all_of(storage: Storage) -> list[Record]:
    return storage.read({SPOT: 0}, {SPOT: 10_000})[SPOT]


def state(records: list[Record]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for record in records:
        assert record.key is not None
        if record.value is None:
            found.pop(record.key, None)
        else:
            found[record.key] = record.value
    return found


@given(CHANGES, st.integers(0, 40), st.floats(0, 50))
def test_a_reader_ends_with_the_same_state_wherever_compaction_met_it(
    changes: list[tuple[bytes, bytes | None]], met: int, deleted_before: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = filled(folder, changes)
        before = all_of(storage)
        # Deletions that the reader may still have to see are kept for a day; here: those after the point where it is.
        storage.compact("t", 0, min(deleted_before, float(met)))
        after = all_of(storage)
        storage.close()
    assert state(after) == state(before)
    assert state(before[:met] + [record for record in after if record.offset >= met]) == state(before)
    assert {record.offset for record in after} <= {record.offset for record in before}


@given(CHANGES)
def test_compaction_twice_is_compaction_once_and_offsets_go_on(changes: list[tuple[bytes, bytes | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = filled(folder, changes)
        storage.compact("t", 0, 1e9)
        once, end = all_of(storage), storage.ends()[SPOT]
        assert storage.compact("t", 0, 1e9) == 0
        assert all_of(storage) == once
        storage.close()
    assert end == len(changes)
    assert len(once) <= len({key for key, _ in changes}) + 1


@given(st.integers(0, 30), st.integers(0, 40))
def test_expiry_removes_a_front_and_never_the_last(count: int, before: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = filled(folder, [(b"a", b"v")] * count)
        gone = storage.expire("t", 0, float(before))
        left = [record.offset for record in all_of(storage)]
        starts, ends = storage.starts()[SPOT], storage.ends()[SPOT]
        storage.close()
    assert left == list(range(min(before, max(count - 1, 0)), count))
    assert gone == count - len(left)
    assert (starts, ends) == (left[0] if left else 0, count)


def test_one_read_takes_a_bounded_number_of_records_and_bytes(tmp_path: Path) -> None:
    storage = filled(str(tmp_path), [(b"a", b"v")] * (READ_RECORDS + 5))
    assert len(all_of(storage)) == READ_RECORDS
    start = READ_RECORDS + 5
    storage.write([Record(*SPOT, start + n, 0.0, b"a", b"x" * 900_000) for n in range(5)], [])
    large = storage.read({SPOT: start}, {SPOT: 10_000})[SPOT]
    storage.close()
    assert [record.offset for record in large] == [start, start + 1, start + 2]
