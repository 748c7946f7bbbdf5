"""Tables to FHIR R4, row by row: a bad row is set aside alone, a bad cell is reported and kept as it was written."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.events import Identifier
from trialbridge.contracts.ids import LocalPatientId, digest
from trialbridge.emr.account import Account, Found, Leaf, confirm, drop, keep, settle
from trialbridge.emr.csv import mapping as m
from trialbridge.emr.csv.building import build
from trialbridge.emr.csv.layouts import MRN, Layout, layout_of, layouts, plain
from trialbridge.emr.csv.reading import BadLine, Line, decode, delimiter_of, first_line, lines
from trialbridge.emr.csv.rows import Row, Table, clean
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Entry, Feed, Piece, Resource, SetAside, Shared, Warnings
from trialbridge.emr.records import Found as Outcome
from trialbridge.emr.tables.rows import triples

MEDIA_TYPE: Final = "text/csv"
MEDIA_TYPES: Final = (MEDIA_TYPE, "application/csv", "text/tab-separated-values")
ROW: Final = "text/csv; one row"
KEPT: Final = "urn:trialbridge:fhir:kept"
US_DATES: Final = ("MM-DD-YYYY", "MM/DD/YYYY", "MM/YYYY")
"""The order of days and months in the mCODE extraction layouts; a mapping's own formats come first."""
_FORMULA: Final = ("=", "@", "+", "-")
_ROUNDS: Final = 4


def convert(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Outcome]:
    """Yield what each row of a table says."""
    place = Place(entry=entry.name)
    found = feed.mapping.csv if feed.mapping is not None else m.Tables()
    declared = found.charset or charset_of(entry.media_type)
    text, used = decode(entry.body, declared, place)
    if used == "cp1252" and declared is None:
        warnings.note("csv.charset-assumed")
    reader = lines(text, found.delimiter or delimiter_of(first_line(text)))
    head = next(reader, None)
    if not isinstance(head, Line):
        raise Poison("csv.no-header", "The first line does not name the columns.", place)
    name = _base(entry.name)
    files = next((one for one in found.files if one.fits(name, head.cells)), None)
    if files is not None and files.layout == "maf":
        # Tables of variants are read by the room of genomics, which reads its mapping here.
        from trialbridge.emr.genomics import maf

        yield from maf.convert_lines(entry, feed, warnings, files, head, reader)
        return
    layout = layouts()[files.layout] if files else layout_of(head.cells, name)
    if layout is None:
        message = "The columns are of no layout that is known; name the layout and the columns in a mapping file."
        raise Poison("csv.unknown-layout", message, msgspec.structs.replace(place, segment="row[1]"))
    table = _table(entry.name, feed, layout, head, found, files)
    yield from Reading(table, layout, warnings, _drops(head, files), _nothing(found)).rows(reader)


def charset_of(media_type: str) -> str | None:
    """Return the charset that a media type names (RFC 2046), None where it names none."""
    for part in media_type.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"') or None
    return None


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _nothing(found: m.Tables) -> frozenset[str]:
    words = (word for table, word in triples("csv_codes") if table == "nothing")
    return frozenset((*words, *(one.casefold() for one in found.nulls)))


def _drops(head: Line, files: m.Table | None) -> frozenset[int]:
    drop = {plain(name) for name in files.drop} if files else set()
    return frozenset(number for number, name in enumerate(head.cells) if plain(name) in drop)


def columns_of(head: Line, known: Mapping[str, str], place: Place, required: tuple[str, ...]) -> dict[str, int]:
    """Return which of a header's columns each of ``known`` is (column of a layout in plain letters: its name in the file).

    Raises `Poison` ``csv.duplicate-column`` and ``csv.no-column``.
    """
    numbers: dict[str, int] = {}
    twice: set[str] = set()
    for number, name in enumerate(head.cells):
        key = plain(name)
        twice |= {key} & set(numbers)
        numbers.setdefault(key, number)
    here = msgspec.structs.replace(place, segment=f"row[{head.number}]")
    for column, name in known.items():
        if plain(name) in twice:
            message = "Two columns have this name; it is not clear which one is meant."
            raise Poison("csv.duplicate-column", message, msgspec.structs.replace(here, field=column))
        if column in required and plain(name) not in numbers:
            message = "A column that the layout needs is not there; check the header or the mapping file."
            raise Poison("csv.no-column", message, msgspec.structs.replace(here, field=column))
    return {column: numbers[plain(name)] for column, name in known.items() if plain(name) in numbers}


