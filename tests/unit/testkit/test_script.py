"""The demo's script: its order, and that mixing deliveries moves nothing else."""

from trialbridge.testkit.demo_script import demo_script, own_script
from trialbridge.testkit.feeds import pack_bundles
from trialbridge.testkit.own_words import OWN_WORDS, PERFORMANCE, SPEAKER
from trialbridge.testkit.script import (
    AcceptCode,
    Deliver,
    RegisterTrial,
    Script,
    Send,
    SetRegulatory,
    SetTrialStatus,
    Step,
    shuffled,
)
from trialbridge.testkit.trials import CLOSING, HELD, LIFTED, STOPPED, demo_trials, open_data_trials
from trialbridge.testkit.world import World, make_world

WORLD: World = make_world(patients=40)


def kinds(step: Step) -> set[type]:
    return {type(action) for action in step.actions}


def waves(script: Script) -> list[set[str]]:
    return [{a.bundle.wave for a in step.actions if isinstance(a, Deliver)} for step in script.steps]


def test_trials_come_first_then_two_waves_then_what_authorities_change() -> None:
    script = demo_script(WORLD)
    assert [kinds(step) for step in script.steps] == [
        {RegisterTrial, SetRegulatory},
        {Deliver},
        {AcceptCode},
        {Deliver, Send},
        {SetTrialStatus, SetRegulatory},
    ]
    assert waves(script) == [set(), {"initial"}, set(), {"update"}, set()]


def test_one_practice_sends_its_news_message_by_message_and_all_else_is_bundled() -> None:
    script = demo_script(WORLD)
    actions = [action for step in script.steps for action in step.actions]
    sent = [a.bundle for a in actions if isinstance(a, Send)]
    news = [each for each in WORLD.deliveries if each.wave == "update"]
    expected = [message for each in news if each.source is SPEAKER for message in each.messages]
    assert [one.body.count(b"MSH|") for one in sent] == [1] * len(expected)
    assert len(expected) > 1
    assert script.senders == ((SPEAKER.tenant, SPEAKER.id),)
    left = {each.source.id for each in news} - {SPEAKER.id}
    assert {a.bundle.source for a in actions if isinstance(a, Deliver) and a.bundle.wave == "update"} == left
    delivered = len([one for one in pack_bundles(WORLD) if (one.source, one.wave) != (SPEAKER.id, "update")])
    assert script.bundles == delivered + len(sent)


def test_the_practice_explains_one_of_its_codes_after_its_records_hold_it() -> None:
    script = demo_script(WORLD)
    assert script.steps[2].actions == (AcceptCode(SPEAKER.tenant, SPEAKER.id, PERFORMANCE.local, PERFORMANCE.target),)
    assert len(OWN_WORDS) == 6


def test_one_trial_closes_one_is_held_and_one_hold_is_lifted() -> None:
    script = demo_script(WORLD)
    first = {a.status.trial: a.status for a in script.steps[0].actions if isinstance(a, SetRegulatory)}
    last = {a.status.trial: a.status for a in script.steps[-1].actions if isinstance(a, SetRegulatory)}
    assert {trial for trial, said in first.items() if said.hold} == set(HELD)
    assert [(a.trial, a.status) for a in script.steps[-1].actions if isinstance(a, SetTrialStatus)] == [
        (CLOSING, "closed")
    ]
    assert {trial: said.hold for trial, said in last.items()} == {STOPPED: True, LIFTED: False}
    assert all(said.seq > first[trial].seq for trial, said in last.items())


def test_the_same_world_gives_the_same_script() -> None:
    assert demo_script(make_world(patients=40)) == demo_script(WORLD)


def test_shuffling_only_moves_deliveries_inside_their_step() -> None:
    script = demo_script(WORLD)
    mixed = shuffled(script, 5)
    assert [kinds(step) for step in mixed.steps] == [kinds(step) for step in script.steps]
    assert waves(mixed) == waves(script)
    for number in (1, 3):
        before, after = script.steps[number], mixed.steps[number]
        keys, moved = _keys(before), _keys(after)
        assert sorted(moved) == sorted(keys)
        assert moved != keys
    assert shuffled(script, 5) == mixed
    assert [mixed.steps[number] for number in (0, 2, 4)] == [script.steps[number] for number in (0, 2, 4)]


def _keys(step: Step) -> list[str]:
    return [action.bundle.key for action in step.actions if isinstance(action, Deliver | Send)]


def test_ones_own_trials_and_records_make_a_script_of_two_steps() -> None:
    bundles = pack_bundles(WORLD)[:3]
    script = own_script(bundles, open_data_trials())
    assert [kinds(step) for step in script.steps] == [{RegisterTrial, SetRegulatory}, {Deliver}]
    assert script.bundles == 3
    approved = [a.status for a in script.steps[0].actions if isinstance(a, SetRegulatory)]
    assert len(approved) == len(open_data_trials())
    assert all(said.approved and not said.hold for said in approved)


def test_a_trial_that_does_not_compile_is_registered_but_never_approved() -> None:
    bad = ("bad.yaml", "id: X\ncriteria: {agee: {min: 1}}\n")
    script = own_script([], [*demo_trials()[:1], bad])
    assert sum(isinstance(a, RegisterTrial) for a in script.steps[0].actions) == 2
    assert sum(isinstance(a, SetRegulatory) for a in script.steps[0].actions) == 1
