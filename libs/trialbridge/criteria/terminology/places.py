"""Where people live and trials recruit: points, and circles that surely hold a postal code, a region or a country."""

import math
import re
from decimal import Decimal
from typing import Final, NamedTuple

from trialbridge.criteria.terminology.source import imported, kept, listed, rows

EARTH_KM: Final = 6371.0088
"""Mean radius of the earth (IUGG)."""
NORTHMOST: Final = 90
EASTMOST: Final = 180
_POINT: Final = re.compile(r"\s*([+-]?\d{1,2}(?:\.\d{1,9})?)\s*,\s*([+-]?\d{1,3}(?:\.\d{1,9})?)\s*")
COUNTRY: Final = re.compile(r"[A-Z]{2}")
_ZIP: Final = re.compile(r"(\d{5})(?:-?\d{4})?")


class Circle(NamedTuple):
    """A circle on the earth, in degrees and kilometres; a point where the radius is 0."""

    latitude: float
    longitude: float
    radius: float = 0.0


def point(text: str) -> Circle | None:
    """Return the point ``latitude,longitude`` in degrees, None where the text is none."""
    match = _POINT.fullmatch(text)
    return located(Decimal(match[1]), Decimal(match[2])) if match else None


def located(latitude: Decimal | None, longitude: Decimal | None) -> Circle | None:
    """Return the point, None where a part is missing or is no such angle."""
    if latitude is None or longitude is None or not (latitude.is_finite() and longitude.is_finite()):
        return None
    on_globe = abs(latitude) <= NORTHMOST and abs(longitude) <= EASTMOST
    return Circle(float(latitude), float(longitude)) if on_globe else None


def apart(one: Circle, other: Circle) -> tuple[float, float]:
    """Return the least and the greatest distance between any points of two circles: great circles, km to the millimetre."""
    north, south = math.radians(one.latitude), math.radians(other.latitude)
    turn = math.radians(other.longitude - one.longitude)
    half = math.sin((south - north) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(turn / 2) ** 2
    # Rounded, so that the last digit of a machine's sines decides nothing.
    middle = round(2 * EARTH_KM * math.asin(math.sqrt(min(half, 1.0))), 6)
    reach = one.radius + other.radius
    return max(middle - reach, 0.0), middle + reach


def _folded(text: str | None) -> str:
    return " ".join((text or "").split()).casefold()


def postal_key(country: str, code: str) -> str:
    """Return a postal code as tables have it: without blanks and dashes, of the United States the first five digits."""
    found = _ZIP.fullmatch(code.strip())
    return found[1] if country == "US" and found else re.sub(r"[\s-]", "", code).upper()


@kept()
def _circles() -> dict[tuple[str, str, str], Circle]:
    every = (*rows("places", 8), *imported("places", 6))
    return {
        (country, kind, key): Circle(float(north), float(east), float(radius))
        for country, kind, key, north, east, radius, *_ in every
        if north
    }


@kept()
def _names() -> dict[tuple[str, str], tuple[str, str]]:
    found = {}
    for country, kind, key, _, _, _, names, _ in rows("places", 8):
        for name in (key, *listed(names)):
            found[kind, _folded(name)] = (country, key)
    for country, *_ in imported("places", 6):
        found.setdefault(("country", _folded(country)), (country, country))
    return found


def country(text: str) -> str | None:
    """Return the code (ISO 3166, two letters) of a country by code or name, None where no table has it."""
    found = _names().get(("country", _folded(text)))
    return found[0] if found else None


@kept()
def _states() -> dict[str, str]:
    found = {}
    for _, _, key, _, _, _, _, zips in rows("places", 8):
        for part in listed(zips):
            first, _, last = part.partition("-")
            found.update({f"{number:03}": key for number in range(int(first), int(last or first) + 1)})
    return found


@kept(maxsize=65536)
def home(land: str | None, region: str | None, postal: str | None) -> Circle | None:
    """Return a circle that surely holds a place of living; None where the tables cannot tell, or its parts disagree.

    The postal code decides where a table has it, else the region, else the country. Without a country, a ZIP code in the state
    that is named with it is one of the United States.
    """
    zipped = _ZIP.fullmatch((postal or "").strip())
    state = _states().get(zipped[1][:3]) if zipped else None
    named = _names().get(("region", _folded(region)), ("", ""))[1]
    found = _names().get(("country", _folded(land)), ("", ""))[0]
    if not land and state is not None and state == named:
        found = "US"
    if not found:
        return None
    by_code = _circles().get((found, "postal", postal_key(found, postal or "")))
    if by_code is not None or found != "US":
        return by_code or _circles().get((found, "country", found))
    if region and not named:
        # A region that no table has contradicts nothing, and leaves the ZIP code to say where.
        named = state or ""
    if state is not None and named not in ("", state):
        return None
    return _circles().get(("US", "region", named or state or ""))
