"""Files of rows and columns with a header: tab- or comma-separated, with or without quotes, in UTF-8."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Final, NamedTuple

from trialbridge.contracts.errors import Place, Refused
from trialbridge.criteria.terminology.imports.flaws import Findings

_MARK: Final = "\ufeff"
_LONGEST: Final = 1_000_000
"""Characters of a line; no row of a table of terms comes near."""


class Row(NamedTuple):
    """A row of the file: the line on which it ends, and its cells by the columns' usual names."""

    line: int
    cells: Mapping[str, str]


class Sheet(NamedTuple):
    """A file's rows, and which of the known columns it has."""

    columns: frozenset[str]
    rows: Iterator[Row]


def text_of(body: bytes) -> str:
    """Return the file's text; raise `Refused` ``terminology.not-text`` where it is no UTF-8."""
    try:
        return body.decode("utf-8").removeprefix(_MARK)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        message = f"The file is not UTF-8 text: see line {line}. Save it as UTF-8."
        raise Refused("terminology.not-text", message, Place(field=f"line {line}")) from None


def web_page(body: bytes) -> str:
    """Return a sentence where the file is a page of the web, as servers give in place of what was asked for; else nothing."""
    return "This is a page of the web: download the file again. " if body.lstrip()[:1] == b"<" else ""


def sheet(body: bytes, names: Mapping[str, Sequence[str]], needed: Sequence[str], findings: Findings) -> Sheet:
    """Return the rows of a file under their columns' usual names.

    Args:
        body: The file. Lines that start with ``#`` before the header are left out.
        names: The usual name of each column, and the headings that mean it, in any letter case.
        needed: The columns that there must be.
        findings: Where rows that cannot be read are noted.

    Raises:
        Refused: ``terminology.not-text``, or ``terminology.columns-missing`` with the headings that would be understood.
    """
    lines = text_of(body).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines):
        if len(line) > _LONGEST:
            findings.error(number + 1, "row-unreadable", f"The line has more than {_LONGEST} characters.")
            lines[number] = ""
    first = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")), 0)
    reader = csv.reader(io.StringIO("\n".join(lines[first:])), delimiter="\t" if "\t" in lines[first] else ",")
    numbered = _numbered(reader, lambda: first + reader.line_num, findings)
    meant = {other.casefold(): name for name, others in names.items() for other in (name, *others)}
    header = [meant.get(cell.strip().casefold(), "") for cell in next(numbered, (0, []))[1]]
    missing = [name for name in needed if name not in header]
    if missing:
        known = "; ".join(f"{name} (or {', '.join(names[name])})" if names[name] else name for name in missing)
        message = f"{web_page(body)}The header has no column {known}. Columns are separated by tabs or commas."
        raise Refused("terminology.columns-missing", message, Place(field=f"line {first + 1}"))
    end = 0 if lines[-1] == "" else len(lines)
    return Sheet(frozenset(header) - {""}, _rows(numbered, header, end, findings))


def _numbered(
    reader: Iterator[list[str]], line: Callable[[], int], findings: Findings
) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each row that can be read, with the line on which it ends."""
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            findings.error(line(), "row-unreadable", "The row cannot be read; see its quotes.")
        else:
            yield line(), cells


def _rows(numbered: Iterable[tuple[int, list[str]]], header: list[str], end: int, findings: Findings) -> Iterator[Row]:
    """Yield the rows; ``end`` is the last line where nothing ends it."""
    for line, cells in numbered:
        if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
            continue
        if len(cells) > len(header):
            message = f"The row has {len(cells)} cells, the header {len(header)}; a cell with a separator needs quotes."
            findings.error(line, "row-long", message)
            continue
        if line == end and len(cells) < len(header):
            findings.warn(line, "cut-off", "The file ends within this row; if it was cut off, bring the whole one.")
        # Programs leave out empty cells at the end.
        every = zip(header, chain(cells, repeat("")), strict=False)
        yield Row(line, {name: cell.strip() for name, cell in every if name})
