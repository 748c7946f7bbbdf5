from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest

from services.matcher.evaluation import Scene
from services.matcher.tables import LIVES, PATIENTS, TRIALS, Patient
from tests.unit.services.matcher.world import (
    AGED,
    ARMS,
    LUNG,
    RECENT,
    WELL,
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
    view,
)
from trialbridge.contracts.events import MatchChanged, TrialPublished
from trialbridge.contracts.topics import TRIAL_MATCHES
from trialbridge.criteria.known import Known
from trialbridge.criteria.plan import Branch, TrialPlan
from trialbridge.criteria.telling import Told, tell
from trialbridge.criteria.verdicts import Explanation


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return the pairs of patient and trial that are explained, as they are."""
    pairs: list[tuple[str, str]] = []

    def noted(plan: TrialPlan, branches: Sequence[Branch], known: Known, patient: str) -> list[Told]:
        if branches:
            pairs.append((patient, plan.trial.id))
        return tell(plan, branches, known, patient)

    monkeypatch.setattr("services.matcher.evaluation.tell", noted)
    return pairs


async def started(*given: Any) -> Matcher:
    return await Matcher().say(day(), *given)


def brief(said: list[MatchChanged]) -> list[tuple[str, str, int]]:
    return [(one.event, one.outcome, one.seq) for one in said]


async def test_an_eligible_patient_is_proposed_with_the_whole_explanation() -> None:
    found = await started(trial(), view())
    (said,) = found.heard()
    assert (said.event, said.outcome, said.seq, said.cause, said.as_of) == (
        "proposed",
        "eligible",
        1,
        "patient",
        "2026-06-01",
    )
    assert (said.trial, said.arm, said.dose, said.tenants, said.consent) == ("LUNG", None, None, ("clinic",), "permit")
    assert (said.view_version, said.trial_version) == (1, 1)
    explanation = msgspec.json.decode(said.explanation, type=Explanation)
    assert (explanation.patient, explanation.trial_digest) == ("pat_1", said.trial_digest)
    assert {line.verdict.value for line in explanation.criteria} == {"met"}
    assert said.records == ("rec_birth", "rec_cancer", "rec_ecog-2026-05-01", "rec_variant")
    assert {record.key for record in found.emitted} <= {"pat_1"}


async def test_absence_is_a_worklist_and_never_an_approval() -> None:
    found = await started(trial(), view((born("1960-01-01"), cancer("LUAD"), ecog(1))))
    assert brief(found.heard()) == [("proposed", "potentially", 1)]


async def test_who_never_fits_is_not_spoken_of() -> None:
    found = await started(trial(), view((born("1960-01-01"), cancer("BRCA"), ecog(1), kras())))
    assert found.heard() == []
    assert found.stage.values(LIVES) == {}


async def test_each_arm_and_open_dose_level_is_a_match_of_its_own() -> None:
    found = await started(trial(ARMS), view())
    assert {(one.arm, one.dose): one.outcome for one in found.heard()} == {
        ("A", None): "eligible",
        ("B", "DL1"): "eligible",
    }


async def test_a_changed_fact_says_why_now() -> None:
    found = await started(trial(), *versions("pat_1", WELL[:3], WELL)[:1])
    found.heard()
    await found.say(versions("pat_1", WELL[:3], WELL)[1])
    (said,) = found.heard()
    assert (said.event, said.outcome, said.seq, said.view_version) == ("changed", "eligible", 2, 2)
    assert [(one.before, one.after) for one in said.why_now if one.path != "consent"] == [("unknown", "met")]
    assert said.why_now[-1].path == "consent"


async def test_a_first_proposal_says_why_it_was_none_before() -> None:
    other = versions("pat_1", (born("1960-01-01"), cancer("BRCA"), ecog(1), kras()), WELL)
    found = await started(trial(), *other)
    (said,) = found.heard()
    assert [(one.path.rpartition(".")[2], one.before, one.after) for one in said.why_now] == [
        ("diagnosis", "not_met", "met")
    ]


async def test_only_trials_that_read_a_changed_kind_are_evaluated(evaluated: list[tuple[str, str]]) -> None:
    views = versions("pat_1", WELL, (*WELL, consent("permit", "2026-01-01")), (*WELL, ecog(0, "2026-05-20")))
    found = await started(trial(), trial(AGED), views[0])
    assert evaluated == [("pat_1", "AGED"), ("pat_1", "LUNG")]
    found.heard()
    evaluated.clear()
    await found.say(views[1])
    assert (evaluated, found.heard()) == ([], [])
    await found.say(views[2])
    assert evaluated == [("pat_1", "LUNG")]


async def test_a_view_out_of_sequence_is_evaluated_in_full() -> None:
    skipped = versions("pat_1", WELL, (*WELL, ecog(4)), (*WELL, ecog(4), covered()))[2]
    found = await started(trial(), view(), skipped)
    assert brief(found.heard())[-1][1] != "eligible"


async def test_no_longer_fitting_is_withdrawn_once_and_may_come_back() -> None:
    other = (born("1960-01-01"), cancer("BRCA"), ecog(1), kras())
    found = await started(trial(), *versions("pat_1", WELL, other, (*other, covered()), WELL))
    said = found.heard()
    assert brief(said) == [("proposed", "eligible", 1), ("withdrawn", "not_eligible", 2), ("proposed", "eligible", 3)]
    assert [one.path.rpartition(".")[2] for one in said[1].why_now] == ["diagnosis"]


async def test_consent_goes_with_every_match_of_the_patient() -> None:
    revoked = (*WELL, consent("deny", "2026-05-30"))
    found = await started(trial(), trial(AGED), *versions("pat_1", WELL, revoked))
    said = found.heard()[-1]
    assert (said.event, said.outcome, said.consent, said.seq) == ("changed", "eligible", "deny", 2)
    assert [(one.path, one.before, one.after) for one in said.why_now] == [("consent", "permit", "deny")]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((), "unknown"),
        ((consent("deny"),), "deny"),
        ((consent("deny", "2024-01-01"), consent("permit")), "permit"),
        ((consent("permit", "2024-01-01", "2025-01-01"),), "unknown"),
        ((consent("permit", "2027-01-01"),), "unknown"),
    ],
)
async def test_the_newest_consent_in_force_counts(facts: Any, expected: str) -> None:
    found = await started(trial(), view((*WELL[:5], *facts)))
    assert found.heard()[0].consent == expected


async def test_other_practices_of_the_patient_are_named_at_once() -> None:
    found = await started(trial(), view(), view(version=2, tenants=("clinic", "hospital")))
    said = found.heard()
    assert brief(said) == [("proposed", "eligible", 1), ("changed", "eligible", 2)]
    assert (said[1].tenants, said[1].view_version) == (("clinic", "hospital"), 2)


async def test_a_person_who_is_no_more_is_withdrawn_everywhere_and_stays_so() -> None:
    gone = view((), 2, removed=True, changed=("performance",))
    found = await started(trial(), trial(ARMS), view(), gone)
    ends = found.heard()[3:]
    assert {(one.event, one.cause, one.why_now[0].path) for one in ends} == {("withdrawn", "identity", "patient")}
    assert len(ends) == 3
    await found.say(view(), trial(version=2), later(1))
    assert found.heard() == []
    await found.say(view(version=3))
    assert len(found.live()) == 3


async def test_a_trial_that_changes_meets_all_patients() -> None:
    found = await started(view(), view(patient="pat_2"), view(WELL[:2], patient="pat_3"))
    await found.say(trial())
    assert {one.patient: one.outcome for one in found.heard()} == {
        "pat_1": "eligible",
        "pat_2": "eligible",
        "pat_3": "potentially",
    }
    await found.say(trial(LUNG.replace("max: 1", "max: 0"), 2))
    said = {str(one.patient): one for one in found.heard()}
    assert {name: one.outcome for name, one in said.items()} == dict.fromkeys(
        ("pat_1", "pat_2", "pat_3"), "potentially"
    )
    assert [(one.before, one.after) for one in said["pat_1"].why_now] == [("met", "not_met")]
    assert (said["pat_1"].cause, said["pat_1"].trial_version) == ("trial", 2)


async def test_a_changed_trial_looks_at_nobody_whom_it_cannot_concern(monkeypatch: pytest.MonkeyPatch) -> None:
    other = (born("1960-01-01"), cancer("AML"), ecog(1), consent("permit"))
    found = await started(trial(), view(), view(other, patient="pat_2"), view(patient="pat_3"))
    await found.say(versions("pat_3", WELL, other)[1])
    looked: list[str] = []
    look_at = Scene.look_at

    def noted(self: Scene, patient: Patient, trials: Iterable[TrialPublished]) -> None:
        looked.append(patient.view.patient)
        look_at(self, patient, trials)

    monkeypatch.setattr(Scene, "look_at", noted)
    await found.say(trial(LUNG.replace("max: 1", "max: 0"), 2))
    # The third is of another diagnosis now, but was proposed before.
    assert looked == ["pat_1", "pat_3"]
    looked.clear()
    await found.say(view(WELL, patient="pat_4"), trial(LUNG, 3))
    assert looked == ["pat_4", "pat_1", "pat_3", "pat_4"]


async def test_a_new_version_with_the_same_criteria_is_no_news() -> None:
    found = await started(trial(), view())
    found.heard()
    await found.say(trial(version=2, title="Another title"))
    assert found.heard() == []
    assert found.stage.values(TRIALS)["LUNG"].version == 2


async def test_an_arm_that_is_gone_takes_its_matches_along() -> None:
    found = await started(trial(ARMS), view())
    found.heard()
    await found.say(trial(ARMS.replace("code: A,", "code: C,"), 2))
    said = {str(one.arm): one for one in found.heard()}
    assert (said["A"].event, said["A"].why_now[0].path, said["C"].event) == ("withdrawn", "arm", "proposed")


async def test_a_trial_that_cannot_be_read_is_set_aside_and_the_others_go_on() -> None:
    found = await started(trial(), trial(version=2, definition=msgspec.Raw(b'{"x": 1}'), digest="0"), view())
    assert {aside.error.code for aside in found.stage.set_aside} == {"trial.invalid"}
    assert brief(found.heard()) == [("proposed", "eligible", 1)]


async def test_a_stored_trial_that_this_version_cannot_read_stops_no_other() -> None:
    found = await started(trial(), trial(AGED))
    broken = msgspec.json.encode(trial(AGED, definition=msgspec.Raw(b"{}"), digest="0"))
    for (_, name), rows in found.stage.state.tables.items():
        if name == TRIALS.name:
            rows["AGED"] = broken
    after = await found.restarted().say(view())
    assert brief(after.heard()) == [("proposed", "eligible", 1)]
    assert after.stage.warnings["trial.invalid"] == 1


async def test_views_that_cannot_be_read_are_set_aside() -> None:
    found = await started(
        trial(), msgspec.structs.replace(view(), facts=msgspec.Raw(b"[7]"), digest="0"), view(patient="pat_2")
    )
    assert [aside.error.code for aside in found.stage.set_aside] == ["view.facts-invalid"]
    assert [one.patient for one in found.heard()] == ["pat_2"]


class TestDays:
    async def test_nothing_is_judged_before_the_first_day_and_then_everything(self) -> None:
        found = await Matcher().say(trial(), view(), trial(ARMS), view(patient="pat_2"))
        assert found.heard() == []
        await found.say(day())
        assert len(found.heard()) == 6

    async def test_a_birthday_is_noticed_on_its_day(self) -> None:
        facts = (born("1959-06-15"), ecog(1))
        found = await started(trial(AGED), view(facts))
        before = found.heard()
        await found.say(later(13))
        assert found.heard() == []
        await found.say(later(14))
        (said,) = found.heard()
        assert (said.outcome, said.cause, said.as_of, said.seq) == ("eligible", "time", "2026-06-15", len(before) + 1)
        assert [(one.before, one.after) for one in said.why_now] == [("not_met", "met")]

    async def test_a_result_goes_out_of_date(self) -> None:
        found = await started(trial(RECENT), view())
        found.heard()
        await found.say(later(8))
        assert found.heard() == []
        await found.say(later(40))
        (said,) = found.heard()
        assert (said.event, said.outcome) == ("changed", "potentially")

    async def test_a_consent_that_ends_is_noticed(self) -> None:
        found = await started(trial(), view((*WELL[:5], consent("permit", "2025-03-01", "2026-06-10"))))
        assert found.heard()[0].consent == "permit"
        await found.say(later(9))
        assert found.heard() == []
        await found.say(later(10))
        assert [(one.consent, one.cause) for one in found.heard()] == [("unknown", "time")]

    async def test_only_due_patients_are_evaluated(self, evaluated: list[tuple[str, str]]) -> None:
        found = await started(trial(AGED), trial(), view(), view((born("1959-06-15"),), patient="pat_2"))
        evaluated.clear()
        await found.say(later(14))
        assert evaluated == [("pat_2", "AGED")]

    async def test_a_view_is_judged_on_the_day_at_hand(self) -> None:
        found = await started(trial(AGED), later(14), view((born("1959-06-15"),)))
        assert [(one.outcome, one.as_of) for one in found.heard()] == [("eligible", "2026-06-15")]

    async def test_an_older_day_changes_nothing(self) -> None:
        found = await started(later(14), trial(AGED), view((born("1959-06-15"),)), day())
        assert [one.outcome for one in found.newest().values()] == ["eligible"]
        await found.say(view((born("1959-06-15"),), patient="pat_2"))
        assert {one.as_of for one in found.newest().values()} == {"2026-06-15"}

    async def test_a_day_that_is_none_is_set_aside(self) -> None:
        found = await Matcher().say(trial(), view(), day("tomorrow"), day())
        assert {aside.error.code for aside in found.stage.set_aside} == {"day.invalid"}
        assert len(found.live()) == 1


class TestRepeats:
    async def test_the_same_again_is_said_again_with_the_same_number(self) -> None:
        found = await started(trial(), view())
        (first,) = found.stage.take(TRIAL_MATCHES)
        for worker in (found, found.restarted()):
            await worker.say(view())
            (again,) = worker.stage.take(TRIAL_MATCHES)
            assert (again.id, msgspec.json.encode(again.payload)) == (first.id, msgspec.json.encode(first.payload))

    async def test_a_repeated_trial_and_day_say_again_what_they_changed(self) -> None:
        found = await Matcher().say(trial(), view(), day())
        (first,) = found.heard()
        after = await found.restarted().say(day())
        assert after.heard() == [first]
        (second,) = (await after.say(trial(AGED))).heard()
        again = await after.restarted().say(trial(AGED), trial())
        assert again.heard() == [second]

    async def test_an_older_view_changes_nothing(self) -> None:
        one, two = versions("pat_1", WELL[:3], WELL)
        found = await started(trial(), two, one)
        assert [said.outcome for said in found.newest().values()] == ["eligible"]
        assert found.stage.values(PATIENTS)["pat_1"].view.version == 2

    @pytest.mark.parametrize("lost", [PATIENTS.name, LIVES.name])
    @pytest.mark.parametrize("last", ["view", "trial", "day"])
    async def test_a_crash_that_kept_only_some_of_the_tables_loses_nothing(self, lost: str, last: str) -> None:
        two = versions("pat_1", (born("1959-06-15"), cancer("LUAD"), kras(), ecog(3)), (born("1959-06-15"), *WELL[1:]))
        final: Any = {
            "view": two[1],
            "trial": trial(version=2, text=LUNG.replace("max: 1", "max: 3")),
            "day": later(14),
        }[last]
        before = [trial(), trial(AGED), two[0]]
        expected = (await started(*before, final)).live()
        found = await started(*before)
        kept = {spot: dict(rows) for spot, rows in found.stage.state.tables.items() if spot[1] == lost}
        await found.say(final)
        found.stage.state.tables.update(kept)
        after = found.restarted()
        await after.say(final)
        newest = {**found.live(), **after.live()}
        assert newest == expected


async def test_a_partition_that_goes_elsewhere_is_forgotten() -> None:
    found = await started(trial(), view())
    for partition in range(found.stage.partitions):
        found.own.forget(partition)
    assert found.own._memories == {}
    await found.say(view(version=2, tenants=("hospital",)))
    assert len(found.live()) == 1


async def test_each_partition_has_its_own_patients_and_all_trials() -> None:
    patients = [f"pat_{number}" for number in range(12)]
    found = await Matcher(partitions=4).say(day(), trial(), *(view(patient=one) for one in patients))
    assert sorted(one.patient for one in found.heard()) == sorted(patients)
    tables = found.stage.state.tables
    assert all("LUNG" in rows for (_, name), rows in tables.items() if name == TRIALS.name)
    assert sum(len(rows) for (_, name), rows in tables.items() if name == PATIENTS.name) == len(patients)
