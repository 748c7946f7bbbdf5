from itertools import permutations
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.services.matchbook.said import NORTH, TRIAL, Book, approval, match, review, trial
from trialbridge.contracts.documents import MatchDoc
from trialbridge.contracts.topics import TRIAL_CRITERIA, TRIAL_MATCHES
from trialbridge.criteria.verdicts import Verdict


def book() -> Book:
    return Book()


async def test_an_eligible_match_behind_open_gates_is_approved_and_said_so() -> None:
    found = await book().say(trial(), approval(), match())
    doc = found.doc
    assert (doc.status, doc.version, doc.trial_title, doc.lab) == ("approved", 1, "The trial", "lab")
    assert [gate.name for gate in doc.gates] == ["clinical", "trial", "regulatory", "site", "consent"]
    assert all(gate.open for gate in doc.gates)
    (decision,) = found.decisions
    assert (decision.decision, decision.seq, decision.tenants, decision.trial_title) == (
        "approved",
        1,
        ("clinic",),
        "The trial",
    )
    assert decision.reasons == (
        "Every criterion is met: age.",
        "The trial is open.",
        "An authority's approval is in force.",
        "A site recruits.",
        "The patient permits research.",
    )


async def test_what_people_read_names_no_value_of_the_patient() -> None:
    found = await book().say(trial(), approval(), match())
    for text in (*found.doc.reasons, *found.decisions[0].reasons, *(gate.reason for gate in found.doc.gates)):
        assert "63" not in text


async def test_an_arm_and_a_dose_level_keep_their_names_in_the_documents() -> None:
    doc = (await book().say(match(arm="A", dose="DL1"))).doc
    assert (doc.arm, doc.dose, doc.patient, doc.tenants, doc.records) == ("A", "DL1", "pat_1", ("clinic",), ("rec_1",))
    assert (await book().say(match(arm=None))).doc.arm == ""


SHUT: dict[str, tuple[list[Any], str, str]] = {
    "suspended": ([trial(status="suspended"), approval(), match()], "trial", "The trial is suspended."),
    "arm": ([trial(arm="suspended"), approval(), match()], "trial", "Arm A is suspended."),
    "level under a suspended arm": (
        [trial(arm="suspended"), approval(), match(dose="DL1")], "trial", "Arm A is suspended.",
    ),
    "level": ([trial(level="closed"), approval(), match(dose="DL1")], "trial", "Dose level DL1 of arm A is closed."),
    "arm gone": ([trial(), approval(), match(arm="Z")], "trial", "Arm Z is closed."),
    "level gone": ([trial(), approval(), match(dose="DL9")], "trial", "Dose level DL9 of arm A is closed."),
    "no authority": ([trial(), match()], "regulatory", "No approval by an authority is recorded."),
    "not approved": ([trial(), approval(approved=False), match()], "regulatory", "The trial is not approved by an authority."),
    "hold": ([trial(), approval(hold=True, reason="safety"), match()], "regulatory", "The trial is on hold: safety."),
    "stop": ([trial(), approval(hold=True, reason="Stop now."), match()], "regulatory", "The trial is on hold: Stop now."),
    "no site": ([trial(site="not_yet_recruiting"), approval(), match()], "site", "No site recruits."),
    "site inactive": ([trial(), approval(site="inactive"), match()], "site", "No site recruits."),
    "denied": ([trial(), approval(), match(consent="deny")], "consent", "The patient denies research."),
    "no consent": ([trial(), approval(), match(consent="unknown")], "consent", "No consent to research is recorded."),
}  # fmt: skip


@pytest.mark.parametrize("name", SHUT)
async def test_a_shut_gate_holds_the_match_and_says_why(name: str) -> None:
    said, gate, reason = SHUT[name]
    found = await book().say(*said)
    assert found.doc.status == "held"
    assert found.gates()[gate] == (False, reason)
    assert [one for one, (is_open, _) in found.gates().items() if not is_open] == [gate]
    assert reason in found.doc.reasons
    assert found.decisions == []


async def test_a_match_of_a_trial_that_has_not_come_yet_is_held_until_it_comes() -> None:
    found = await book().say(approval(), match())
    assert found.gates()["trial"] == (False, "The trial is not registered.")
    await found.say(trial())
    assert [event.status for event in found.events] == ["held", "approved"]


