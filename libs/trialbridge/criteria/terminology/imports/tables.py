"""The form of imported tables: tab-separated rows under a line that names the form, checked again whenever they are loaded."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from trialbridge.criteria.terminology.imports.crosswalk_sheet import SHAPES, read_crosswalk
from trialbridge.criteria.terminology.imports.drugs_sheet import read_drugs
from trialbridge.criteria.terminology.imports.flaws import Imported, plain
from trialbridge.criteria.terminology.imports.half_lives_sheet import hours_of, read_half_lives
from trialbridge.criteria.terminology.imports.hgnc import SYMBOL, read_hgnc
from trialbridge.criteria.terminology.imports.oncotree_json import CODE, read_oncotree
from trialbridge.criteria.terminology.imports.places_sheet import WIDEST, degrees, read_places
from trialbridge.criteria.terminology.places import COUNTRY, EASTMOST, NORTHMOST
from trialbridge.criteria.terminology.source import listed

READERS: Final[Mapping[str, Callable[[bytes], Imported]]] = {
    "oncotree": read_oncotree,
    "hgnc": read_hgnc,
    "drugs": read_drugs,
    "crosswalk": read_crosswalk,
    "half-lives": read_half_lives,
    "places": read_places,
}
"""What can be imported, by the name that people use."""
TABLES: Final[Mapping[str, str]] = {
    "oncotree": "oncotree",
    "hgnc": "genes",
    "drugs": "drugs",
    "crosswalk": "crosswalk",
    "half-lives": "half_lives",
    "places": "places",
}
"""The table that each import makes."""
_WIDTHS: Final = {"oncotree": 5, "genes": 3, "drugs": 3, "crosswalk": 3, "half_lives": 4, "places": 6}
FORM: Final = 1
Row = tuple[str, ...]


class Wrong(NamedTuple):
    """The first row of a table that is not as it should be."""

    line: int
    message: str


def heading(table: str) -> str:
    """Return the first line of a table."""
    return f"# trialbridge-terminology {FORM} {table}"


def written(found: Imported) -> str:
    """Return the table as text; the same rows give the same text."""
    lines = (heading(found.table), *("\t".join(row) for row in found.rows))
    return "\n".join(lines) + "\n"


def wrong(table: str, text: str) -> Wrong | None:
    """Return what is wrong with a table's text, None where it is as `written` writes it."""
    first, _, rest = text.partition("\n")
    if first != heading(table):
        return Wrong(1, f"The first line is not {heading(table)!r}")
    if not rest.endswith("\n"):
        return Wrong(text.count("\n") + 1, "The end of the table is missing")
    rows = [tuple(line.split("\t")) for line in rest[:-1].split("\n")]
    for line, row in enumerate(rows, 2):
        if len(row) != _WIDTHS[table] or any(cell != plain(cell) for cell in row[:1]):
            return Wrong(line, f"The row does not have {_WIDTHS[table]} cells")
    return next(_CHECKS[table](rows), None)


def _oncotree(rows: list[Row]) -> Iterator[Wrong]:
    seen = {""}
    for line, (code, parent, name, _, former) in enumerate(rows, 2):
        if not CODE.fullmatch(code) or code in seen or not name:
            yield Wrong(line, "The code is unusual or there already, or the name is missing")
        if parent not in seen:
            yield Wrong(line, "The parent stands nowhere above")
        if not all(CODE.fullmatch(one) for one in listed(former)):
            yield Wrong(line, "A former code is unusual")
        seen.add(code)


def _genes(rows: list[Row]) -> Iterator[Wrong]:
    seen: set[str] = set()
    for line, (symbol, _, _) in enumerate(rows, 2):
        if not SYMBOL.fullmatch(symbol) or symbol in seen:
            yield Wrong(line, "The symbol is unusual or there already")
        seen.add(symbol)


def _drugs(rows: list[Row]) -> Iterator[Wrong]:
    seen: set[str] = set()
    for line, row in enumerate(rows, 2):
        if not row[0] or row[0] in seen or any(cell != cell.casefold() for cell in row):
            yield Wrong(line, "The drug is missing or there already, or the row is not in lower case")
        seen.add(row[0])


def _crosswalk(rows: list[Row]) -> Iterator[Wrong]:
    seen: set[tuple[str, str]] = set()
    for line, (system, code, terms) in enumerate(rows, 2):
        shape = SHAPES.get(system)
        if shape is None or not shape.fullmatch(code) or (system, code) in seen:
            yield Wrong(line, "The code is no code of its system, or there already")
        if not all(CODE.fullmatch(term) for term in terms.split("|")):
            yield Wrong(line, "An OncoTree term is unusual")
        seen.add((system, code))


def _half_lives(rows: list[Row]) -> Iterator[Wrong]:
    seen: set[str] = set()
    for line, (drug, hours, _, _) in enumerate(rows, 2):
        if not drug or drug in seen or drug != drug.casefold() or hours_of(hours) is None:
            yield Wrong(line, "The drug is missing or there already, or its half-life is no number of hours")
        seen.add(drug)


def _places(rows: list[Row]) -> Iterator[Wrong]:
    seen: set[tuple[str, str]] = set()
    for line, (country, kind, code, north, east, radius) in enumerate(rows, 2):
        angles = degrees(north, NORTHMOST), degrees(east, EASTMOST), degrees(radius, WIDEST)
        if kind != "postal" or not COUNTRY.fullmatch(country) or not code or (country, code) in seen or None in angles:
            yield Wrong(line, "The place is no postal code, or there already, or its circle is none")
        seen.add((country, code))


_CHECKS: Final[Mapping[str, Callable[[list[Row]], Iterator[Wrong]]]] = {
    "oncotree": _oncotree,
    "genes": _genes,
    "drugs": _drugs,
    "crosswalk": _crosswalk,
    "half_lives": _half_lives,
    "places": _places,
}
