from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.contracts.events import Display
from trialbridge.contracts.ids import RecordId, SourceId, SourcePatientKey, TenantId
from trialbridge.criteria.facts import AnyFact, Demographics, Evidence, Lab, Performance
from trialbridge.people.fold import NOTHING, Contribution, digests_by_kind, fold
from trialbridge.people.survivorship import instant


def person(
    resource: str = "Patient/1",
    *,
    birth: str | None = None,
    sex: str | None = None,
    dead: bool | None = None,
    at: str | None = None,
    version: str = "",
) -> Demographics:
    return Demographics(
        evidence=Evidence(resource=resource, version=version),
        effective=at,
        birth_date=birth,
        sex=sex,  # type: ignore[arg-type]  # the tests draw from the allowed words
        deceased=dead,
    )


def ecog(value: int, at: str, resource: str = "Observation/1") -> Performance:
    return Performance(evidence=Evidence(resource=resource), effective=at, scale="ecog", value=value)


def given_by(source: str, *facts: AnyFact, as_of: str = "2026-01-01T00:00:00Z", name: str = "") -> Contribution:
    tenant = source.partition("/")[0]
    return Contribution(
        tenant=TenantId(tenant),
        source=SourceId(source),
        facts=facts,
        display=Display(name=name, local_ids={tenant: f"{source}-1"}),
        records=(RecordId(f"rec_{source}"),),
        as_of=as_of,
    )


def keyed(*contributions: Contribution) -> dict[SourcePatientKey, Contribution]:
    return {SourcePatientKey(f"spk_{n}"): contribution for n, contribution in enumerate(contributions)}


def demographics(facts: tuple[AnyFact, ...]) -> list[Demographics]:
    return [fact for fact in facts if isinstance(fact, Demographics)]


def test_a_view_of_nothing_is_empty() -> None:
    view = fold({})
    assert (view.facts, view.raw, view.digest, view.tenants) == ((), b"[]", NOTHING, ())


def test_time_stamped_facts_of_every_source_are_kept_once() -> None:
    first, second = ecog(1, "2026-01-02"), ecog(2, "2025-12-01")
    view = fold(keyed(given_by("a/ehr", first, second), given_by("b/ehr", second)))
    assert view.facts == (second, first)
    assert msgspec.json.decode(view.raw, type=tuple[AnyFact, ...]) == view.facts
    assert view.tenants == ("a", "b")
    assert view.records == ("rec_a/ehr", "rec_b/ehr")


def test_the_most_recent_statement_of_an_attribute_wins_and_the_loser_is_kept() -> None:
    view = fold(
        keyed(
            given_by("a/ehr", person(birth="1960-01-01", sex="female", at="2024-01-01")),
            given_by("b/ehr", person(birth="1961-01-01", at="2025-01-01")),
        )
    )
    assert [fact.birth_date for fact in demographics(view.facts) if fact.birth_date] == ["1961-01-01"]
    assert [fact.sex for fact in demographics(view.facts) if fact.sex] == ["female"]
    birth = next(survivor for survivor in view.survivors if survivor.attribute == "birth_date")
    assert [loser.fact.birth_date for loser in birth.losers] == ["1960-01-01"]
    assert birth.winner.source == "b/ehr"


def test_source_rank_breaks_a_tie_in_time() -> None:
    both = keyed(
        given_by("a/ehr", person(birth="1960-01-01", at="2024-01-01")),
        given_by("b/ehr", person(birth="1961-01-01", at="2024-01-01")),
    )
    preferred = fold(both, {SourceId("b/ehr"): 1, SourceId("a/ehr"): 2})
    assert demographics(preferred.facts)[0].birth_date == "1961-01-01"
    assert preferred.survivors[0].rank == 1
    assert demographics(fold(both, {SourceId("a/ehr"): 1}).facts)[0].birth_date == "1960-01-01"


def test_equal_time_and_rank_go_to_the_majority_then_to_the_smaller_value() -> None:
    young = [given_by(f"{name}/ehr", person(birth="1961-01-01", at="2024")) for name in "ab"]
    old = given_by("c/ehr", person(birth="1960-01-01", at="2024"))
    assert demographics(fold(keyed(old, *young)).facts)[0].birth_date == "1961-01-01"
    assert demographics(fold(keyed(old, young[0])).facts)[0].birth_date == "1960-01-01"


def test_silence_never_competes_and_unknown_is_silence() -> None:
    view = fold(
        keyed(
            given_by("a/ehr", person(sex="female", dead=True, at="2020")),
            given_by("b/ehr", person(sex="unknown", at="2026")),
        )
    )
    assert [fact.sex for fact in demographics(view.facts) if fact.sex] == ["female"]
    assert [fact.deceased for fact in demographics(view.facts) if fact.deceased is not None] == [True]


def test_a_statement_without_time_takes_the_resources_version_then_the_delivery() -> None:
    by_version = fold(
        keyed(
            given_by("a/ehr", person(sex="female", version="2024-05-01T00:00:00Z"), as_of="2026-09-01"),
            given_by("b/ehr", person(sex="male", version="7"), as_of="2024-06-01"),
        )
    )
    assert demographics(by_version.facts)[0].sex == "male"


