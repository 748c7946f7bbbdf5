"""The small-cell rule, and an attacker who knows everything that was published."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.access.cells import SMALL, SMALLEST_SHOWN, WITHHELD, cell, protect, subtotal

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 40), min_size=1, max_size=6)


@pytest.mark.parametrize(("count", "label"), [(0, "0"), (1, SMALL), (10, SMALL), (11, "11"), (1234, "1234")])
def test_zero_and_eleven_are_shown_and_what_lies_between_is_not(count: int, label: str) -> None:
    assert cell(count).label == label
    assert cell(count).value == (None if label == SMALL else count)


def test_a_negative_count_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        cell(-1)


def test_the_total_is_withheld_beside_a_small_cell() -> None:
    table = protect({"a": 4, "b": 30, "c": 50})
    assert {name: shown.label for name, shown in table.cells.items()} == {"a": SMALL, "b": "30", "c": "50"}
    assert table.total.label == WITHHELD
    assert protect({"a": 20, "b": 30, "c": 0}).total.label == "50"


def test_a_small_total_is_hidden_like_any_small_number() -> None:
    assert protect({"a": 3, "b": 0}).total.label == SMALL


@given(COUNTS)
def test_no_small_number_is_ever_published(counts: dict[str, int]) -> None:
    table = protect(counts)
    shown = [one.label for one in [*table.cells.values(), table.total]]
    assert not {str(n) for n in range(1, SMALLEST_SHOWN)} & set(shown)
    assert all(table.cells[name].label == "0" for name, count in counts.items() if count == 0)


def published(counts: tuple[int, ...]) -> tuple[str, ...]:
    """Return everything that is ever shown of some counts: cells, total, and the sum of every part of them."""
    named = dict(zip("abc", counts, strict=False))
    table = protect(named)
    parts = [part for size in (2, 3) for part in itertools.combinations(named, size)]
    sums = [subtotal(table, named, part).label for part in parts]
    return (*(one.label for one in table.cells.values()), table.total.label, *sums)


def test_who_knows_the_rule_and_all_that_is_shown_learns_nothing_of_a_small_cell() -> None:
    seen: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
    for counts in itertools.product((*range(24), 35, 36), repeat=3):
        seen.setdefault(published(counts), []).append(counts)
    for shown, possible in seen.items():
        for place, label in enumerate(shown[:3]):
            if label == SMALL:
                assert {counts[place] for counts in possible} == set(range(1, SMALLEST_SHOWN)), shown


def test_a_subtotal_of_shown_cells_is_exact() -> None:
    counts = {"a": 20, "b": 30, "c": 0}
    assert subtotal(protect(counts), counts, ["a", "c"]).value == 20


def test_a_subtotal_of_one_small_cell_and_empty_ones_is_small() -> None:
    counts = {"a": 3, "b": 0, "c": 90, "d": 80}
    assert subtotal(protect(counts), counts, ["a", "b"]).label == SMALL
