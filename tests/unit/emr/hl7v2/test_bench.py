"""The messages that are measured are whole, and what is measured is all of it."""

import pytest

from trialbridge.testkit.v2_bench import admission, converted, rates, report


@pytest.mark.parametrize("make", [admission, report])
def test_the_measured_messages_convert_without_a_fault(make: object) -> None:
    assert callable(make)
    found = converted(make(1, 1_500) + make(2, 8_000))
    assert found.set_aside == ()
    assert len(found.patients) == 2
    leaves = found.account["leaves"]
    assert leaves["unaccounted"] == 0


def test_a_row_for_each_kind_and_size() -> None:
    found = rates((1_500,), rounds=1)
    assert [row["kind"] for row in found] == ["ADT", "ORU"]
    assert all(row["per_second"] > 0 and row["bytes"] >= 1_500 for row in found)
