"""The small-cell rule, and an attacker who knows everything that was published."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.access.cells import LARGEST_HIDDEN, SMALL, SMALLEST_SHOWN, WITHHELD, SafeTable, cell, protect, subtotal

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 40), min_size=1, max_size=6)


@pytest.mark.parametrize(("count", "label"), [(0, "0"), (1, SMALL), (10, SMALL), (11, "11"), (1234, "1234")])
def test_zero_and_eleven_are_shown_and_what_lies_between_is_not(count: int, label: str) -> None:
    assert cell(count).label == label
    assert cell(count).value == (None if label == SMALL else count)


def test_a_negative_count_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        cell(-1)


def test_a_single_small_cell_takes_another_one_with_it() -> None:
    table = protect({"a": 4, "b": 30, "c": 50})
    assert {name: shown.label for name, shown in table.cells.items()} == {"a": SMALL, "b": WITHHELD, "c": "50"}
    assert table.total.label == "84"


def test_the_smallest_sufficient_cell_is_withheld() -> None:
    table = protect({"a": 4, "b": 50, "c": 30, "d": 40})
    assert [name for name, shown in table.cells.items() if shown.label == WITHHELD] == ["c"]


def test_the_total_is_withheld_where_no_other_cell_can_hide_it() -> None:
    table = protect({"a": 1, "b": 12})
    assert table.cells["a"].label == SMALL
    assert table.cells["b"].label == "12"
    assert table.total.label == WITHHELD


def test_two_small_cells_that_add_up_to_twenty_are_not_told_by_their_total() -> None:
    table = protect({"a": 10, "b": 10, "c": 40})
    assert table.cells["c"].label == WITHHELD or not table.total.shown


def test_a_small_total_is_hidden_like_any_small_number() -> None:
    assert protect({"a": 3, "b": 0}).total.label == SMALL


@given(COUNTS)
def test_no_small_number_is_ever_published(counts: dict[str, int]) -> None:
    table = protect(counts)
    shown = [one.label for one in [*table.cells.values(), table.total]]
    assert not {str(n) for n in range(1, SMALLEST_SHOWN)} & set(shown)
    assert all(table.cells[name].label == "0" for name, count in counts.items() if count == 0)


def possible(table: SafeTable, name: str) -> set[int]:
    """Return what a hidden small cell may be for an attacker who knows the rule, the shown cells and the total."""
    small = [key for key, one in table.cells.items() if one.label == SMALL]
    withheld = [key for key, one in table.cells.items() if one.label == WITHHELD]
    if table.total.value is None:
        return set(range(1, SMALLEST_SHOWN))
    hidden = table.total.value - sum(one.value or 0 for one in table.cells.values())
    found = set()
    for values in itertools.product(range(1, SMALLEST_SHOWN), repeat=len(small)):
        rest = hidden - sum(values)
        if rest >= SMALLEST_SHOWN * len(withheld) and (withheld or rest == 0):
            found.add(values[small.index(name)])
    return found


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 40), min_size=1, max_size=4))
def test_total_and_shown_cells_tell_nothing_of_a_small_cell(counts: dict[str, int]) -> None:
    table = protect(counts)
    for name, count in counts.items():
        if 0 < count <= LARGEST_HIDDEN:
            assert possible(table, name) == set(range(1, SMALLEST_SHOWN))


@given(COUNTS, st.data())
def test_a_subtotal_splits_no_hidden_cells(counts: dict[str, int], data: st.DataObject) -> None:
    table = protect(counts)
    names = data.draw(st.sets(st.sampled_from(sorted(counts)), min_size=1))
    hidden = {name for name, one in table.cells.items() if not one.shown}
    if subtotal(table, counts, names).shown:
        assert not hidden & names or hidden <= names


def test_a_subtotal_of_shown_cells_is_exact() -> None:
    counts = {"a": 20, "b": 30, "c": 0}
    assert subtotal(protect(counts), counts, ["a", "c"]).value == 20


def test_a_subtotal_of_one_small_cell_and_empty_ones_is_small() -> None:
    counts = {"a": 3, "b": 0, "c": 90, "d": 80}
    assert subtotal(protect(counts), counts, ["a", "b"]).label == SMALL
