"""Units of measurement: which ones convert into one another, and by what factor."""

from decimal import Decimal
from functools import cache, lru_cache

from trialbridge.criteria.terminology.source import rows


@cache
def _table() -> dict[str, tuple[str, Decimal]]:
    return {_key(unit): (dimension, Decimal(factor)) for unit, dimension, factor in rows("units", 3)}


def _key(unit: str) -> str:
    return "".join(unit.split()).casefold().replace("µ", "u").replace("μ", "u")


def known() -> tuple[str, ...]:
    """Return every unit of the table."""
    return tuple(unit for unit, _, _ in rows("units", 3))


def is_known(unit: str) -> bool:
    """Return whether the table has the unit."""
    return _key(unit) in _table()


_MASS, _MOLAR = "mass concentration", "molar concentration"


@lru_cache(maxsize=4096)
def factor(have: str, want: str, molar_mass: Decimal | None = None) -> Decimal | None:
    """Return by what a value in ``have`` is multiplied to be in ``want``, or None where they do not convert.

    ``molar_mass`` (g/mol) lets mass and molar concentrations of one analyte convert: mmol/L times g/mol is mg/L.
    """
    if _key(have) == _key(want):
        return Decimal(1)
    one, other = _table().get(_key(have)), _table().get(_key(want))
    if one is None or other is None:
        return None
    if one[0] == other[0]:
        return one[1] / other[1]
    if molar_mass is not None and (one[0], other[0]) == (_MOLAR, _MASS):
        return one[1] * molar_mass / 1000 / other[1]
    if molar_mass is not None and (one[0], other[0]) == (_MASS, _MOLAR):
        return one[1] * 1000 / molar_mass / other[1]
    return None
