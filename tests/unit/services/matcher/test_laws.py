from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.services.matcher.world import (
    AGED,
    ARMS,
    LUNG,
    RECENT,
    Matcher,
    born,
    cancer,
    consent,
    covered,
    day,
    ecog,
    kras,
    later,
    trial,
    versions,
)
from trialbridge.contracts.events import MatchChanged

people = st.sampled_from(["pat_1", "pat_2", "pat_3"])
facts_of = st.lists(
    st.sampled_from(
        [
            born("1959-06-01"),
            born("2015-01-01"),
            cancer("LUAD"),
            cancer("BRCA"),
            ecog(1),
            ecog(3, "2026-05-20"),
            kras(),
            kras("p.G12D"),
            covered(),
            consent("permit"),
            consent("deny", "2026-01-01"),
        ]
    ),
    max_size=7,
).map(tuple)
histories = st.dictionaries(people, st.lists(facts_of, min_size=1, max_size=3), max_size=3)
texts = {"LUNG": LUNG, "ARMS": ARMS, "AGED": AGED, "RECENT": RECENT}
programmes = st.lists(st.sampled_from(sorted(texts)), unique=True, min_size=1)


@settings(max_examples=60)
@given(histories, programmes, st.booleans(), st.integers(0, 2**16))
async def test_any_order_with_repeats_and_restarts_comes_to_the_same_matches(
    contents: dict[str, list[Any]], names: list[str], amended: bool, seed: int
) -> None:
    views = [one for patient, facts in contents.items() for one in versions(patient, *facts)]
    trials = [trial(texts[name]) for name in names]
    if amended:
        trials.append(trial(texts[names[0]].replace("max: 1", "max: 3"), 2))
    expected = (await Matcher().say(day(), *trials, *views)).live()
    noise = Random(seed)
    everything: list[Any] = [day(), *trials, *views]
    everything += noise.sample(everything, len(everything) // 2)
    noise.shuffle(everything)
    found = Matcher()
    live: dict[tuple[str, str, str | None, str | None], MatchChanged] = {}
    for one in everything:
        await found.say(one)
        for said in found.heard():
            spot = (said.patient, said.trial, said.arm, said.dose)
            if spot not in live or live[spot].seq <= said.seq:
                live[spot] = said
        if noise.random() < 0.3:
            found = found.restarted()
    assert {
        one.match: (one.outcome, one.explanation_digest, one.consent, one.tenants)
        for one in live.values()
        if one.event != "withdrawn"
    } == expected


@settings(max_examples=30)
@given(histories, st.integers(0, 2**16))
async def test_incremental_is_as_good_as_from_scratch(contents: dict[str, list[Any]], seed: int) -> None:
    trials = [trial(text) for text in texts.values()]
    views = [one for patient, facts in contents.items() for one in versions(patient, *facts)]
    found = await Matcher().say(day(), *trials, *views)
    last = {one.patient: one for one in views}
    scratch = await Matcher().say(day(), *trials, *(msgspec.structs.replace(one, version=1) for one in last.values()))
    assert found.live() == scratch.live()


@settings(max_examples=30)
@given(histories, st.lists(st.integers(1, 400), max_size=4))
async def test_following_timers_is_as_good_as_looking_at_everybody(
    contents: dict[str, list[Any]], days: list[int]
) -> None:
    trials = [trial(text) for text in texts.values()]
    views = [one for patient, facts in contents.items() for one in versions(patient, *facts)]
    found = await Matcher().say(day(), *trials, *views, *(later(one) for one in sorted(days)))
    fresh = await Matcher().say(later(max(days, default=0)), *trials, *views)
    assert found.live() == fresh.live()