def _table(name: str, feed: Feed, layout: Layout, head: Line, found: m.Tables, files: m.Table | None) -> Table:
    given = dict(files.columns) if files else {}
    sources = {plain(key): one for key, one in given.items()}
    constants = {key: one.value for key, one in sources.items() if isinstance(one, m.Column) and one.value is not None}
    known = {plain(column): column for column in layout.columns if plain(column) not in constants}
    for key, one in sources.items():
        if key in known:
            known[key] = str(one.column) if isinstance(one, m.Column) else one
    required = tuple(plain(column) for column in layout.required) if files is None else (MRN,)
    formats = (*(files.dates if files else ()), *found.dates) or US_DATES
    return Table(
        entry=name, feed=feed, layout=layout.name, header=tuple(clean_name(one, n) for n, one in enumerate(head.cells)),
        columns=columns_of(head, known, Place(entry=name), required), constants=constants,
        codes={plain(key): words for key, words in (files.codes if files else {}).items()},
        units=files.units if files else {}, formats=formats, mrn_system=found.mrn_system,
    )  # fmt: skip


def clean_name(name: str, number: int) -> str:
    """Return a column's name for messages and accounts; one without a name by its number."""
    bare = " ".join("".join(one if one.isprintable() else " " for one in name).split())
    return bare[:60] or f"column {number + 1}"


