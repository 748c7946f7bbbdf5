"""The account of source leaves: only what is really in the output counts as mapped."""

from decimal import Decimal

import pytest

from trialbridge.emr.account import Account, Leaf, Made, confirm, drop, keep, made, settle


def test_a_leaf_is_mapped_where_it_is_found() -> None:
    family, code = Leaf("Birchwood"), Leaf("F")
    plain, found = settle({"resourceType": "Patient", "name": [{"family": family}], "gender": made("female", code)})
    assert plain == {"resourceType": "Patient", "name": [{"family": "Birchwood"}], "gender": "female"}
    assert {type(plain["name"][0]["family"]), type(plain["gender"])} == {str}
    assert family.fate == "unaccounted"
    confirm(found)
    assert (family.fate, family.where) == ("mapped", ("Patient.name.family",))
    assert (code.fate, code.where) == ("mapped", ("Patient.gender",))


def test_numbers_and_truth_values_keep_what_they_are_made_of() -> None:
    value, flag = Leaf("1.50"), Leaf("true")
    plain, found = settle({"resourceType": "X", "value": Made(Decimal("1.50"), (value,)), "is": Made(True, (flag,))})
    confirm(found)
    assert str(plain["value"]) == "1.50"
    assert plain["is"] is True
    assert value.where == ("X.value",)
    assert flag.where == ("X.is",)


def test_what_is_made_of_made_text_leads_to_the_leaves() -> None:
    root, extension = Leaf("1.2.3"), Leaf("77")
    outer = made("key", made(f"urn:oid:{root}", root), extension, None, "plain")
    _, found = settle({"resourceType": "X", "id": outer})
    assert [one for one, _ in found] == ["1.2.3", "77"]


def test_a_mapped_leaf_stays_mapped() -> None:
    one = Leaf("a")
    confirm([(one, "X.a"), (one, "X.a"), (one, "X.b")])
    drop(one, "test.reason")
    keep(one, "X.extension")
    assert (one.fate, one.where) == ("mapped", ("X.a", "X.b"))


def test_every_fate_is_counted_with_its_place() -> None:
    mapped, kept, dropped, lost = (Leaf(text) for text in "abcd")
    confirm([(mapped, "X.a")])
    keep(kept, "X.extension")
    drop(dropped, "test.reason")
    account = Account()
    for source, one in (("s/a", mapped), ("s/b", kept), ("s/c", dropped), ("s/d", lost), ("s/a", mapped)):
        account.enter(source, one)
    summary = {"leaves": 5, "mapped": 2, "kept": 1, "dropped": 1, "unaccounted": 1}
    assert account.summary() == {**summary, "structure": 0, "without_details": 0}
    assert account.details() == [
        {"source": "s/a", "fate": "mapped", "where": ["X.a"], "count": 2},
        {"source": "s/b", "fate": "kept", "where": ["X.extension"], "count": 1},
        {"source": "s/c", "fate": "dropped", "where": ["test.reason"], "count": 1},
        {"source": "s/d", "fate": "unaccounted", "where": [], "count": 1},
    ]


def test_accounts_add_up_and_totals_go_on_beyond_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trialbridge.emr.account.MOST_ROWS", 2)
    one, other = Account(), Account()
    one.enter_counts({"s/a": 3, "s/b": 1}, "mapped", "X.text")
    other.enter_counts({"s/a": 2, "s/c": 4}, "mapped", "X.text")
    other.structure = 1
    one.add(other)
    assert one.summary() == {
        "leaves": 10, "mapped": 10, "kept": 0, "dropped": 0, "unaccounted": 0, "structure": 1, "without_details": 4
    }  # fmt: skip
    assert [row["count"] for row in one.details()] == [5, 1]
