"""HGNC's complete set (``hgnc_complete_set.txt``) and its custom downloads: approved symbols, aliases, former symbols."""

import re
from collections.abc import Iterable
from typing import Final

from trialbridge.criteria.terminology.imports.delimited import Row, sheet
from trialbridge.criteria.terminology.imports.flaws import Findings, Imported, finished, plain

SYMBOL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,39}")
_COLUMNS: Final = {
    "symbol": ("Approved symbol",),
    "status": ("Status",),
    "alias_symbol": ("Alias symbols", "Alias symbol", "Synonyms"),
    "prev_symbol": ("Previous symbols", "Previous symbol"),
}
_IN_USE: Final = "approved"
_SHOWN: Final = 6


def read_hgnc(body: bytes) -> Imported:
    """Return the genes in a file of HGNC; raise `Refused` where the file as a whole cannot be used.

    Rows: symbol, aliases and former symbols, names that the gene shares with others. A name that is another gene's approved symbol
    is that gene's alone; one that several genes have as alias or former symbol is no one's, and is told of.
    """
    findings = Findings()
    named: dict[str, set[str]] = {}
    taken: set[str] = set()
    for row in sheet(body, _COLUMNS, tuple(_COLUMNS), findings).rows:
        symbol, names = row.cells["symbol"], row.cells
        if not names["status"]:
            findings.error(row.line, "row-unreadable", "The row has no status; is the file cut off here?")
        elif names["status"].casefold() != _IN_USE:
            findings.skipped += 1
        elif not SYMBOL.fullmatch(symbol):
            findings.error(row.line, "bad-code", "The row has no symbol, or one with unusual characters.")
        elif symbol.upper() in taken:
            findings.error(row.line, "duplicate", f"{symbol} is there already; the first row stays.")
        else:
            taken.add(symbol.upper())
            named[symbol] = set(_names(row, findings)) - {symbol.upper()}
    return finished("genes", _rows(named, findings), findings)


def _names(row: Row, findings: Findings) -> Iterable[str]:
    for cell in (row.cells["alias_symbol"], row.cells["prev_symbol"]):
        # The complete set separates by bars, custom downloads by commas.
        for part in re.split(r"\||, ", cell):
            name = plain(part.strip().strip('"')).upper()
            if "," in name:
                findings.warn(row.line, "bad-name", f"{row.cells['symbol']} has a name with a comma; it is left out.")
            elif name:
                yield name


def _rows(named: dict[str, set[str]], findings: Findings) -> list[tuple[str, ...]]:
    approved = {symbol.upper() for symbol in named}
    genes: dict[str, list[str]] = {}
    for symbol in sorted(named):
        for name in sorted(named[symbol] - approved):
            genes.setdefault(name, []).append(symbol)
    shared = {name for name, symbols in genes.items() if len(symbols) > 1}
    for name in sorted(shared):
        shown = ", ".join(genes[name][:_SHOWN]) + (" …" if genes[name][_SHOWN:] else "")
        findings.warn(name, "shared-name", f"{name} is a name of {shown}: it means none of them.")
    return [
        (symbol, ",".join(sorted(names - approved - shared)), ",".join(sorted((names - approved) & shared)))
        for symbol, names in sorted(named.items())
    ]
