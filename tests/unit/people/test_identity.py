from itertools import combinations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.contracts.events import Identifier
from trialbridge.contracts.ids import NetworkId, SourcePatientKey
from trialbridge.people.identifiers import is_placeholder, token
from trialbridge.people.identity import Link, Snapshot, component, linked, resolve
from trialbridge.people.members import Member
from trialbridge.testkit.pseudonyms import SYNTHETIC

NORTH = NetworkId("north")


def key(name: str) -> SourcePatientKey:
    return SourcePatientKey(name)


def member(name: str, *identifiers: tuple[str, str, str], merges: tuple[str, ...] = ()) -> Member:
    return Member(
        key(name),
        tuple(Identifier(system, value, word) for word, system, value in identifiers),
        tuple(key(other) for other in merges),
    )


def people(found: dict[SourcePatientKey, Link]) -> set[frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for name, link in found.items():
        groups.setdefault(link.patient, set()).add(name)
    return {frozenset(group) for group in groups.values()}


def groups(*names: str) -> set[frozenset[str]]:
    return {frozenset(name) for name in names}


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "0",
        "000-00-0000",
        "999-99-9999",
        "9999999",
        "unknown",
        "N/A",
        "123-45-6789",
        "?",
        "XXXX",
        "NOTAVAILABLE",
        "not available",
        "Not-Given",
        "1234567890",
        "Pending",
        "NO MRN",
    ],
)
def test_placeholders_are_recognised(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", ["7", "MRN-1001", "800-12-3456", "A1B2"])
def test_real_values_are_not_placeholders(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize(
    ("type", "system", "value"),
    [
        ("SS", "urn:authority", "800-12-3456"),
        ("", "http://hl7.org/fhir/sid/us-ssn", "800-12-3456"),
        ("MR", "urn:oid:2.16.840.1.113883.4.1", "800-12-3456"),
        ("MR", "", "1001"),
        ("VN", "urn:hospital", "1001"),
        ("SN", "urn:insurer", "1001"),
        ("MR", "urn:hospital", "999-99-9999"),
    ],
)
def test_what_proves_nothing(type: str, system: str, value: str) -> None:
    assert token(Identifier(system, value, type)) is None


def test_a_token_is_the_same_however_its_authority_is_written() -> None:
    plain = token(Identifier("2.16.840.1.99", " ab12 ", "MR"))
    assert plain is not None
    assert plain == token(Identifier("urn:oid:2.16.840.1.99", "AB12", "mr"))


def test_a_shared_strong_identifier_makes_one_person() -> None:
    found = resolve(NORTH, [member("a", ("NI", "gov", "1")), member("b", ("NI", "gov", "1")), member("c")], SYNTHETIC)
    assert people(found) == groups("ab", "c")
    assert found[key("a")].reasons == ("identifier:NI",)
    assert found[key("c")].reasons == ("alone",)


def test_a_social_security_number_alone_links_nobody() -> None:
    found = resolve(NORTH, [member(name, ("SS", "usssa", "800-12-3456")) for name in "ab"], SYNTHETIC)
    assert people(found) == groups("a", "b")


def test_equal_record_numbers_of_two_hospitals_link_nobody() -> None:
    found = resolve(NORTH, [member("a", ("MR", "one", "77")), member("b", ("MR", "two", "77"))], SYNTHETIC)
    assert people(found) == groups("a", "b")


def test_links_are_transitive_and_merges_count_both_ways() -> None:
    found = resolve(
        NORTH,
        [
            member("a", ("MR", "h", "1")),
            member("b", ("MR", "h", "1"), ("NI", "gov", "9")),
            member("c", ("NI", "gov", "9")),
            member("d", merges=("c",)),
        ],
        SYNTHETIC,
    )
    assert people(found) == groups("abcd")
    assert found[key("c")].reasons == ("identifier:NI", "merge")
    assert found[key("d")].reasons == ("merge",)


def test_the_person_is_named_by_the_best_ranked_identifier() -> None:
    found = resolve(
        NORTH, [member("a", ("MR", "h", "1"), ("NI", "gov", "9")), member("b", ("MR", "h", "1"))], SYNTHETIC
    )
    assert {link.patient for link in found.values()} == {SYNTHETIC.patient(NORTH, "gov|9")}
    alone = resolve(NORTH, [member("b", ("MR", "h", "1"))], SYNTHETIC)
    assert alone[key("b")].patient == SYNTHETIC.patient(NORTH, "h|1")
    unnamed = resolve(NORTH, [member("y", merges=("x",))], SYNTHETIC)
    assert {link.patient for link in unnamed.values()} == {SYNTHETIC.patient(NORTH, "x")}


def test_networks_never_share_a_person() -> None:
    mine = resolve(NORTH, [member("a", ("NI", "gov", "1"))], SYNTHETIC)
    theirs = resolve(NetworkId("south"), [member("a", ("NI", "gov", "1"))], SYNTHETIC)
    assert mine[key("a")].patient != theirs[key("a")].patient


def test_two_national_numbers_in_one_person_are_shown() -> None:
    found = resolve(
        NORTH,
        [member("a", ("MR", "h", "1"), ("NI", "gov", "8")), member("b", ("MR", "h", "1"), ("NI", "gov", "9"))],
        SYNTHETIC,
    )
    assert "conflict:NI" in found[key("a")].reasons


identifier_lists = st.lists(
    st.tuples(
        st.sampled_from(["NI", "MR", "SS", "", "VN"]), st.sampled_from(["gov", "h1", "h2"]), st.sampled_from("1234")
    ),
    max_size=3,
)
networks = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(identifier_lists, st.lists(st.sampled_from("abcdefgh"), max_size=1))
)


def brute_force(members: list[Member]) -> set[frozenset[str]]:
    """Grow groups until nothing changes: slow, simple, written apart."""
    names = {m.key for m in members} | {other for m in members for other in m.merges}
    parts = {name: {name} for name in names}
    ties = [(m.key, other) for m in members for other in m.merges]
    for one, two in combinations(members, 2):
        strong = [{t.name for i in m.identifiers if (t := token(i))} for m in (one, two)]
        if strong[0] & strong[1]:
            ties.append((one.key, two.key))
    for one_key, two_key in ties * (len(names) + 1):
        union = parts[one_key] | parts[two_key]
        for name in union:
            parts[name] = union
    return {frozenset(part) for part in parts.values()}


@given(networks, st.randoms(use_true_random=False))
def test_resolution_agrees_with_brute_force_in_any_order(
    drawn: dict[str, tuple[list[tuple[str, str, str]], list[str]]], random: object
) -> None:
    members = [member(name, *ids, merges=tuple(merges)) for name, (ids, merges) in drawn.items()]
    found = resolve(NORTH, members, SYNTHETIC)
    assert people(found) == brute_force(members)
    shuffled = members * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's random.Random
    again = resolve(NORTH, shuffled, SYNTHETIC)
    assert msgspec.json.encode(dict(sorted(again.items()))) == msgspec.json.encode(dict(sorted(found.items())))


@given(networks)
def test_each_component_is_found_from_any_of_its_members(
    drawn: dict[str, tuple[list[tuple[str, str, str]], list[str]]],
) -> None:
    snapshot = Snapshot(member(name, *ids, merges=tuple(merges)) for name, (ids, merges) in drawn.items())
    for name in snapshot.everyone():
        part = component(snapshot, name)
        assert name in part
        for other in part:
            assert linked(NORTH, snapshot, other, SYNTHETIC) == linked(NORTH, snapshot, name, SYNTHETIC)


def test_nobody_is_tied_to_an_unknown_key() -> None:
    assert component(Snapshot([]), key("x")) == {}
