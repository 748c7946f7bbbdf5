"""The public sample documents: all of their output valid, nothing dangling, every leaf accounted for, and the facts in them."""

from pathlib import Path

import pytest

from tests.unit.emr.ccda.documents import convert_document, leaves_in, references_in, resources_of
from trialbridge.contracts.errors import Place
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.fhir.models import check_by_model
from trialbridge.emr.jsontext import canonical
from trialbridge.emr.records import Conversion
from trialbridge.emr.sniff import media_type_of

NAMES = ["CCD.xml", "Consultation_Note.xml", "Discharge_Summary.xml", "Progress_Note.xml"]


def converted(path: Path) -> Conversion:
    body = path.read_bytes()
    assert media_type_of("file", body) == "application/cda+xml"
    return convert_document(body)


@pytest.mark.parametrize("name", NAMES)
def test_all_output_is_valid_by_both_checkers_and_nothing_dangles(shared_data: Path, name: str) -> None:
    found = resources_of(converted(shared_data / "ccda" / name))
    known = {f"{one['resourceType']}/{one['id']}" for one in found}
    assert len(known) == len(found)
    for resource in found:
        check(resource, Place())
        check_by_model(resource, Place())
        assert set(references_in(resource)) <= known


@pytest.mark.parametrize("name", NAMES)
def test_every_leaf_is_accounted_for_and_nine_in_ten_are_mapped(shared_data: Path, name: str) -> None:
    path = shared_data / "ccda" / name
    leaves = converted(path).account["leaves"]
    assert leaves["leaves"] == leaves_in(path.read_bytes())
    assert leaves["unaccounted"] == 0
    assert leaves["mapped"] + leaves["kept"] + leaves["dropped"] == leaves["leaves"]
    assert leaves["mapped"] / leaves["leaves"] >= 0.95
    told = leaves["mapped"] - leaves["structure"]
    assert told / (leaves["leaves"] - leaves["structure"]) >= 0.90


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bytes_give_the_same_bytes(shared_data: Path, name: str) -> None:
    first, second = (canonical(resources_of(converted(shared_data / "ccda" / name))) for _ in range(2))
    assert first == second


def test_only_dates_that_no_calendar_has_are_reported(shared_data: Path) -> None:
    errors = [one.error for name in NAMES for one in converted(shared_data / "ccda" / name).set_aside]
    assert {one.code for one in errors} == {"ccda.bad-date"}
    assert all(one.place.entry and one.place.segment and one.place.field for one in errors)
