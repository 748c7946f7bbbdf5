"""Times at the ends of the calendar: one that no clock can show in UTC costs its own resource and no other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.fhir.instants import beyond_calendar, holds_edge
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion, Entry, Feed

FEED = Feed(NetworkId("n"), TenantId("t"), SourceId("t/s"), "2026-06-01T06:00:00Z")
PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p"}
EARLY, LATE = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"


def condition(name: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": name,
        "subject": {"reference": "Patient/p"},
        "code": {"text": "x"},
        **more,
    }


def converted(*resources: dict[str, Any]) -> Conversion:
    entries = [{"resource": one} for one in resources]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return convert([Entry("b.json", "application/fhir+json", encode(bundle))], FEED)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"meta": {"lastUpdated": EARLY}}, "meta.lastUpdated"),
        ({"meta": {"lastUpdated": LATE}}, "meta.lastUpdated"),
        ({"onsetPeriod": {"start": EARLY}}, "onsetPeriod.start"),
        (
            {"note": [{"text": "x"}, {"text": "y", "time": LATE}]},
            "note[1].time",
        ),
    ],
)
def test_a_time_beyond_the_calendar_costs_its_resource_alone(wrong: dict[str, Any], field: str) -> None:
    found = converted(PATIENT, condition("good"), condition("bad", **wrong))
    [aside] = found.set_aside
    assert (aside.error.code, aside.error.place.field) == ("fhir.beyond-calendar", f"entry[2].resource.{field}")
    [person] = found.patients
    assert [one["id"] for one in person.resources] == ["p", "good"]


@pytest.mark.parametrize(
    "time",
    ["9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31T00:00:00-05:00", "9999-12-31T23:59:59+14:00", "0001-01-01T20:00:00+14:00",
     "0001-01-01T00:00:00Z", "0001", "9999-12"],
)  # fmt: skip
def test_the_ends_of_the_calendar_are_within_it(time: str) -> None:
    found = converted(PATIENT, condition("good", recordedDate=time))
    assert not found.set_aside


TREES = st.recursive(
    st.text() | st.sampled_from([EARLY, LATE, "9999-12-31T23:59:60-12:00"]) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(TREES)
def test_no_resource_raises(value: Any) -> None:
    found = beyond_calendar({"x": value})
    holds = EARLY in str(value) or LATE in str(value)
    assert holds or found is None


WORDS = st.sampled_from(
    [b'"', b"0001", b"9999", b"-01-01", b"-12-31", b"T", b"1", b'"0001-01-01T', b'"9999-12-31T', b'"9999-01-01T', b"0001-01-01T"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=6).map(b"".join))
def test_a_text_holds_an_edge_where_one_of_the_two_days_begins_a_string(text: bytes) -> None:
    assert holds_edge(text) is (b'"0001-01-01T' in text or b'"9999-12-31T' in text)
