"""Distances to sites: met, not met, and each way to be unknown."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.criteria.test_probes import explained
from trialbridge.criteria import facts as f
from trialbridge.criteria.compiler import compile_text
from trialbridge.criteria.language import Location
from trialbridge.criteria.terminology.places import Circle, apart, home, point
from trialbridge.criteria.writing import surface_form, text_of

Answer = Callable[..., str]
HERE = f.Evidence(resource="Patient/1")
BOSTON = "42.36,-71.06"


def lives(**more: Any) -> f.Location:
    return f.Location(evidence=HERE, **more)


def at(latitude: str, longitude: str) -> f.Location:
    return lives(latitude=Decimal(latitude), longitude=Decimal(longitude))


@pytest.mark.parametrize(
    ("place", "kilometres", "expected"),
    [
        (at("42.36", "-71.06"), 1, "met"),
        (at("42.27", "-71.06"), 10, "not_met"),  # 10.007 km
        (at("42.2701", "-71.06"), 10, "met"),
        (at("40.71", "-74.01"), 310, "met"),
        (at("40.71", "-74.01"), 300, "not_met"),
        # A circle is all inside, all outside, or reaches across.
        (lives(country="US", region="MA"), 400, "met"),
        (lives(country="US", region="massachusetts"), 400, "met"),
        (lives(country="USA", region="CA"), 400, "not_met"),
        (lives(country="US", region="MA"), 50, "unknown"),
        (lives(country="US", postal_code="98101"), 400, "not_met"),
        (lives(region="WA", postal_code="98101"), 400, "not_met"),
        (lives(country="DE"), 400, "not_met"),
        # The recorded point decides over the region.
        (lives(country="US", region="CA", latitude=Decimal("42.36"), longitude=Decimal("-71.06")), 10, "met"),
        # No table tells where that is.
        (lives(region="CA"), 400, "unknown"),
        (lives(postal_code="98101"), 400, "unknown"),
        (lives(country="US", region="MA", postal_code="98101"), 400, "unknown"),
        (lives(country="US"), 400, "unknown"),
        (lives(country="Atlantis"), 400, "unknown"),
        (lives(latitude=Decimal("42.36")), 400, "unknown"),
        (lives(latitude=Decimal(142), longitude=Decimal(1)), 400, "unknown"),
        (lives(latitude=Decimal("NaN"), longitude=Decimal(1)), 400, "unknown"),
        (lives(), 400, "unknown"),
    ],
)
def test_the_distance_to_a_point(answer: Answer, place: f.Location, kilometres: int, expected: str) -> None:
    assert answer(f"location: {{within_km: {kilometres}, near: '{BOSTON}'}}", place) == expected


def test_without_an_address_and_with_several(answer: Answer) -> None:
    leaf = f"location: {{within_km: 10, near: '{BOSTON}'}}"
    assert answer(leaf) == "unknown"
    assert answer(leaf, at("42.36", "-71.06"), at("40.71", "-74.01")) == "unknown"
    moved = lives(effective="2026-01-01", latitude=Decimal("42.36"), longitude=Decimal("-71.06"))
    assert answer(leaf, lives(effective="2020-01-01", country="DE"), moved) == "met"


def test_country_region_and_distance_hold_together(answer: Answer) -> None:
    leaf = f"location: {{countries: [US], within_km: 400, near: '{BOSTON}'}}"
    assert answer(leaf, lives(country="US", region="NH")) == "met"
    assert answer(leaf, lives(country="CA", latitude=Decimal("45.5"), longitude=Decimal("-73.6"))) == "not_met"


SITES = """\
id: T
sites:
- {id: boston, latitude: 42.36, longitude: -71.06}
- {id: seattle, latitude: 47.61, longitude: -122.33, status: suspended}
- {id: denver, latitude: 39.74, longitude: -104.99, status: closed}
criteria: {location: {within_km: 100, SITES}}
"""


@pytest.mark.parametrize(
    ("sites", "near"),
    [
        ("", ("42.36,-71.06", "47.61,-122.33")),
        ("sites: denver", ("39.74,-104.99",)),
        ("sites: [boston, denver], near: '48.14 , 11.58000'", ("48.14,11.58", "42.36,-71.06", "39.74,-104.99")),
        ("near: '48.14,11.58'", ("48.14,11.58",)),
    ],
)
def test_registration_writes_the_points_of_the_sites(sites: str, near: tuple[str, ...]) -> None:
    compiled = compile_text(SITES.replace(", SITES", f", {sites}" if sites else ""))
    assert compiled.trial is not None, compiled.diagnostics
    assert isinstance(compiled.trial.criteria, Location)
    assert compiled.trial.criteria.near == near
    again = compile_text(text_of(surface_form(compiled.trial)))
    assert again.definition == compiled.definition


def test_a_reason_names_neither_the_point_nor_the_postal_code() -> None:
    place = lives(
        region="MA", country="US", postal_code="02139", latitude=Decimal("42.3655"), longitude=Decimal("-71.1043")
    )
    for near in (BOSTON, "0,0"):
        reason = explained(f"{{location: {{within_km: 30, near: '{near}'}}}}", place).criteria[0].reason
        assert reason == "Lives in MA, US; wanted: within 30 km of a site."


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        ((0, 0), (0, 180), 20015.1),
        ((90, 0), (-90, 7), 20015.1),
        ((0, 179.5), (0, -179.5), 111.2),
        ((52.52, 13.4), (48.14, 11.58), 504.2),
    ],
)
def test_great_circles(one: tuple[float, float], other: tuple[float, float], kilometres: float) -> None:
    assert apart(Circle(*one), Circle(*other)) == pytest.approx((kilometres, kilometres), abs=0.5)


@pytest.mark.parametrize(
    ("state", "city"),
    [("MA", "42.36,-71.06"), ("CA", "32.72,-117.16"), ("TX", "31.76,-106.49"), ("AK", "55.34,-131.65"), ("HI", "19.72,-155.08"),
     ("FL", "24.56,-81.78"), ("MI", "46.54,-87.40"), ("NY", "42.89,-78.88"), ("NY", "40.78,-73.97"), ("ID", "47.68,-116.78"),
     ("VA", "36.60,-82.19"), ("PR", "18.47,-66.11"), ("DC", "38.90,-77.04"), ("ME", "47.36,-68.33")],
)  # fmt: skip
def test_a_states_circle_holds_its_cities(state: str, city: str) -> None:
    circle, where = home("US", state, None), point(city)
    assert circle is not None
    assert where is not None
    assert apart(circle._replace(radius=0.0), where)[0] <= circle.radius
