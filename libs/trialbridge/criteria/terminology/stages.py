"""Words of staging in one form: groups in roman numerals without the word stage, T, N and M without their prefixes."""

import re
from functools import lru_cache
from typing import Final

_ROMAN: Final = {"1": "I", "2": "II", "3": "III", "4": "IV"}
_GROUP: Final = re.compile(r"(?:STAGE\s*)?(0|OCCULT|IV|III|II|I|[1-4])\s*([A-E]?[1-3]?)(?:S|E)?")
_CATEGORY: Final = {
    "t": re.compile(r"T(?:X|0|IS|A|[1-4])(?:MI|[A-E])?[1-3]?(?:\(.*\))?"),
    "n": re.compile(r"N(?:X|[0-3])(?:MI|[A-D])?(?:\(.*\))?"),
    "m": re.compile(r"M(?:X|[01])(?:[A-E])?[0-9]?(?:\(.*\))?"),
}
_PREFIX: Final = re.compile(r"^(?:Y?[CPRA]|Y)+(?=[TNM])")


@lru_cache(maxsize=4096)
def group(word: str) -> str | None:
    """Return a stage group such as ``IIIA`` (from ``Stage IIIA``, ``3a``), or None where it is not one."""
    found = _GROUP.fullmatch(" ".join(word.split()).upper())
    return None if found is None else _ROMAN.get(found[1], found[1]) + found[2]


@lru_cache(maxsize=4096)
def category(axis: str, word: str) -> str | None:
    """Return a T, N or M category without its prefix (``cT2a`` is ``T2A``, ``2a`` too), or None where it is not one."""
    plain = _PREFIX.sub("", "".join(word.split()).upper())
    plain = plain if plain.startswith(axis.upper()) else axis.upper() + plain
    return plain if _CATEGORY[axis].fullmatch(plain) else None


@lru_cache(maxsize=4096)
def covers(wanted: str, recorded: str) -> bool:
    """Return whether ``recorded`` (``IIIA``, ``T2A``) is ``wanted`` (``III``, ``T2``) or a part of it; both in one form."""
    rest = recorded[len(wanted) :]
    return recorded.startswith(wanted) and (
        not rest or rest[0] in "ABCDE(M" or (rest[0].isdigit() and len(wanted) > 1 and wanted[-1].isalpha())
    )
