"""Comorbidities by usual name, ICD-10 prefix or SNOMED CT code."""

from functools import cache

from trialbridge.criteria.terminology.source import listed, rows


@cache
def _names() -> dict[str, str]:
    table: dict[str, str] = {}
    for condition, _, _, aliases in rows("conditions", 4):
        table[condition] = condition
        table.update(dict.fromkeys(listed(aliases), condition))
    return table


@cache
def _codes() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {condition: (listed(icd), listed(snomed)) for condition, icd, snomed, _ in rows("conditions", 4)}


def known() -> tuple[str, ...]:
    """Return every condition name of the table."""
    return tuple(_names())


def named(word: str) -> str | None:
    """Return the usual name of a condition in any letter case, or None."""
    return _names().get(" ".join(word.split()).casefold())


def codes_of(condition: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ICD-10 prefixes and the SNOMED CT codes of a condition; both empty where the table lacks it."""
    return _codes().get(condition, ((), ()))
