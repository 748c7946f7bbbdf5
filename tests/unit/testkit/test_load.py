"""The load generator makes the demo's shapes, seeded, at any size."""

from itertools import islice

from trialbridge.testkit.load import deliveries, load_bundles
from trialbridge.testkit.places import SOURCES


def test_the_same_seed_gives_the_same_bundles() -> None:
    assert list(load_bundles(60, per_bundle=10)) == list(load_bundles(60, per_bundle=10))
    assert list(load_bundles(20, seed=1)) != list(load_bundles(20, seed=2))


def test_every_source_is_in_it_and_no_bundle_is_broken() -> None:
    bundles = list(load_bundles(120, per_bundle=10))
    assert {bundle.source for bundle in bundles} == {source.id for source in SOURCES}
    assert len({bundle.key for bundle in bundles}) == len(bundles)
    assert not any(bundle.tampered for bundle in bundles)


def test_bundles_come_as_they_fill() -> None:
    assert len(list(islice(load_bundles(1_000_000, per_bundle=5), 3))) == 3


def test_each_patient_comes_from_one_source_once() -> None:
    pairs = [(each.source.id, each.index) for each in deliveries(80)]
    assert len(set(pairs)) == len(pairs)
    assert {index for _, index in pairs} == set(range(80))
