"""Garbage in cycles is looked for seldom, and still found."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from trialbridge.runtime.collector import THRESHOLDS, calm_collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class Knot:
    def __init__(self) -> None:
        self.itself = self


def test_what_was_loaded_is_left_out_and_collections_begin_later() -> None:
    calm_collector()
    assert gc.get_freeze_count() > 1_000
    assert gc.get_threshold() == THRESHOLDS
    assert THRESHOLDS[0] > 700
    assert gc.isenabled()


def test_cycles_made_later_are_still_found() -> None:
    calm_collector()
    knot = weakref.ref(Knot())
    fillers = [[number] for number in range(THRESHOLDS[0] + 1_000)]
    assert knot() is None, len(fillers)
