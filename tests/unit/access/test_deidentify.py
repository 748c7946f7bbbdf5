"""A lab's counts: people, not matches, and nothing that could name one."""

import msgspec

from trialbridge.access.cells import SMALL
from trialbridge.access.deidentify import RANKED, trial_counts
from trialbridge.contracts.documents import MatchStatus


def people(prefix: str, number: int) -> set[str]:
    return {f"{prefix}{n}" for n in range(number)}


def test_every_match_status_has_its_rank() -> None:
    assert set(RANKED) == set(MatchStatus.__args__)  # type: ignore[attr-defined]


def test_a_person_with_two_arms_counts_once_at_the_furthest() -> None:
    both = people("p", 20)
    found = trial_counts({"approved": both, "potentially": both})
    assert found.by_status.cells["approved"].value == 20
    assert found.by_status.cells["potentially"].value == 0
    assert found.by_status.total.value == 20


def test_the_funnel_narrows() -> None:
    found = trial_counts(
        {
            "approved": people("a", 15),
            "held": people("h", 20),
            "potentially": people("q", 30),
            "closed": people("c", 40),
        }
    )
    assert [(step.name, step.people.label) for step in found.funnel] == [
        ("Ever proposed", "105"),
        ("Still in question", "65"),
        ("Eligible", "35"),
        ("Approved", "15"),
    ]


def test_small_numbers_stay_hidden_in_table_and_funnel() -> None:
    found = trial_counts({"approved": people("a", 4), "potentially": people("q", 60)})
    assert found.by_status.cells["approved"].label == SMALL
    assert [step.people.label for step in found.funnel if step.name in {"Eligible", "Approved"}] == [SMALL, SMALL]


def test_no_key_survives_the_counting() -> None:
    found = trial_counts({"approved": people("canary-", 40)})
    assert b"canary" not in msgspec.json.encode(found)