async def test_the_gate_opens_later_and_the_match_is_approved() -> None:
    found = await book().say(trial(), approval(hold=True), match())
    await found.say(approval(2))
    assert found.doc.status == "approved"
    assert [event.status for event in found.events] == ["held", "approved"]
    assert found.events[1].cause == "regulatory"
    assert [(one.path, one.before, one.after) for one in found.events[1].why_now] == [
        ("gates.regulatory", "closed", "open")
    ]


async def test_a_hold_withdraws_what_was_approved_and_lifting_it_approves_again() -> None:
    found = await book().say(trial(), approval(), match(), approval(2, hold=True, reason="safety"))
    assert found.decisions[-1].reasons == ("Every criterion is met: age.", "The trial is on hold: safety.")
    await found.say(approval(3))
    assert [event.status for event in found.events] == ["approved", "withdrawn", "approved"]
    clinic = ("clinic",)
    assert found.said == [(1, "approved", clinic), (2, "withdrawn", clinic), (3, "approved", clinic)]


async def test_closing_the_trial_withdraws_the_approved_and_closes_the_rest() -> None:
    found = await book().say(
        trial(), approval(), match(), match("potentially", patient="pat_2"), match(patient="pat_3", consent="deny")
    )
    await found.say(trial(2, status="closed"))
    assert {doc.patient: doc.status for doc in found.docs.values()} == {
        "pat_1": "withdrawn",
        "pat_2": "closed",
        "pat_3": "closed",
    }
    assert [one.patient for one in found.decisions if one.decision == "withdrawn"] == ["pat_1"]


async def test_something_unknown_is_a_worklist_not_an_approval() -> None:
    found = await book().say(trial(), approval(), match("potentially"))
    assert (found.doc.status, found.doc.missing, found.decisions) == ("potentially", 1, [])
    assert found.doc.reasons == ("Not settled yet: age.",)
    found = await book().say(trial(), approval(), match("potentially", verdict=Verdict.NOT_MET))
    assert found.doc.reasons == ("Not met now, which may change: age.",)


async def test_no_longer_eligible_withdraws_the_approved_and_closes_the_others() -> None:
    found = await book().say(trial(), approval(), match(), match("not_eligible", seq=2))
    assert (found.doc.status, found.doc.reasons) == ("withdrawn", ("No longer met: age.",))
    assert found.said == [(1, "approved", ("clinic",)), (2, "withdrawn", ("clinic",))]
    never = await book().say(trial(), approval(), match("potentially"), match("not_eligible", seq=2))
    assert (never.doc.status, never.said) == ("closed", [])


async def test_an_approved_match_in_doubt_goes_back_to_the_worklist_and_the_practice_is_told() -> None:
    found = await book().say(trial(), approval(), match(), match("potentially", seq=2))
    assert found.doc.status == "potentially"
    assert [one[1] for one in found.said] == ["approved", "withdrawn"]


async def test_records_that_move_to_another_person_say_so() -> None:
    gone = msgspec.structs.replace(match(seq=2), event="withdrawn", outcome="not_eligible", cause="identity")
    found = await book().say(trial(), approval(), match(), gone)
    assert found.doc.reasons == ("The patient's records belong to another person now.",)


async def test_a_practice_that_comes_to_hold_the_patient_is_told_and_only_it() -> None:
    both = match(seq=2, tenants=("clinic", "hospital"))
    found = await book().say(trial(), approval(), match(), both, match("not_eligible", seq=3, tenants=both.tenants))
    assert found.said == [
        (1, "approved", ("clinic",)),
        (2, "approved", ("hospital",)),
        (3, "withdrawn", ("clinic", "hospital")),
    ]


async def test_a_practice_that_no_longer_holds_the_patient_is_told() -> None:
    found = await book().say(
        trial(), approval(), match(tenants=("clinic", "hospital")), match(seq=2, tenants=("clinic",))
    )
    assert found.said == [(1, "approved", ("clinic", "hospital")), (2, "withdrawn", ("hospital",))]
    assert found.decisions[-1].reasons == ("The practice no longer holds this patient.",)
    assert found.doc.status == "approved"


