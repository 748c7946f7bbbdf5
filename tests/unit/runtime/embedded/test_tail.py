"""The tail of the log in memory gives what the file would give, or says that it cannot."""

from hypothesis import given
from hypothesis import strategies as st

from trialbridge.runtime.embedded.storage import Record
from trialbridge.runtime.embedded.tail import OVERHEAD, Tail

ADDED = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 300), st.integers(1, 3)), max_size=60)


@given(ADDED, st.integers(0, 20_000))
def test_it_holds_the_newest_of_all_partitions_and_never_a_hole(added: list[tuple[int, int, int]], limit: int) -> None:
    tail = Tail(limit)
    all_records: dict[int, list[Record]] = {0: [], 1: [], 2: []}
    for partition, size, step in added:
        # A step above one is what a failed write leaves.
        offset = all_records[partition][-1].offset + step if all_records[partition] else 0
        record = Record("t", partition, offset, 0.0, None, b"x" * size)
        all_records[partition].append(record)
        tail.add(record)
    held = 0
    for partition, records in all_records.items():
        for offset in range(records[-1].offset + 2 if records else 1):
            found = tail.read(("t", partition), offset)
            if found is not None:
                assert found == [record for record in records if record.offset >= offset]
        whole = [record for record in records if tail.read(("t", partition), record.offset) is not None]
        assert whole == records[len(records) - len(whole) :]
        held += sum(OVERHEAD + len(record.value or b"") for record in whole)
    assert held <= limit
