"""Mappings of local codes as a CSV file: what export writes and import reads, one accepted mapping a row."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from trialbridge.contracts.documents import CodeTableDoc
from trialbridge.contracts.errors import Place, Refused
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.localcodes.book import Entry
from trialbridge.emr.localcodes.codes import KINDS, Kind, Target, checked, local_code

COLUMNS: Final = (
    "network", "tenant", "source", "kind", "system", "code", "display", "to_system", "to_code", "to_display", "by", "at", "note",
)  # fmt: skip
NEEDED: Final = frozenset(COLUMNS[:10])
MOST_ROWS: Final = 2_000
"""Of one feed, in one go."""
_FORMULA: Final = ("=", "+", "-", "@", "\t")


class Feed(NamedTuple):
    """A feed; parts that are empty are as the file says."""

    network: NetworkId
    tenant: TenantId
    source: SourceId


def write_sheet(path: Path, tables: Iterable[CodeTableDoc], hidden: set[str]) -> int:
    """Write the accepted mappings of ``tables`` but those of the codes ``hidden``; return how many."""
    rows = [row for table in sorted(tables, key=lambda one: one.id) for row in _rows(table, hidden)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_safe(cell) for cell in row] for row in rows)
    return len(rows)


def _rows(table: CodeTableDoc, hidden: set[str]) -> Iterable[tuple[str, ...]]:
    entries = msgspec.json.decode(table.entries, type=dict[str, Entry])
    for name, entry in sorted(entries.items(), key=lambda one: one[1].code):
        standing, code = entry.standing, entry.code
        if standing is None or standing.target is None or name in hidden:
            continue
        target = standing.target
        yield (
            table.network, table.tenant, table.source, code.kind, code.system, code.code, code.display,
            target.system, target.code, target.display, standing.by, standing.at, standing.note,
        )  # fmt: skip


def _safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe stands before it, which `_plain` takes off."""
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:2] in (*_FORMULA, "'") else cell


def read_sheet(path: Path, instead: Feed, note: str) -> Mapping[Feed, list[dict[str, Any]]]:
    """Return decisions by feed.

    Raises:
        Refused: ``codes.bad-sheet`` with the line, and what `checked` refuses.
    """
    found: dict[Feed, list[dict[str, Any]]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = sorted(NEEDED - {*(reader.fieldnames or ())})
        if missing:
            raise Refused("codes.bad-sheet", f"These columns are missing: {', '.join(missing)}.", _at(path, 1))
        for row in reader:
            cells = {name: _plain(row.get(name) or "") for name in COLUMNS}
            feed = Feed(
                NetworkId(instead.network or cells["network"]),
                TenantId(instead.tenant or cells["tenant"]),
                SourceId(instead.source or cells["source"]),
            )
            own = found.setdefault(feed, [])
            own.append(_decision(cells, feed, note, _at(path, reader.line_num)))
            if len(own) > MOST_ROWS:
                raise Refused(
                    "codes.too-many", f"More than {MOST_ROWS} mappings of one feed.", _at(path, reader.line_num)
                )
    if not found:
        raise Refused("codes.bad-sheet", "The file has no mapping.", _at(path, 1))
    return found


def _decision(cells: Mapping[str, str], feed: Feed, note: str, place: Place) -> dict[str, Any]:
    if not all(feed) or cells["kind"] not in KINDS:
        raise Refused("codes.bad-sheet", "The row needs network, tenant, source and a known kind.", place)
    kind: Kind = cells["kind"]
    local = local_code(kind, cells["system"], cells["code"], cells["display"])
    if local is None:
        raise Refused("codes.bad-sheet", "The row names no local code.", place)
    try:
        target = checked(kind, Target(cells["to_system"], cells["to_code"], cells["to_display"]))
    except Refused as error:
        raise Refused(error.code, error.message, place) from None
    return {"action": "accept", "local": local, "target": target, "note": note or cells["note"]}


def _at(path: Path, line: int) -> Place:
    return Place(bundle=str(path), message=line)
