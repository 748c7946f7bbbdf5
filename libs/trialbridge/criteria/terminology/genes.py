"""Gene symbols: approved ones, and the aliases and former symbols that records and trials still use."""

from functools import cache, lru_cache

from trialbridge.criteria.terminology.source import listed, rows


@cache
def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for symbol, aliases in rows("genes", 2):
        table[symbol] = symbol
        for alias in listed(aliases):
            table.setdefault(alias, symbol)
    # An approved symbol always wins over another gene's alias.
    table.update({symbol: symbol for symbol, _ in rows("genes", 2)})
    return table


def known() -> tuple[str, ...]:
    """Return every symbol and alias of the table."""
    return tuple(_table())


@lru_cache(maxsize=65536)
def approved(symbol: str) -> str | None:
    """Return the approved symbol of a symbol, alias or former symbol in any letter case, or None where it is not known."""
    return _table().get(symbol.strip().upper())


@lru_cache(maxsize=65536)
def canonical(symbol: str) -> str:
    """Return the approved symbol, or the symbol itself in upper case where the table does not have it."""
    return approved(symbol) or symbol.strip().upper()
