"""The demo's script: its order, and that mixing deliveries moves nothing else."""

from trialbridge.testkit.demo_script import demo_script, own_script
from trialbridge.testkit.feeds import pack_bundles
from trialbridge.testkit.script import Deliver, RegisterTrial, Script, SetRegulatory, SetTrialStatus, Step, shuffled
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
        {Deliver},
        {SetTrialStatus, SetRegulatory},
    ]
    assert waves(script) == [set(), {"initial"}, {"update"}, set()]
    assert script.bundles == len(pack_bundles(WORLD))


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
    for before, after in zip(script.steps[1:3], mixed.steps[1:3], strict=True):
        keys, moved = _keys(before), _keys(after)
        assert sorted(moved) == sorted(keys)
        assert moved != keys
    assert shuffled(script, 5) == mixed
    assert (mixed.steps[0], mixed.steps[3]) == (script.steps[0], script.steps[3])


def _keys(step: Step) -> list[str]:
    return [action.bundle.key for action in step.actions if isinstance(action, Deliver)]


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
