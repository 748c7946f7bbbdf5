"""Laws of a feed's table: versions grow, decisions are taken together or not at all, and undo brings back what was before."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.contracts.errors import Refused
from trialbridge.emr.localcodes.book import Action, Book, Change, Decision, Entry, Standing
from trialbridge.emr.localcodes.codes import LocalCode, Target, checked

AT = "2026-06-01T00:00:00Z"
CODES = {f"lcd_{n}": LocalCode("observation", "L", f"C{n}") for n in range(4)}
TESTS = (Target("loinc", "718-7"), Target("loinc", "777-3"), Target("loinc", "2160-0"))


def decision(identity: str, action: Action, target: Target | None = None) -> Decision:
    return Decision(identity, CODES[identity], action, target)


steps = st.lists(
    st.tuples(st.sampled_from(sorted(CODES)), st.sampled_from([*TESTS, None])).map(
        lambda one: decision(one[0], "accept" if one[1] else "reject", one[1])
    ),
    max_size=12,
)


def after(decisions: list[Decision]) -> Book:
    book = Book()
    for one in decisions:
        book, _ = book.decide([one], "ann", AT)
    return book


@given(steps, st.sampled_from(sorted(CODES)), st.sampled_from([*TESTS, None]))
def test_a_decision_and_its_undo_leave_the_table_as_before(
    history: list[Decision], identity: str, target: Target | None
) -> None:
    before = after(history)
    decided, changes = before.decide([decision(identity, "accept" if target else "reject", target)], "bob", AT)
    if not changes:
        assert decided is before
        return
    undone, _ = decided.decide([decision(identity, "undo")], "cyd", AT)
    assert undone.entries == before.entries
    assert undone.digest == before.digest
    assert undone.version == before.version + 2


@given(steps)
def test_everything_can_be_undone_down_to_nothing(history: list[Decision]) -> None:
    book = after(history)
    while book.entries:
        book, _ = book.decide([decision(min(book.entries), "undo")], "cyd", AT)
    assert book.digest == Book().digest


@given(steps)
def test_versions_grow_by_one_with_each_change_and_the_history_tells_the_table(history: list[Decision]) -> None:
    book = Book()
    told: dict[str, Standing | None] = {}
    for one in history:
        new, changes = book.decide([one], "ann", AT)
        assert new.version == book.version + bool(changes)
        for change in changes:
            assert change.before == told.get(change.identity)
            told[change.identity] = change.after
        book = new
    standing = {identity: entry.standing for identity, entry in book.entries.items()}
    assert {name: one for name, one in told.items() if one} == {name: one for name, one in standing.items() if one}


@given(steps)
def test_a_table_survives_its_bytes(history: list[Decision]) -> None:
    book = after(history)
    assert msgspec.json.decode(msgspec.json.encode(book.entries), type=dict[str, Entry]) == book.entries
    _, changes = book.decide([decision("lcd_0", "accept", Target("loinc", "4548-4"))], "ann", AT)
    assert msgspec.json.decode(msgspec.json.encode(changes), type=tuple[Change, ...]) == changes


def test_only_accepted_codes_have_a_meaning() -> None:
    book = after([decision("lcd_0", "accept", TESTS[0]), decision("lcd_1", "reject")])
    meaning = book.meaning("lcd_0")
    assert meaning is not None
    assert (meaning.target, meaning.since) == (TESTS[0], 1)
    assert book.meaning("lcd_1") is None
    assert book.meaning("lcd_2") is None
    assert book.accepted() == {"lcd_0": TESTS[0]}


def test_what_stands_already_is_no_change() -> None:
    book = after([decision("lcd_0", "accept", TESTS[0])])
    assert book.decide([decision("lcd_0", "accept", TESTS[0])], "bob", AT) == (book, ())


def test_of_decisions_taken_together_all_count_or_none() -> None:
    book = Book()
    good, bad = decision("lcd_0", "accept", TESTS[0]), decision("lcd_1", "accept", Target("loinc", "718-8"))
    with pytest.raises(Refused, match="check digit"):
        book.decide([good, bad], "ann", AT)
    made, changes = book.decide([good, decision("lcd_1", "reject")], "ann", AT)
    assert (made.version, len(changes)) == (1, 2)


def test_undo_of_nothing_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        Book().decide([decision("lcd_0", "undo")], "ann", AT)
    assert refused.value.code == "codes.nothing-to-undo"


@pytest.mark.parametrize(
    ("kind", "target", "code"),
    [
        ("observation", Target("loinc", "718-8"), "codes.bad-target"),
        ("observation", Target("loinc", "hemoglobin"), "codes.bad-target"),
        ("observation", Target("ucum", "g/dL"), "codes.bad-system"),
        ("condition", Target("icd10", "34.1"), "codes.bad-target"),
        ("unit", Target("ucum", "g per dL"), "codes.bad-target"),
        ("answer", Target("loinc-answer", "LA6576-9"), "codes.bad-target"),
        ("answer", Target("loinc", "718-7"), "codes.bad-system"),
        ("medication", Target("rxnorm", "x"), "codes.bad-target"),
    ],
)
def test_a_target_has_the_form_of_its_system(kind: str, target: Target, code: str) -> None:
    with pytest.raises(Refused) as refused:
        checked(kind, target)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_a_drug_is_kept_by_its_name_in_lower_case() -> None:
    assert checked("medication", Target("drug", "  Pembrolizumab ")) == Target("drug", "pembrolizumab")
