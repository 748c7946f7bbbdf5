"""Whether a unit is written as UCUM has it: a record that does not say so gets no system for what only looks like a unit."""

import re
from functools import cache, lru_cache
from typing import Final

from trialbridge.emr.tables.rows import rows

SYSTEM: Final = "http://unitsofmeasure.org"
LONGEST: Final = 60
_PREFIX: Final = "(?:da|[YZEPTGMkhdcmunpfazy])"
_NOTE: Final = r"\{[!-z|~]*\}"


@cache
def _expression() -> re.Pattern[str]:
    """Return the grammar of UCUM's terms, with parentheses once."""
    table = sorted(rows("ucum_atoms"), key=lambda row: -len(row[0]))
    atoms = "|".join((f"{_PREFIX}?" if prefix == "yes" else "") + re.escape(symbol) for symbol, prefix in table)
    component = rf"(?:(?:(?:{atoms})(?:[+-]?[0-9]{{1,2}})?|[0-9]{{1,9}})(?:{_NOTE})?|{_NOTE})"
    term = rf"/?{component}(?:[./]{component})*"
    part = rf"(?:{component}|\({term}\))"
    return re.compile(rf"/?{part}(?:[./]{part})*")


@lru_cache(maxsize=4096)
def is_valid(unit: str) -> bool:
    """Return whether a text is a unit of UCUM, case sensitive, of the symbols that clinical records use."""
    return len(unit) <= LONGEST and _expression().fullmatch(unit) is not None
