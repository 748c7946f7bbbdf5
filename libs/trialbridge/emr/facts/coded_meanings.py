"""What the code of a procedure or a disease means, by tables of patterns: `disease_codes.tsv` and `procedure_kinds.tsv`.

Of C79.31 in ICD-10-CM the first one says: ``secondary``, ``cancer``, ``brain``. The tables' first lines say how to read their rows.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Final, Literal

from trialbridge.criteria.facts import Coding
from trialbridge.criteria.terminology import crosswalk
from trialbridge.emr.tables.rows import rows

Table = Literal["disease_codes", "procedure_kinds"]
ANY: Final = "any"
LONGEST: Final = 400
"""Characters of a coding that is remembered: with longer ones, a sender could fill the memory."""
_NAME: Final = "-name"
"""Ends the system word of a row whose pattern is of names, not of codes."""
_URIS: Final = {
    "icd10pcs": re.compile(r".*(?:icd-10-pcs.*|/coding/icd10|2\.16\.840\.1\.113883\.6\.4)"),
    "cpt": re.compile(r".*(?:ama-assn\.org.*|2\.16\.840\.1\.113883\.6\.12)"),
}
"""Addresses of the systems that only these tables tell apart."""


def meanings_of(table: Table, codes: Iterable[Coding]) -> Iterator[str]:
    """Yield what codings mean by a table, in the order of the codings and of the table's rows; nothing for those that it lacks."""
    for one in codes:
        code = (one.code or "").strip().upper()
        if code:
            told = one.system or "", code, one.text or ""
            yield from (_remembered if sum(map(len, told)) <= LONGEST else _meanings)(table, *told)


def _meanings(table: Table, uri: str, code: str, name: str) -> tuple[str, ...]:
    found = []
    for system, pattern, meaning in _rules(table):
        named = system.endswith(_NAME)
        if _is_of(system.removesuffix(_NAME), uri) and (pattern.match(name) if named else pattern.fullmatch(code)):
            found.append(meaning)
    return tuple(dict.fromkeys(found))


_remembered: Final = lru_cache(maxsize=16384)(_meanings)
"""The same codes come again and again."""


def _is_of(system: str, uri: str) -> bool:
    """Return whether a FHIR URI or OID is of the system that a row names."""
    own = _URIS.get(system)
    if own is not None:
        return own.fullmatch(uri.casefold()) is not None
    return system == ANY or crosswalk.system_of(uri) == system


@cache
def _rules(table: Table) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    return tuple((row[0], re.compile(row[1], re.IGNORECASE), row[2]) for row in rows(table))
