"""Oncology drugs: generic names, other names and classes."""

from functools import cache, lru_cache

from trialbridge.criteria.terminology.source import listed, rows


@cache
def _classes() -> dict[str, frozenset[str]]:
    return {drug: frozenset(listed(classes)) for drug, classes, _ in rows("drugs", 3)}


@cache
def _names() -> dict[str, str]:
    table = {alias: drug for drug, _, aliases in rows("drugs", 3) for alias in listed(aliases)}
    table.update({drug: drug for drug in _classes()})
    return table


def known() -> tuple[str, ...]:
    """Return every drug name of the table."""
    return tuple(_names())


@cache
def classes() -> frozenset[str]:
    """Return every drug class of the table."""
    return frozenset(word for words in _classes().values() for word in words)


@lru_cache(maxsize=65536)
def generic(drug: str) -> str:
    """Return the generic name in lower case; a drug that the table lacks is returned as it is, in lower case."""
    low = " ".join(drug.split()).casefold()
    return _names().get(low, low)


@lru_cache(maxsize=65536)
def classes_of(drug: str) -> frozenset[str] | None:
    """Return the classes of a drug, or None where the table does not know the drug (which is not the same as no class)."""
    return _classes().get(generic(drug))
