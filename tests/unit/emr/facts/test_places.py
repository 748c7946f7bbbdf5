"""Where a patient lives, out of a FHIR address: with its point where the record has one. And of which sex a Patient is."""

from decimal import Decimal
from typing import Any

import pytest

from trialbridge.criteria import facts as f
from trialbridge.emr.facts.persons import GEOLOCATION, of_patient

_BORN = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"


def home(*parts: tuple[str, Any], url: str = GEOLOCATION) -> f.Location:
    point = {"url": url, "extension": [{"url": name, "valueDecimal": value} for name, value in parts]}
    address = {"use": "home", "state": "MA", "country": "US", "postalCode": "02139", "extension": [point]}
    patient = {"resourceType": "Patient", "id": "1", "address": [{"use": "old", "state": "CA"}, address]}
    found = [one for one in of_patient(patient, f.Evidence(resource="Patient/1")) if isinstance(one, f.Location)]
    assert len(found) == 1
    return found[0]


def test_an_address_brings_its_point_along() -> None:
    found = home(("latitude", Decimal("42.36")), ("longitude", Decimal("-71.1")))
    assert (found.region, found.latitude, found.longitude) == ("MA", Decimal("42.36"), Decimal("-71.1"))


@pytest.mark.parametrize(
    ("parts", "url"),
    [([], GEOLOCATION), ([("latitude", "north"), ("longitude", True)], GEOLOCATION), ([("latitude", 1)], "urn:other")],
)
def test_what_is_no_point_is_left_out(parts: list[tuple[str, Any]], url: str) -> None:
    found = home(*parts, url=url)
    assert (found.latitude, found.longitude, found.postal_code) == (None, None, "02139")


@pytest.mark.parametrize(
    ("gender", "born", "sex"),
    [
        ("female", "F", "female"),
        ("female", "M", None),
        ("unknown", "M", "male"),
        (None, "F", "female"),
        ("male", "UNK", "male"),
    ],
)
def test_a_gender_that_is_not_the_sex_at_birth_settles_no_sex(gender: str | None, born: str, sex: str | None) -> None:
    patient = {"resourceType": "Patient", "id": "p", "extension": [{"url": _BORN, "valueCode": born}]}
    [fact] = of_patient({**patient, **({"gender": gender} if gender else {})}, f.Evidence(resource="Patient/p"))
    assert isinstance(fact, f.Demographics)
    assert fact.sex == sex
