"""Gene symbols: approved ones, and the aliases and former symbols that records and trials still use.

An approved symbol is never another gene's alias. A name that several genes share is none of them: it is reported, not guessed.
"""

from trialbridge.criteria.terminology.source import imported, kept, listed, rows


@kept()
def _table() -> dict[str, str]:
    """Return the approved symbol of every name; what is packaged fills the gaps of an imported table."""
    approved: dict[str, str] = {symbol.upper(): symbol for symbol, _, _ in imported("genes", 3)}
    table = {name.upper(): symbol for symbol, names, _ in imported("genes", 3) for name in listed(names)}
    table.update(approved)
    for symbol, names, _ in rows("genes", 3):
        current = table.get(symbol, symbol)
        for name in (symbol, *listed(names)):
            table.setdefault(name, current)
    # An approved symbol always wins over another gene's alias.
    own = {symbol: symbol for symbol, _, _ in rows("genes", 3) if not approved}
    return table | own


@kept()
def _shared() -> dict[str, tuple[str, ...]]:
    """Return the names that several genes have, with those genes."""
    found: dict[str, set[str]] = {}
    for symbol, _, names in (*imported("genes", 3), *rows("genes", 3)):
        for name in listed(names):
            found.setdefault(name.upper(), set()).add(canonical(symbol))
    known = _table()
    return {name: tuple(sorted(symbols)) for name, symbols in found.items() if name not in known}


def known() -> tuple[str, ...]:
    """Return every symbol and alias of the table."""
    return tuple(_table())


@kept(maxsize=65536)
def approved(symbol: str) -> str | None:
    """Return the approved symbol of a symbol, alias or former symbol in any letter case, or None where it is not known."""
    return _table().get(symbol.strip().upper())


@kept(maxsize=65536)
def canonical(symbol: str) -> str:
    """Return the approved symbol, or the symbol itself in upper case where the table does not have it."""
    return approved(symbol) or symbol.strip().upper()


def choices(name: str) -> tuple[str, ...]:
    """Return the genes that share an ambiguous name, sorted; none where the name is clear or not known."""
    return _shared().get(name.strip().upper(), ())


def shared() -> dict[str, tuple[str, ...]]:
    """Return every ambiguous name with its genes."""
    return dict(_shared())
