"""Own tables of postal codes: columns ``country``, ``postal_code``, ``latitude``, ``longitude`` and ``radius_km``."""

from decimal import Decimal, InvalidOperation
from typing import Final

from trialbridge.criteria.terminology import places
from trialbridge.criteria.terminology.imports.delimited import Row, sheet
from trialbridge.criteria.terminology.imports.flaws import Findings, Imported, finished, plain

_COLUMNS: Final = {
    "country": ("country_code",),
    "postal_code": ("zip", "zip_code", "postcode", "geoid"),
    "latitude": ("lat", "intptlat"),
    "longitude": ("lon", "long", "lng", "intptlong"),
    "radius_km": ("radius",),
}
WIDEST: Final = 5_000
"""Kilometres; the area of a postal code is smaller everywhere."""


def read_places(body: bytes) -> Imported:
    """Return the postal codes in a file; raise `Refused` where the file as a whole cannot be used.

    Rows: country (ISO 3166), ``postal``, code, latitude and longitude in degrees, and the radius in kilometres of a circle that holds it.
    """
    findings = Findings()
    kept: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in sheet(body, _COLUMNS, ("country", "postal_code", "latitude", "longitude", "radius_km"), findings).rows:
        _take(row, kept, findings)
    return finished("places", [kept[key] for key in sorted(kept)], findings)


def degrees(text: str, most: int) -> Decimal | None:
    """Return a number from ``-most`` to ``most``, None where the text is none."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) <= most and len(text) <= len("-179.123456789") else None


def _take(row: Row, kept: dict[tuple[str, str], tuple[str, ...]], findings: Findings) -> None:
    country = places.country(plain(row.cells["country"])) or plain(row.cells["country"]).upper()
    code = places.postal_key(country, plain(row.cells["postal_code"]))
    north, east = degrees(row.cells["latitude"], places.NORTHMOST), degrees(row.cells["longitude"], places.EASTMOST)
    radius = degrees(row.cells["radius_km"], WIDEST)
    if not places.COUNTRY.fullmatch(country):
        findings.error(
            row.line, "bad-code", "The country is a code of two letters (ISO 3166), or a name that is known."
        )
    elif not code.isalnum():
        findings.error(row.line, "bad-code", "The row has no postal code.")
    elif north is None or east is None:
        findings.error(row.line, "bad-number", "Latitude and longitude are degrees: 42.36 and -71.06.")
    elif radius is None or radius < 0:
        findings.error(row.line, "bad-number", f"The radius is a number of kilometres, from 0 to {WIDEST}.")
    elif (country, code) in kept:
        findings.error(row.line, "duplicate", f"{country} {code} is there already; the first row stays.")
    else:
        kept[country, code] = (country, "postal", code, f"{north:f}", f"{east:f}", f"{radius:f}")
