"""Protein markers: usual names, and the other names that records and trials use for them."""

from functools import lru_cache
from typing import Final

_NAMES: Final = {
    "ER": ("ESR1", "ESTROGEN RECEPTOR", "OESTROGEN RECEPTOR"),
    "PR": ("PGR", "PROGESTERONE RECEPTOR", "PGR RECEPTOR"),
    "HER2": ("ERBB2", "HER-2", "HER2/NEU", "HER-2/NEU", "C-ERBB2"),
    "PD-L1": ("PDL1", "PD L1", "CD274"),
    "AR": ("ANDROGEN RECEPTOR",),
    "KI-67": ("KI67", "MKI67", "MIB-1"),
    "CLDN18.2": ("CLAUDIN 18.2", "CLAUDIN-18.2"),
    "TROP2": ("TROP-2", "TACSTD2"),
    "FOLR1": ("FOLATE RECEPTOR ALPHA", "FRALPHA"),
}
_BY_NAME: Final = {name: marker for marker, names in _NAMES.items() for name in (marker, *names)}


def known() -> tuple[str, ...]:
    """Return every name of the table."""
    return tuple(_BY_NAME)


def is_known(marker: str) -> bool:
    """Return whether the usual name is in the table."""
    return marker in _NAMES


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """Return the usual name of a marker in upper case; one that the table lacks is returned as it is, in upper case."""
    plain = " ".join(name.split()).upper()
    return _BY_NAME.get(plain, plain)
