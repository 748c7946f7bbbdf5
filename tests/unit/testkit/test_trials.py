"""The demo's trials compile, find someone each, and are not met by everybody."""

from collections import Counter
from pathlib import Path

import pytest

from tests.unit.testkit.assembling import outcomes, plans, received
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.ctml import is_ctml
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.documents import read_text
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.verdicts import Explanation
from trialbridge.emr.files import read_patients
from trialbridge.emr.records import SetAside
from trialbridge.testkit.places import TENANTS
from trialbridge.testkit.trials import CLOSING, HELD, LIFTED, STOPPED, demo_trials, open_data_trials, regulatory
from trialbridge.testkit.world import AS_OF, make_world

BIOMARKERS = {"variant", "fusion", "copy_number", "signature", "expression"}
SAMPLES = ("fhir-r4-synthea", "hl7v2")


@pytest.fixture(scope="module")
def answers() -> list[list[Explanation]]:
    """Return for each patient of the demo what all trials say in the end."""
    world = make_world()
    return [
        outcomes([received(world, each) for each in world.of_patient(history.person.index)])
        for history in world.histories
    ]


def test_at_least_twelve_trials_compile_without_a_word() -> None:
    compiled = {name: compile_text(text, name) for name, text in demo_trials()}
    assert len(compiled) >= 12
    said = {name: {found.severity for found in one.diagnostics} - {"note"} for name, one in compiled.items()}
    assert {name: found for name, found in said.items() if found} == {}


def test_the_shapes_that_the_demo_shows_are_there() -> None:
    documents = [read_text(text, Problems())[0] for _, text in demo_trials()]
    assert sum(is_ctml(document) for document in documents) == 1
    assert sum(bool(plan.kinds & BIOMARKERS) for plan in plans()) >= 8
    assert any(plan.trial.review for plan in plans())
    assert any(len(plan.trial.arms) == 2 for plan in plans())
    assert any(len(arm.dose_levels) == 2 for plan in plans() for arm in plan.trial.arms)
    # Clinical Trial Markup Language has no place for the laboratory: it is whoever registers the trial.
    named = {plan.trial.lab for plan in plans()} - {""}
    assert named == {tenant.id for tenant in TENANTS if tenant.role == "lab"}


def test_authorities_speak_of_every_trial_and_hold_two() -> None:
    said = regulatory()
    ids = {plan.trial.id for plan in plans()}
    assert {one.trial for one in said} == ids
    assert {one.trial for one in said if one.hold} == set(HELD)
    assert len(HELD) == 2
    assert {LIFTED} <= set(HELD)
    assert {STOPPED, CLOSING} <= ids - set(HELD)


def test_every_trial_and_every_open_arm_has_someone(answers: list[list[Explanation]]) -> None:
    eligible = {(one.trial, one.arm) for patient in answers for one in patient if one.outcome == "eligible"}
    assert eligible == {(branch.trial.id, one.arm) for branch in plans() for one in branch.branches}


def test_a_suspended_dose_level_takes_nobody_and_says_so(answers: list[list[Explanation]]) -> None:
    shut = [one for patient in answers for one in patient if one.dose == "DL2"]
    assert {one.outcome.value for one in shut} == {"not_eligible"}
    assert {one.criteria[0].reason for one in shut} == {"The dose level is suspended."}


def test_patients_are_spread_over_the_three_outcomes(answers: list[list[Explanation]]) -> None:
    best = Counter(
        "eligible" if "eligible" in found else "potentially" if "potentially" in found else "not_eligible"
        for found in ({one.outcome.value for one in patient} for patient in answers)
    )
    assert best["eligible"] >= 50
    assert best["potentially"] >= 50
    assert best["not_eligible"] >= 15


def test_potential_matches_say_what_is_missing_or_may_turn(answers: list[list[Explanation]]) -> None:
    open_ones = [one for patient in answers for one in patient if one.outcome == "potentially"]
    assert sum(bool(one.missing) for one in open_ones) > len(open_ones) / 2
    for one in open_ones:
        assert one.missing or any(line.verdict == "not_met" and line.recoverable for line in one.criteria)


@pytest.mark.parametrize("sample", SAMPLES)
def test_public_samples_find_an_open_data_trial(shared_data: Path, sample: str) -> None:
    compiled = [compile_text(text, name) for name, text in open_data_trials()]
    assert [one.diagnostics for one in compiled if one.diagnostics] == []
    plans = [load(one.definition) for one in compiled]
    found: Counter[str] = Counter()
    for path in sorted((shared_data / sample).iterdir()):
        for patient in read_patients(path):
            if not isinstance(patient, SetAside):
                index = FactIndex(patient.facts)
                found.update(
                    one.outcome.value for plan in plans for one in evaluate(plan, index, AS_OF, patient.patient)
                )
    assert found["eligible"] >= 5
    assert found["not_eligible"] + found["potentially"] >= 5
