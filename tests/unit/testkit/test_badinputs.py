"""The bad inputs: many, of every class, the same for the same seed; what they are made of is good before it is spoilt."""

from collections import Counter
from typing import get_args

import msgspec

from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.criteria.compiler import compile_text
from trialbridge.emr.convert import convert
from trialbridge.emr.records import Entry, Feed
from trialbridge.testkit.badinputs import bad_inputs, good, trials
from trialbridge.testkit.badinputs.model import Asked, Bundle, Group, Message

SOON = "2026-06-01T06:00:00Z"
FEED = Feed(NetworkId("n"), TenantId("t"), SourceId("t/s"), SOON)


def content(seed: int) -> list[tuple[str, bytes]]:
    """Return what each input is made of, as far as it does not come from a key ring."""
    found = []
    for one in bad_inputs(seed, SOON):
        given = one.given
        body = given.plain if isinstance(given, Bundle) else given.body if isinstance(given, Asked) else given.value
        found.append((f"{one.group}: {one.name}", body))
    return found


def test_hundreds_of_every_class_each_with_a_name_of_its_own() -> None:
    made = bad_inputs(7, SOON)
    assert len(made) >= 600
    assert len({(one.group, one.name) for one in made}) == len(made)
    counts = Counter(one.group for one in made)
    assert counts.keys() == set(get_args(Group))
    assert min(counts.values()) >= 3


def test_the_same_seed_gives_the_same_inputs_and_another_one_others() -> None:
    assert content(7) == content(7)
    assert content(7) != content(8)


def test_every_input_has_an_end_and_only_bundles_hold_good_patients() -> None:
    for one in bad_inputs(7, SOON):
        assert one.faults or one.shown == "redeemed", one.name
        assert all(fault.code == fault.code.lower() and "." in fault.code for fault in one.faults)
        assert not (one.good and isinstance(one.given, Asked | Message))


def test_trials_compile_before_they_are_spoilt() -> None:
    for base in (trials.BASE, trials.CTML):
        compiled = compile_text(msgspec.json.encode(base))
        assert compiled.ok, compiled.diagnostics


def test_good_patients_are_good() -> None:
    files = (("application/fhir+ndjson", good.lines("7")), (good.HL7V2, good.v2(good.segments("7"))))
    for media, body in files:
        found = convert([Entry("1", media, body)], FEED)
        assert not found.set_aside
        assert [one.local_patient for one in found.patients] == ["7"]
