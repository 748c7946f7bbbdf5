"""One row under conversion: its cells by the layout's columns, what local words stand for, and what was wrong in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import Derived, Leaf, made
from trialbridge.emr.csv.layouts import plain
from trialbridge.emr.csv.mapping import Coded
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Feed, Resource

Cell = Leaf | Derived
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]+")
_EXCEL: Final = re.compile(r'="([^"]*)"')


@dataclass(slots=True)
class Table:
    """What holds for all rows of a file."""

    entry: str
    feed: Feed
    layout: str
    header: tuple[str, ...]
    """Names of the columns as the file has them."""
    columns: Mapping[str, int]
    """Column of the layout in plain letters: which of the file's it is."""
    constants: Mapping[str, str]
    """Column of the layout in plain letters: the mapping's value for every row."""
    codes: Mapping[str, Mapping[str, str | Coded]]
    units: Mapping[str, str]
    formats: tuple[str, ...]
    mrn_system: str | None = None

    def id_of(self, kind: str, *parts: str) -> str:
        """Return the id of a resource of this source."""
        return resource_id(self.feed.source, kind, *parts)


@dataclass(slots=True)
class Row:
    """One row; ``leaves`` are its populated cells by the number of their column."""

    table: Table
    number: int
    leaves: Mapping[int, Leaf]
    local: str = ""
    patient: str = ""
    """The Patient's id."""
    wrong: list[Poison] = field(default_factory=list)
    """Cells that cannot be read; the row goes on without them."""
    made: dict[str, Resource] = field(default_factory=dict)
    """Resources of the row by product."""

    def cell(self, column: str) -> Cell | None:
        """Return the content of a column without spaces around it, None where there is none."""
        name = plain(column)
        constant = self.table.constants.get(name)
        if constant is not None:
            return made(constant)
        number = self.table.columns.get(name)
        leaf = self.leaves.get(number) if number is not None else None
        return clean(leaf) if leaf is not None else None

    def coded(self, column: str) -> tuple[Cell | None, Coded | None]:
        """Return a column's word, and what the mapping says that it stands for where that is a code of another system."""
        found = self.cell(column)
        meaning = self.table.codes.get(plain(column), {}).get(found) if found is not None else None
        if isinstance(meaning, str):
            return made(meaning, found), None
        return found, meaning

    def word(self, column: str) -> Cell | None:
        """Return a column's word after the mapping's table of local words."""
        found, meaning = self.coded(column)
        return made(meaning.code, found) if meaning is not None else found

    def place(self, column: str = "") -> Place:
        """Return where the row, or a cell of it, is in the file; the column by the name that the file gives it."""
        number = self.table.columns.get(plain(column)) if column else None
        name = self.table.header[number] if number is not None else column
        return Place(entry=self.table.entry, segment=f"row[{self.number}]", field=name or None)

    def report(self, column: str, code: str, message: str) -> None:
        """Note that a cell cannot be read: the rest of its row goes on without it."""
        self.wrong.append(Poison(code, message, self.place(column)))

    def subject(self, mrn: str) -> dict[str, Derived]:
        """Return the reference to the patient, made of the record number."""
        return {"reference": made(f"Patient/{self.patient}", mrn)}


def clean(leaf: Leaf) -> Cell | None:
    """Return a cell's content in one line's spaces and without control characters; ``="00123"`` of spreadsheets is 00123."""
    text = _CONTROL.sub(" ", leaf).strip()
    excel = _EXCEL.fullmatch(text)
    text = excel[1].strip() if excel else text
    if not text:
        return None
    return leaf if text == leaf else made(text, leaf)
