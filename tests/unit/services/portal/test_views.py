"""Pure parts of the read models: conditions as trees, sentences, charts, rates, stages, and the door's patience."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.charts import WIDTH, bars
from services.portal.users import ATTEMPTS, FROM_ADDRESS, PAUSE, Gatekeeper, User
from services.portal.views.criteria import conditions_of, is_negated, tally_of, telling
from services.portal.views.lines import change_line, why_now
from services.portal.views.operation import Meter
from trialbridge.access.passwords import hash_password
from trialbridge.access.scopes import Role
from trialbridge.contracts.events import Change
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Outcome, Verdict

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MET, NOT_MET, UNKNOWN = Verdict.MET, Verdict.NOT_MET, Verdict.UNKNOWN


def result(path: str, verdict: Verdict, reason: str = "", *, recoverable: bool = False) -> CriterionResult:
    kind = path.rpartition(".")[2].partition("[")[0]
    return CriterionResult(path, kind, verdict, recoverable, reason or f"Because of {path}.")


def explained(*results: CriterionResult) -> Explanation:
    return Explanation("pat_1", "T-1", None, None, Outcome.POTENTIALLY, "2026-06-01", results, ())


NESTED = explained(
    result("criteria.all", UNKNOWN),
    result("criteria.all[0].age", MET),
    result("criteria.all[1].any", MET),
    result("criteria.all[1].any[0].variant", NOT_MET),
    result("criteria.all[1].any[1].variant", MET, "BRAF V600E was found."),
    result("criteria.all[2].not", NOT_MET),
    result("criteria.all[2].not.condition", MET, "Hepatitis B is recorded."),
    result("criteria.all[3].all", UNKNOWN),
    result("criteria.all[3].all[0].lab", NOT_MET, recoverable=True),
    result("criteria.all[3].all[1].performance", UNKNOWN),
)


def test_an_all_is_unfolded_and_other_groups_keep_their_parts_beneath_them() -> None:
    found = conditions_of(NESTED)
    assert [one.kind for one in found] == ["age", "any", "not", "lab", "performance"]
    assert [len(one.parts) for one in found] == [0, 2, 1, 0, 0]
    tally = tally_of(found)
    assert (tally.met, tally.unknown, tally.not_met, tally.total) == (2, 1, 2, 5)


def test_the_line_that_tells_most_is_the_one_that_decided() -> None:
    _, any_of, negated, *_ = conditions_of(NESTED)
    assert telling(any_of).reason == "BRAF V600E was found."
    assert telling(negated).reason == "Hepatitis B is recorded."


def test_beneath_a_not_the_words_turn_round() -> None:
    _, _, negated, lab, _ = conditions_of(NESTED)
    assert (negated.word, negated.parts[0].word, lab.word) == ("not_met", "negated_met", "not_now")
    assert is_negated("criteria.all[2].not.condition")
    assert not is_negated("criteria.not.not.age")
    assert not is_negated("criteria.not")


def test_no_explanation_is_no_condition() -> None:
    assert conditions_of(None) == ()
    assert tally_of(()).total == 0


def test_a_change_is_one_sentence() -> None:
    known = Change("criteria.all[0].age", "unknown", "met", "Age is known.")
    assert change_line(known) == "Age is known (was not known, now met)"
    first = Change("criteria.all[2].not.condition", "", "met", "")
    assert change_line(first) == "criteria.all[2].not.condition (now applies)"
    assert why_now((known, first), "patient").endswith("and 1 more")
    assert why_now((), "time") == "A date was reached."
    assert why_now((), "") == ""


@given(st.lists(st.integers(min_value=0, max_value=10_000), max_size=8))
def test_bars_fill_the_width_without_gaps_and_show_all_that_is_there(counts: list[int]) -> None:
    found = bars([(str(number), count, "good") for number, count in enumerate(counts)])
    assert [one.count for one in found] == [count for count in counts if count]
    for one, following in pairwise(found):
        assert abs(one.x + one.width - following.x) < 0.02
    if found:
        assert abs(sum(one.width for one in found) - WIDTH) < 0.1
        assert all(one.width > 0.5 for one in found)


def test_a_rate_needs_two_looks_and_forgets_a_restart() -> None:
    meter = Meter()
    assert meter.rate("matcher", 100, NOW) is None
    assert meter.rate("matcher", 160, NOW + timedelta(seconds=30)) == pytest.approx(2.0)
    assert meter.rate("matcher", 5, NOW + timedelta(seconds=40)) is None
    assert meter.rate("matcher", 15, NOW + timedelta(seconds=50)) == pytest.approx(1.0)
    assert meter.rate("matcher", 15, NOW + timedelta(seconds=300)) is None


@pytest.fixture(scope="module")
def secret() -> str:
    """Return one hash; it is dear on purpose."""
    return hash_password("right", b"0" * 16)


def door(secret: str) -> Gatekeeper:
    users = [User(name, "north", Role.PRACTICE, secret) for name in ("ann", "bob")]
    return Gatekeeper({(one.tenant, one.role, one.name): one for one in users})


async def test_after_some_wrong_passwords_a_name_waits_and_others_do_not(secret: str) -> None:
    gate = door(secret)
    for _ in range(ATTEMPTS):
        assert not gate.waits("north", "practice", "ann", "::1", NOW)
        assert await gate.check("north", "practice", "ann", "wrong", "::1", NOW) is None
    assert gate.waits("north", "practice", "ann", "::2", NOW)
    assert not gate.waits("north", "practice", "bob", "::2", NOW)
    assert not gate.waits("north", "practice", "ann", "::2", NOW + PAUSE)
    session = await gate.check("north", "practice", "bob", "right", "::2", NOW)
    assert session is not None
    assert (session.actor, session.tenant) == ("bob", "north")


async def test_an_address_that_tries_many_names_waits_too(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.portal.users.verify_password", lambda *_: False)
    gate = door(secret)
    for number in range(FROM_ADDRESS):
        await gate.check("north", "practice", f"name{number}", "x", "::1", NOW)
    assert gate.waits("north", "practice", "bob", "::1", NOW)
    assert not gate.waits("north", "practice", "bob", "::2", NOW)