class TestReview:
    async def test_a_match_waits_for_a_named_person(self) -> None:
        found = await book().say(trial(review=True), approval(), match())
        assert found.doc.status == "awaiting_review"
        assert found.gates()["review"] == (False, "A named person has to review the match.")
        await found.say(review(match(), "approve"))
        assert (found.doc.status, found.doc.gates[-1].by) == ("approved", "reader-1")
        assert [event.cause for event in found.events] == ["patient", "review"]

    async def test_declined_is_held_and_reopened_waits_again(self) -> None:
        found = await book().say(trial(review=True), approval(), match(), review(match(), "decline"))
        assert (found.doc.status, found.gates()["review"]) == ("held", (False, "A named person declined the match."))
        await found.say(review(match(), "reopen", minute=1))
        assert (found.doc.status, found.gates()["review"]) == (
            "awaiting_review",
            (False, "The review was opened again."),
        )

    async def test_a_decision_on_an_older_explanation_does_not_count(self) -> None:
        newer = msgspec.structs.replace(match(seq=2), explanation_digest="other")
        found = await book().say(trial(review=True), approval(), match(), review(match(), "approve"), newer)
        assert (found.doc.status, found.gates()["review"][1]) == (
            "awaiting_review",
            "The match has changed since it was reviewed.",
        )
        assert [one[1] for one in found.said] == ["approved", "withdrawn"]

    async def test_a_review_that_comes_before_its_match_counts_when_that_comes(self) -> None:
        found = await book().say(trial(review=True), approval(), review(match(), "approve"), match())
        assert found.doc.status == "approved"

    async def test_the_newest_decision_wins_in_any_order(self) -> None:
        decisions = [
            review(match(), "approve"),
            review(match(), "decline", minute=1),
            review(match(), "approve", minute=2),
        ]
        for order in permutations(decisions):
            found = await book().say(trial(review=True), approval(), match(), *order)
            assert found.doc.status == "approved"

    async def test_other_gates_come_before_the_person(self) -> None:
        found = await book().say(trial(review=True), match())
        assert found.doc.status == "held"


async def test_a_repeat_sends_the_same_again_and_changes_nothing() -> None:
    found = await book().say(trial(), approval(), match())
    before = (found.docs, found.events, [msgspec.json.encode(one) for one in found.decisions])
    found.restart()
    await found.say(match())
    assert (found.docs, found.events, [msgspec.json.encode(one) for one in found.decisions]) == before
    await found.say(approval(), trial())
    assert (found.docs, found.events, [msgspec.json.encode(one) for one in found.decisions]) == before


async def test_a_statement_that_is_redelivered_says_again_what_it_caused() -> None:
    found = await book().say(trial(), match(), approval())
    assert len(found.decisions) == 1
    found.restart()
    await found.say(approval())
    assert [one.seq for one in found.decisions] == [1]


async def test_a_repeat_after_a_step_that_decided_nothing_still_sends_the_newest_decision() -> None:
    found = await book().say(trial(), approval(), match(), msgspec.structs.replace(trial(2), title="Another title"))
    assert (len(found.events), len(found.decisions)) == (2, 1)
    await found.say(match())
    assert [one.seq for one in found.decisions] == [1, 1]


async def test_older_versions_change_nothing() -> None:
    found = await book().say(trial(2), approval(2), match(seq=2))
    await found.say(trial(1, status="closed"), approval(1, hold=True), match("not_eligible", seq=1))
    assert (found.doc.status, len(found.events)) == ("approved", 1)


async def test_each_step_of_a_life_stays_on_record() -> None:
    found = await book().say(match("potentially"), match(seq=2), trial(), approval(), approval(2, hold=True))
    assert [(event.seq, event.status) for event in found.events] == [
        (1, "potentially"),
        (2, "held"),
        (3, "held"),
        (4, "approved"),
        (5, "withdrawn"),
    ]
    assert found.doc.version == 5
    assert found.events[-1].at == found.doc.changed
    assert found.events[2].at > found.events[1].at


async def test_other_trials_and_partitions_are_left_alone() -> None:
    found = book()
    patients = [f"pat_{number}" for number in range(8)]
    await found.say(trial(), approval(), *(match(patient=one) for one in patients), match(trial="T-2"))
    await found.say(approval(2, hold=True))
    by_trial = {(doc.trial, doc.status) for doc in found.docs.values()}
    assert by_trial == {(TRIAL, "withdrawn"), ("T-2", "held")}
    assert sum(doc.status == "withdrawn" for doc in found.docs.values()) == len(patients)


