"""A shared identifier ties no two people: dummies of one source, and claims by records of another birth date and sex."""

from collections.abc import Sequence
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.contracts.events import Identifier
from trialbridge.contracts.ids import NetworkId, SourceId, SourcePatientKey
from trialbridge.people.identifiers import tokens
from trialbridge.people.identity import Link, resolve
from trialbridge.people.members import Member
from trialbridge.people.proof import disagree
from trialbridge.testkit.pseudonyms import SYNTHETIC

NORTH = NetworkId("north")
ANN, ZED, NOBODY = ("1951-03-04", "female"), ("1999-09-09", "male"), ("", "")


def member(
    name: str,
    source: str,
    who: tuple[str, str] = NOBODY,
    numbers: Sequence[tuple[str, str]] = (("MR", "1"),),
    merges: Sequence[str] = (),
) -> Member:
    identifiers = tuple(Identifier("hospital", value, word) for word, value in numbers)
    return Member(
        SourcePatientKey(name),
        identifiers,
        tuple(SourcePatientKey(other) for other in merges),
        source=SourceId(source),
        birth_date=who[0],
        sex=who[1],
    )


def linked(*members: Member) -> dict[SourcePatientKey, Link]:
    return resolve(NORTH, members, SYNTHETIC)


def people(*members: Member) -> set[str]:
    """Return the persons, each as its members' names in one word."""
    found: dict[str, str] = {}
    for name, link in sorted(linked(*members).items()):
        found[link.patient] = found.get(link.patient, "") + name
    return set(found.values())


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (ANN, ZED, True),
        (ANN, ANN, False),
        (ANN, ("1951-03-04", "male"), False),
        (ANN, ("1999-09-09", "female"), False),
        (ANN, ("1951", "male"), False),
        (ANN, ("1951-04", "male"), True),
        (ANN, ("", "male"), False),
        (ANN, ("1999-09-09", ""), False),
        (NOBODY, NOBODY, False),
    ],
)
def test_records_disagree_where_birth_date_and_sex_both_do(
    one: tuple[str, str], other: tuple[str, str], differ: bool
) -> None:
    assert disagree(one, other) is disagree(other, one) is differ


def test_a_claimed_number_is_held_and_both_sides_say_so() -> None:
    found = linked(member("a", "north/ehr", ANN), member("e", "evil/ehr", ZED))
    assert {key: link.reasons for key, link in found.items()} == {"a": ("alone", "held:MR"), "e": ("alone", "held:MR")}
    assert len({link.patient for link in found.values()}) == 2


def test_records_that_agree_stay_one_beside_a_claim() -> None:
    assert people(member("a", "n/ehr", ANN), member("b", "n/lab", ANN), member("e", "evil/ehr", ZED)) == {"ab", "e"}


def test_a_record_that_names_nobody_leads_from_neither_side_to_the_other() -> None:
    assert people(member("a", "n/ehr", ANN), member("l", "n/lab")) == {"al"}
    assert people(member("a", "n/ehr", ANN), member("l", "n/lab"), member("e", "evil/ehr", ZED)) == {"a", "l", "e"}


def test_nor_does_a_chain_of_other_numbers() -> None:
    chain = member("l", "n/lab", NOBODY, [("MR", "1"), ("MR", "2")])
    claim = member("e", "evil/ehr", ZED, [("MR", "2")])
    assert people(member("a", "n/ehr", ANN), chain, claim) == {"a", "l", "e"}


def test_a_correction_releases_what_was_held() -> None:
    assert people(member("a", "n/ehr", ANN), member("e", "s/ehr", ZED)) == {"a", "e"}
    assert people(member("a", "n/ehr", ANN), member("e", "s/ehr", ANN)) == {"ae"}


def test_a_merge_ties_whatever_the_records_say() -> None:
    assert people(member("a", "n/ehr", ANN), member("e", "n/ehr", ZED, merges="a")) == {"ae"}


def test_a_number_that_one_source_gives_twice_proves_nothing() -> None:
    twice = [member(name, "n/ehr", numbers=[("PI", "NONSENSE")]) for name in "ab"]
    other = member("c", "s/ehr", numbers=[("PI", "NONSENSE")])
    found = linked(*twice, other)
    assert people(*twice, other) == {"a", "b", "c"}
    assert {link.reasons for link in found.values()} == {("alone", "shared:PI")}
    assert people(twice[0], other) == {"ac"}


def test_two_records_that_a_source_merged_are_one_holder() -> None:
    one, two = member("a", "n/ehr", merges="x"), member("b", "n/ehr", merges="x")
    assert people(one, two, member("c", "s/ehr")) == {"abcx"}


members = st.lists(
    st.tuples(
        st.sampled_from(["n/ehr", "n/lab", "s/ehr", "evil/ehr"]),
        st.sampled_from([ANN, ZED, NOBODY, ("1951", "male"), ("1951", ""), ("1999", "female")]),
        st.lists(st.sampled_from([("MR", "1"), ("MR", "2"), ("NI", "3")]), max_size=2),
        st.lists(st.sampled_from("abcdef"), max_size=1),
    ),
    max_size=6,
).map(lambda drawn: [member(name, *one) for name, one in zip("abcdef", drawn, strict=False)])


@given(members, st.randoms(use_true_random=False))
def test_the_same_holders_in_any_order_are_tied_and_kept_apart_alike(found: list[Member], random: object) -> None:
    expected = msgspec.json.encode(linked(*found), order="sorted")
    random.shuffle(found)  # type: ignore[attr-defined]  # hypothesis's random.Random
    assert msgspec.json.encode(linked(*found), order="sorted") == expected


@given(members)
def test_no_identifier_ties_records_that_disagree(found: list[Member]) -> None:
    alone = [msgspec.structs.replace(one, merges=()) for one in found]
    links = linked(*alone)
    for one, other in permutations(alone, 2):
        same = links[one.key].patient == links[other.key].patient
        differ = disagree((one.birth_date, one.sex), (other.birth_date, other.sex))
        assert not (same and differ)
        if differ and tokens(one.identifiers).keys() & tokens(other.identifiers).keys():
            assert any(reason.startswith(("held:", "shared:")) for reason in links[one.key].reasons)
        if same and one.source == other.source:
            assert not tokens(one.identifiers).keys() & tokens(other.identifiers).keys()