class Reading:
    """One table while it is read."""

    def __init__(
        self, table: Table, layout: Layout, warnings: Warnings, drops: frozenset[int], nothing: frozenset[str]
    ) -> None:
        """Begin behind the header."""
        self._table = table
        self._layout = layout
        self._warnings = warnings
        self._drops = drops
        self._nothing = nothing
        self._counts: dict[tuple[str, ...], int] = {}
        self._seen: dict[tuple[str, str], str] = {}
        self._thin: set[str] = set()
        self._account = Account()

    def rows(self, reader: Iterator[Line | BadLine]) -> Iterator[Outcome]:
        """Yield what the rows say of their patients, and what was wrong in them."""
        for one in reader:
            if isinstance(one, BadLine):
                place = Place(entry=self._table.entry, segment=f"row[{one.number}]")
                yield SetAside(Poison(one.code, one.message, place), one.text.encode(), ROW)
                self._account.enter_counts({f"{self._table.layout}.row": 1}, "dropped", one.code)
            else:
                yield from self._row(one)
        self._warnings.account.add(self._account)

    def _row(self, line: Line) -> Iterator[Outcome]:
        leaves = {number: Leaf(cell) for number, cell in enumerate(line.cells) if cell.strip()}
        row = Row(self._table, line.number, {n: one for n, one in leaves.items() if not self._is_nothing(n, one)})
        if any(one.startswith(_FORMULA) and one[1:2].isalpha() for one in leaves.values()):
            self._warnings.note("csv.formula-like")
        try:
            outcomes = list(self._converted(row, line))
        except Poison as error:
            for one in leaves.values():
                drop(one, error.code)
            outcomes = [SetAside(error, self._payload(line), ROW)]
        yield from outcomes
        for number, one in leaves.items():
            self._account.enter(f"{self._table.layout}.{self._name(number)}", one)

    def _is_nothing(self, number: int, one: Leaf) -> bool:
        if number in self._drops:
            drop(one, "csv.not-wanted")
        elif one.strip().casefold() in self._nothing:
            drop(one, "csv.null-word")
        elif clean(one) is None:
            drop(one, "csv.no-characters")
        return one.fate == "dropped"

    def _name(self, number: int) -> str:
        header = self._table.header
        return header[number] if number < len(header) else "beyond the header"

    def _payload(self, line: Line) -> bytes:
        return "\x1f".join(line.cells).encode("utf-8", "replace")

    def _converted(self, row: Row, line: Line) -> Iterator[Outcome]:
        self._check_shape(row, line)
        mrn = row.cell(MRN)
        if mrn is None:
            raise Poison("csv.no-patient", "The row does not say whose it is.", row.place(MRN))
        row.local = str(mrn)
        row.patient = resource_id(self._table.feed.source, "Patient", row.local)
        built = self._settled(row)
        for error in row.wrong:
            yield SetAside(error, self._payload(line), ROW)
        self._once(row, [resource for resource, _ in built])
        owned = [resource for resource, _ in built if resource["resourceType"] != "ResearchStudy"]
        for _, found in built:
            confirm(found)
        self._keep_rest(row, [resource for resource, _ in built])
        if not any(one["resourceType"] == "Patient" for one in owned) and self._table.feed.alone:
            owned = [*self._thin_patient(row), *owned]
        known = Identifier(self._table.mrn_system or "", row.local, "MR")
        yield Piece(LocalPatientId(row.local), tuple(owned), (known,))
        yield from (Shared(resource) for resource, _ in built if resource["resourceType"] == "ResearchStudy")

    def _check_shape(self, row: Row, line: Line) -> None:
        width = len(self._table.header)
        if any(number >= width for number in row.leaves):
            message = "The row has more cells than the header: a delimiter may stand in a cell without quotes."
            raise Poison("csv.ragged-row", message, row.place())
        if len(line.cells) < width:
            self._warnings.note("csv.short-row")

    def _settled(self, row: Row) -> list[tuple[Resource, Found]]:
        """Return the row's resources, valid; raise `Poison` with the column of the first that is not."""
        found = []
        for resource in build(row, self._layout, self._counts):
            plain_one, leaves = settle(resource)
            try:
                check(plain_one, Place())
            except Poison as error:
                raise self._located(row, error, leaves) from None
            found.append((plain_one, leaves))
        return found

    def _located(self, row: Row, error: Poison, found: Found) -> Poison:
        """Return the error with the column of what is wrong: that of the element that the check names."""
        if row.wrong:
            # The element is missing because its cell could not be read, which tells more.
            return row.wrong[0]
        path = (error.place.field or "").removesuffix("resource")
        element = "".join(letter for letter in path if not letter.isdigit()).replace("[]", "")
        leaf = next((one for one, where in found if element and where.partition(".")[2].startswith(element)), None)
        number = next((n for n, one in row.leaves.items() if one is leaf), None)
        empty = next((one for one in self._layout.required if row.cell(one) is None), None)
        name = self._name(number) if number is not None else path or empty
        return Poison("csv.invalid", error.message, msgspec.structs.replace(row.place(), field=name))

    def _once(self, row: Row, resources: list[Resource]) -> None:
        """Refuse a number of the source that comes again in the file with other content."""
        own = {product.resource for product in self._layout.products if product.own}
        for resource in resources:
            if resource["resourceType"] in own:
                key = (resource["resourceType"], resource["id"])
                content = digest(msgspec.json.encode(resource, order="sorted"))
                if self._seen.setdefault(key, content) != content:
                    message = "Another row of the file has the same number and says something else."
                    raise Poison("csv.repeated-number", message, row.place())

    def _keep_rest(self, row: Row, resources: list[Resource]) -> None:
        """Keep the cells that no rule took in an extension of the row's last resource about the patient."""
        owner = next((one for one in reversed(resources) if one["resourceType"] != "ResearchStudy"), None)
        for number, one in row.leaves.items():
            if one.fate != "unaccounted":
                continue
            text = clean(one)
            if owner is None or text is None:
                drop(one, "csv.no-resource")
                continue
            parts = [{"url": "path", "valueString": self._name(number)}, {"url": "value", "valueString": str(text)}]
            owner.setdefault("extension", []).append({"url": KEPT, "extension": parts})
            keep(one, f"{owner['resourceType']}.extension")

    def _thin_patient(self, row: Row) -> Iterator[Resource]:
        """Yield the Patient of a table that says nothing of patients but their numbers, once."""
        if row.patient in self._thin:
            return
        self._thin.add(row.patient)
        kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
        system = {"system": self._table.mrn_system} if self._table.mrn_system else {}
        # Without a time: any other Patient of the same number says more.
        yield {
            "resourceType": "Patient",
            "id": row.patient,
            "identifier": [{"type": kind, **system, "value": row.local}],
        }