async def test_the_index_of_matches_survives_a_restart_and_grows_after_it() -> None:
    found = await book().say(trial(), approval(), match())
    found.restart()
    await found.say(approval(2, hold=True), match(patient="pat_2"), approval(3))
    assert {doc.status for doc in found.docs.values()} == {"approved"}


async def test_a_trial_whose_arms_cannot_be_read_is_set_aside_and_the_old_one_stays() -> None:
    found = await book().say(trial(), approval(), match())
    broken = msgspec.structs.replace(trial(2), definition=msgspec.Raw(b'{"arms": 7}'))
    await found.stage.deliver(TRIAL_CRITERIA, TRIAL, broken, NORTH)
    assert {aside.error.code for aside in found.stage.set_aside} == {"trial.definition-invalid"}
    assert found.doc.status == "approved"


async def test_an_explanation_of_another_make_does_no_harm() -> None:
    odd = msgspec.structs.replace(match(), explanation=msgspec.Raw(b'{"new": 1}'))
    found = book()
    await found.stage.deliver(TRIAL_MATCHES, odd.patient, odd, NORTH)
    assert (found.doc.missing, found.doc.reasons[0]) == (0, "Every criterion is met.")


matches = st.builds(
    lambda outcome, seq, consent, patient: match(outcome, seq=seq, consent=consent, patient=patient),
    st.sampled_from(["eligible", "potentially", "not_eligible"]),
    st.integers(1, 4),
    st.sampled_from(["permit", "deny"]),
    st.sampled_from(["pat_1", "pat_2"]),
)
trials = st.builds(
    lambda version, status, asks: trial(version, status=status, review=asks),
    st.integers(1, 3),
    st.sampled_from(["open", "closed"]),
    st.booleans(),
)
statements = st.builds(lambda seq, hold: approval(seq, hold=hold), st.integers(1, 3), st.booleans())
reviews = st.builds(
    lambda decision, minute: review(match(), decision, minute=minute),
    st.sampled_from(["approve", "decline", "reopen"]),
    st.integers(0, 3),
)


def same_place(said: Any) -> tuple[Any, ...]:
    """Return what no two different statements may share: whose, and which version."""
    number = getattr(said, "seq", None) or getattr(said, "version", None) or getattr(said, "at", None)
    return (type(said), number, getattr(said, "patient", ""))


everything = st.lists(st.one_of(matches, trials, statements, reviews), max_size=10, unique_by=same_place)


def final(found: Book) -> dict[str, tuple[Any, ...]]:
    """Return what may not depend on the order: whether each match is approved now, its outcome and its gates."""

    def facts(doc: MatchDoc) -> tuple[Any, ...]:
        return (doc.status == "approved", doc.outcome, doc.explanation_digest, doc.gates, doc.tenants)

    return {name: facts(doc) for name, doc in found.docs.items()}


@settings(max_examples=60)
@given(everything, st.integers(0, 2**16))
async def test_any_order_with_repeats_and_restarts_comes_to_the_same_end(said: list[Any], seed: int) -> None:
    expected = final(await book().say(*said))
    noise = Random(seed)
    shuffled = said + said[: len(said) // 2]
    noise.shuffle(shuffled)
    found = book()
    for one in shuffled:
        await found.say(one)
        if noise.random() < 0.3:
            found.restart()
    assert final(found) == expected


@settings(max_examples=60)
@given(everything, st.integers(0, 2**16))
async def test_each_practice_hears_of_an_approval_and_of_its_end_in_turn(said: list[Any], seed: int) -> None:
    found = book()
    Random(seed).shuffle(said)
    heard: dict[str, list[tuple[int, str]]] = {}
    for one in said:
        await found.say(one)
    for decision in found.decisions:
        story = heard.setdefault(decision.match, [])
        if (decision.seq, decision.decision) not in story:
            story.append((decision.seq, decision.decision))
    for story in heard.values():
        assert [seq for seq, _ in story] == list(range(1, len(story) + 1))
        assert [word for _, word in story] == [("approved", "withdrawn")[n % 2] for n in range(len(story))]
    approved = {name for name, doc in found.docs.items() if doc.status == "approved"}
    assert approved == {name for name, story in heard.items() if story[-1][1] == "approved"}
