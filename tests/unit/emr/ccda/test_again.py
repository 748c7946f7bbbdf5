"""What is done once for many entries comes to the same as if it were done for each."""

from typing import Any

import pytest

from tests.unit.emr.ccda.documents import convert_document, of_type, written
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.account import Derived, Leaf, Made
from trialbridge.emr.ccda import leftovers, plainness, settling
from trialbridge.emr.convert import convert
from trialbridge.emr.records import Entry, Feed
from trialbridge.testkit.ccda_documents import document

FEED = Feed(NetworkId("lakeland"), TenantId("north"), SourceId("lakeland/north/ccda"), "2026-11-21T08:00:00Z")
NAMES = ("discharge", "oncology", "unstructured", "invented")
BEFORE_CHRIST = b"00010101000000+1400"


def body_of(name: str) -> bytes:
    return document(20_000) if name == "invented" else written(name)


def account_of(bodies: list[bytes]) -> tuple[Any, Any]:
    found = convert([Entry(f"{number}.xml", "application/cda+xml", body) for number, body in enumerate(bodies)], FEED)
    return found.leaves.details(), found.leaves.summary()


@pytest.mark.parametrize("name", NAMES)
def test_entries_that_are_alike_are_counted_as_if_each_were_looked_into(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [body_of(name), document(9_000, 2), body_of(name)]
    remembered = account_of(bodies)
    monkeypatch.setattr(leftovers, "_MOST_LEAVES", -1)
    assert remembered == account_of(bodies)


def test_a_leaf_that_no_rule_takes_is_kept_of_the_second_like_entry_too() -> None:
    body = document(20_000).replace(b"<doseQuantity value", b'<doseQuantity odd="thing" value')
    kept = [one for one in account_of([body])[0] if one["source"].endswith("doseQuantity/@odd")]
    assert [(one["fate"], one["count"]) for one in kept] == [("kept", body.count(b'odd="thing"'))]
    assert body.count(b'odd="thing"') > 1


def test_like_entries_with_another_negation_are_not_taken_for_each_other() -> None:
    first, *others = document(20_000).split(b"<consumable>")
    words = [b"false", *[b"true"] * (len(others) - 1)]
    spoiled = first + b"".join(b'<consumable negationInd="%s">%s' % one for one in zip(words, others, strict=True))
    found = [one for one in account_of([spoiled])[0] if one["source"].endswith("consumable/@negationInd")]
    assert {one["fate"]: one["count"] for one in found} == {"mapped": 1, "kept": len(others) - 1}
    assert len(others) > 1


def test_a_time_before_the_calendar_sets_its_resource_aside_wherever_it_is_met() -> None:
    body = document(20_000)
    day = body.partition(b'<effectiveTime value="')[2].partition(b'"')[2]
    at = body.index(b'<effectiveTime value="', body.index(day)) + len(b'<effectiveTime value="')
    spoiled = body[:at] + BEFORE_CHRIST + body[body.index(b'"', at) :]
    found = convert_document(spoiled)
    assert [one.error.code for one in found.set_aside] == ["fhir.beyond-calendar"]
    assert len(of_type(found, "Observation")) == len(of_type(convert_document(body), "Observation")) - 1


@pytest.mark.parametrize("name", NAMES)
def test_resources_share_nothing_that_holds_leaves(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    met: dict[int, Any] = {}

    def settle(resource: dict[str, Any]) -> Any:
        note(resource, met)
        return plainness.settle(resource)

    monkeypatch.setattr(settling, "settle", settle)
    convert_document(body_of(name))
    assert met


def note(value: Any, met: dict[int, Any]) -> bool:
    """Note the containers that hold leaves, and refuse one that is met again; return whether the value holds any."""
    if isinstance(value, dict | list):
        within = [note(one, met) for one in (value.values() if isinstance(value, dict) else value)]
        assert id(value) not in met
        if any(within):
            met[id(value)] = value
        return any(within)
    return isinstance(value, Leaf | Derived | Made)


def test_a_twin_has_containers_of_its_own_of_the_same_leaves() -> None:
    leaf = Leaf("a")
    value = {"coding": [{"code": leaf}]}
    other = plainness.twin(value)
    assert other == value
    assert other["coding"] is not value["coding"]
    assert other["coding"][0]["code"] is leaf
