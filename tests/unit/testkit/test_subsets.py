"""The promise of the synthetic data: who is eligible by a part of the records is eligible by all of them."""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

import pytest

from tests.unit.testkit.assembling import eligible, facts_from, received
from trialbridge.contracts.events import RecordsReceived
from trialbridge.testkit.world import SEED, World, make_world

LATER = "T12:"
"""The second wave brings news that may take an eligibility back; what it leaves out is judged by the first wave."""


def histories(world: World) -> Iterator[list[RecordsReceived]]:
    for history in world.histories:
        yield [received(world, each) for each in world.of_patient(history.person.index)]


def whole(part: Sequence[RecordsReceived], everything: Sequence[RecordsReceived]) -> Sequence[RecordsReceived]:
    """Return the deliveries that a part belongs to: all, or the first wave where the part has none of the second."""
    first = [one for one in everything if LATER not in one.received]
    return everything if any(LATER in one.received for one in part) or not first else first


@pytest.mark.parametrize("seed", [SEED, 11])
def test_no_part_of_the_records_is_eligible_where_the_whole_is_not(seed: int) -> None:
    parts = 0
    for everything in histories(make_world(seed=seed)):
        for size in range(1, len(everything)):
            for part in combinations(everything, size):
                parts += 1
                assert eligible(part) <= eligible(whole(part, everything)), [one.source for one in part]
    assert parts > 300


def test_every_order_of_a_patients_deliveries_gives_the_same_facts() -> None:
    orders = 0
    for everything in histories(make_world(patients=60)):
        expected = facts_from(everything)
        for order in permutations(everything):
            orders += 1
            assert facts_from(order) == expected
    assert orders > 150


def test_a_delivery_that_comes_again_changes_nothing() -> None:
    for everything in histories(make_world(patients=40)):
        expected = facts_from(everything)
        assert facts_from([*everything, *everything]) == expected
        assert facts_from([*everything, everything[0]]) == expected
