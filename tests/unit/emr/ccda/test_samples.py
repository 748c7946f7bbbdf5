"""The public sample documents: all of their output valid, nothing dangling, every leaf accounted for, and the facts in them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.fhir.models import check_by_model
from trialbridge.emr.jsontext import canonical
from trialbridge.emr.records import Conversion, Entry, Feed
from trialbridge.emr.sniff import media_type_of

FEED = Feed(NetworkId("lakeland"), TenantId("north"), SourceId("lakeland/north/ccda"), "2026-11-21T08:00:00Z")
NAMES = ["CCD.xml", "Consultation_Note.xml", "Discharge_Summary.xml", "Progress_Note.xml"]


def converted(path: Path) -> Conversion:
    body = path.read_bytes()
    return convert([Entry(path.name, media_type_of(path.name, body), body)], FEED)


def resources(found: Conversion) -> list[dict[str, Any]]:
    return [*found.shared, *(one for patient in found.patients for one in patient.resources)]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


@pytest.mark.parametrize("name", NAMES)
def test_all_output_is_valid_by_both_checkers_and_nothing_dangles(shared_data: Path, name: str) -> None:
    found = resources(converted(shared_data / "ccda" / name))
    known = {f"{one['resourceType']}/{one['id']}" for one in found}
    assert len(known) == len(found)
    for resource in found:
        check(resource, Place())
        check_by_model(resource, Place())
        assert set(references(resource)) <= known


@pytest.mark.parametrize("name", NAMES)
def test_every_leaf_is_accounted_for_and_nine_in_ten_are_mapped(shared_data: Path, name: str) -> None:
    leaves = converted(shared_data / "ccda" / name).account["leaves"]
    assert leaves["unaccounted"] == 0
    assert leaves["mapped"] + leaves["kept"] + leaves["dropped"] == leaves["leaves"]
    assert leaves["mapped"] / leaves["leaves"] >= 0.90


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bytes_give_the_same_bytes(shared_data: Path, name: str) -> None:
    first, second = (canonical(resources(converted(shared_data / "ccda" / name))) for _ in range(2))
    assert first == second


def test_only_dates_that_no_calendar_has_are_reported(shared_data: Path) -> None:
    errors = [one.error for name in NAMES for one in converted(shared_data / "ccda" / name).set_aside]
    assert {one.code for one in errors} == {"ccda.bad-date"}
    assert all(one.place.entry and one.place.segment and one.place.field for one in errors)
