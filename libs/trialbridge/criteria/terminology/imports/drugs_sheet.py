"""Own tables of drugs: columns ``drug``, ``classes`` and ``aliases``, lists separated by commas, semicolons or bars.

A class brings its broader ones along. A new class says where it belongs: ``pan-raf inhibitor < kinase inhibitor``.
"""

import re
from typing import Final

from trialbridge.criteria.terminology import drugs
from trialbridge.criteria.terminology.imports.delimited import Row, sheet
from trialbridge.criteria.terminology.imports.flaws import Findings, Imported, finished, plain
from trialbridge.criteria.terminology.nearest import hint

_COLUMNS: Final = {
    "drug": ("name", "generic", "generic name"),
    "classes": ("class",),
    "aliases": ("alias", "synonyms", "brands", "other names"),
}
_PARTS: Final = re.compile(r"[,;|]")


def read_drugs(body: bytes) -> Imported:
    """Return the drugs in a file; raise `Refused` where the file as a whole cannot be used.

    Rows: drug, classes with all broader ones, other names; all in lower case.
    """
    findings = Findings()
    classes: dict[str, tuple[str, ...]] = {}
    aliases: dict[str, tuple[tuple[str, int], ...]] = {}
    found = sheet(body, _COLUMNS, ("drug", "classes"), findings)
    for row in found.rows:
        drug = _name(row.cells["drug"])
        if not drug[:1].isalnum() or _PARTS.search(drug):
            findings.error(row.line, "bad-name", "The row has no drug, or more than one.")
        elif drug in classes:
            findings.error(row.line, "duplicate", f"{drug} is there already; the first row stays.")
        else:
            classes[drug] = _classes(row, findings)
            aliases[drug] = tuple((name, row.line) for name in _parts(row.cells.get("aliases", "")) if name != drug)
    return finished("drugs", _rows(classes, aliases, findings), findings)


def _name(text: str) -> str:
    return plain(text).casefold()


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in _PARTS.split(cell) if (name := _name(part))))


def _classes(row: Row, findings: Findings) -> tuple[str, ...]:
    known, found = drugs.broader(), []
    for part in _parts(row.cells["classes"]):
        line = [name.strip() for name in part.split("<") if name.strip()]
        for name in line:
            found += sorted(known.get(name, {name}), key=lambda one: (one != name, one))
        if line and line[-1] not in known:
            message = f"The class {line[-1]!r} is not known and belongs to none. {hint(line[-1], known)}".rstrip()
            findings.warn(row.line, "new-class", message)
    return tuple(dict.fromkeys(found))


def _rows(
    classes: dict[str, tuple[str, ...]], aliases: dict[str, tuple[tuple[str, int], ...]], findings: Findings
) -> list[tuple[str, ...]]:
    owners: dict[str, set[str]] = {}
    for drug, names in aliases.items():
        for name, _ in names:
            owners.setdefault(name, set()).add(drug)
    rows: list[tuple[str, ...]] = []
    for drug in sorted(classes):
        kept = []
        for name, line in aliases[drug]:
            others = sorted(owners[name] - {drug})
            if name in classes or drugs.is_generic(name):
                findings.warn(line, "name-taken", f"{name!r} is a drug of its own, no other name of {drug}; left out.")
            elif others:
                findings.warn(line, "shared-name", f"{name!r} is a name of {others[0]} too: it means neither.")
            else:
                kept.append(name)
        rows.append((drug, ",".join(classes[drug]), ",".join(kept)))
    return rows