def test_zones_are_compared_as_instants() -> None:
    assert instant("2024-01-01T23:30:00-05:00") > instant("2024-01-02T01:00:00Z")
    assert instant("2024") == instant("2024-01-01")
    assert instant("no date") < instant("1900")


@given(
    st.one_of(
        st.sampled_from(
            ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:60Z", "0001", "9999-12"]
        ),
        st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat),
        st.text(),
    )
)
def test_no_time_however_extreme_raises(time: str) -> None:
    found = instant(time)
    assert not found or datetime.fromisoformat(found).utcoffset() == timedelta(0)


def test_a_time_without_an_equivalent_in_utc_comes_before_all_others() -> None:
    for beyond in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
        assert instant(beyond) == "" < instant("0001-01-01")


def test_display_takes_the_newest_name_and_every_practices_number() -> None:
    view = fold(
        keyed(
            given_by("a/ehr", person(birth="1960-02-03"), as_of="2026-01-01", name="Old Name"),
            given_by("b/ehr", as_of="2026-02-01", name="New Name"),
        )
    )
    assert view.display == Display(
        name="New Name", birth_date="1960-02-03", sex="", local_ids={"a": "a/ehr-1", "b": "b/ehr-1"}
    )


def test_freshness_is_the_newest_delivery_of_each_source() -> None:
    view = fold(keyed(given_by("a/ehr", as_of="2026-01-01"), given_by("a/ehr", as_of="2026-03-01")))
    assert [(fresh.source, fresh.received) for fresh in view.sources] == [("a/ehr", "2026-03-01")]


def test_only_the_kinds_that_differ_have_another_digest() -> None:
    before = digests_by_kind(fold(keyed(given_by("a/e", ecog(1, "2026-01-01"), person(sex="male")))).facts)
    after = digests_by_kind(fold(keyed(given_by("a/e", ecog(2, "2026-01-01"), person(sex="male")))).facts)
    assert set(before) == {"demographics", "performance"}
    assert {name for name in before if before[name] != after[name]} == {"performance"}


def test_decimals_keep_their_digits() -> None:
    lab = Lab(evidence=Evidence(resource="Observation/2"), loinc="718-7", value=Decimal("1.50"))
    assert b"1.50" in fold(keyed(given_by("a/ehr", lab))).raw


dates = st.sampled_from([None, "2024", "2024-05", "2024-05-03", "2024-05-03T10:00:00+02:00", "garbled"])
facts = st.one_of(
    st.builds(
        person,
        st.sampled_from(["Patient/1", "Patient/2"]),
        birth=st.sampled_from([None, "1960-01-01", "1961"]),
        sex=st.sampled_from([None, "male", "female", "unknown"]),
        dead=st.sampled_from([None, True, False]),
        at=dates,
        version=st.sampled_from(["", "3", "2024-06-01T00:00:00Z"]),
    ),
    st.builds(ecog, st.integers(0, 5), st.sampled_from(["2024", "2025-01-01"]), st.sampled_from(["O/1", "O/2"])),
)
contributions = st.builds(
    lambda source, held, as_of, name: given_by(source, *held, as_of=as_of, name=name),
    st.sampled_from(["a/ehr", "a/lab", "b/ehr"]),
    st.lists(facts, max_size=5),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]),
    st.sampled_from(["", "One", "Two"]),
)


@given(st.lists(contributions, max_size=5), st.randoms(use_true_random=False))
def test_the_same_set_in_any_order_gives_the_same_bytes(held: list[Contribution], random: object) -> None:
    pairs = list(keyed(*held).items())
    once = fold(dict(pairs))
    random.shuffle(pairs)  # type: ignore[attr-defined]  # hypothesis's random.Random
    shuffled = {}
    for key, contribution in pairs:
        mixed = list(contribution.facts) * 2
        random.shuffle(mixed)  # type: ignore[attr-defined]  # same
        shuffled[key] = replace(contribution, facts=tuple(mixed))
    again = fold(shuffled)
    assert again == once
    assert msgspec.json.encode(again) == msgspec.json.encode(once)


@given(st.lists(contributions, min_size=1, max_size=4))
def test_taking_a_source_out_restores_the_view_without_it(held: list[Contribution]) -> None:
    everyone = keyed(*held)
    last = max(everyone)
    without = {key: contribution for key, contribution in everyone.items() if key != last}
    before = fold(without)
    fold(everyone)
    assert fold(without) == before


@given(st.lists(contributions, max_size=5))
def test_each_single_valued_attribute_survives_once(held: list[Contribution]) -> None:
    kept = demographics(fold(keyed(*held)).facts)
    assert sum(fact.birth_date is not None for fact in kept) <= 1
    assert sum(fact.sex is not None for fact in kept) <= 1
    assert sum(fact.deceased is not None for fact in kept) <= 1
