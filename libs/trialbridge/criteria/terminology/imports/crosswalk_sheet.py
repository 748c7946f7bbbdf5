"""Crosswalks to OncoTree: own tables (``system``, ``code``, ``oncotree``) and OncoTree's own ``ontology_mappings.txt`` (ICD-O-3)."""

import re
from collections.abc import Iterator
from typing import Final

from trialbridge.criteria.terminology import crosswalk, oncotree
from trialbridge.criteria.terminology.imports.delimited import Row, Sheet, sheet
from trialbridge.criteria.terminology.imports.flaws import Findings, Imported, finished, plain
from trialbridge.criteria.terminology.nearest import hint

_COLUMNS: Final = {
    "system": ("code system",),
    "code": (),
    "topography": ("ICDO_TOPOGRAPHY_CODE", "icdo_topography", "icd-o-3 topography"),
    "morphology": ("ICDO_MORPHOLOGY_CODE", "icdo_morphology", "icd-o-3 morphology"),
    "oncotree": ("ONCOTREE_CODE", "oncotree code"),
}
SHAPES: Final = {
    "icd10": re.compile(r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?"),
    "snomed": re.compile(r"[0-9]{6,18}"),
    "icdo3": re.compile(r"(?:C[0-9]{2}(?:\.[0-9])?|\*) [0-9]{4}/[0-9]"),
}
_EXAMPLES: Final = {"icd10": "C34.1", "snomed": "254637007", "icdo3": "C34 8140/3"}
_PARTS: Final = re.compile(r"[|,;]")
_BLOOD: Final = range(9590, 9994)
"""ICD-O-3 morphologies of lymphomas, leukaemias and their kin: they name the type wherever they stand."""
_HINTS: Final = 50
_UNSAID: Final = ".9"
"""The site within a category that stands for the category as a whole."""


def read_crosswalk(body: bytes) -> Imported:
    """Return the codes in a file; raise `Refused` where the file as a whole cannot be used.

    Rows: system (``icd10``, ``icdo3``, ``snomed``), code, OncoTree terms of the tree in force (``a|b``: one of those).
    """
    findings = Findings()
    found: dict[tuple[str, str], set[str]] = {}
    given = sheet(body, _COLUMNS, ("oncotree",), findings)
    for row in given.rows:
        terms = _terms(row, given, findings)
        for system, code in _codes(row, given, findings):
            if not terms:
                continue
            if "code" in given.columns and not terms <= found.get((system, code), terms):
                message = f"{system} {code} is there already with another term: it is taken for one of those."
                findings.warn(row.line, "duplicate", message)
            found.setdefault((system, code), set()).update(terms)
    rows: list[tuple[str, ...]] = [
        (system, code, "|".join(_least(terms))) for (system, code), terms in sorted(found.items())
    ]
    return finished("crosswalk", rows, findings)


def _codes(row: Row, given: Sheet, findings: Findings) -> Iterator[tuple[str, str]]:
    """Yield the codes of a row; OncoTree's own file has terms without any, which say nothing."""
    if row.cells.get("morphology"):
        yield from _shapes(row, findings)
    if "code" not in given.columns:
        return
    if not row.cells["code"]:
        if not row.cells.get("morphology"):
            findings.error(row.line, "bad-code", "The row has no code.")
        return
    system = _system(row.cells.get("system", ""))
    code = plain(row.cells["code"]).upper()
    code = crosswalk.dotted(code) if system == "icd10" else code
    if system is None:
        findings.error(row.line, "bad-system", "The system is none of icd10, icdo3 and snomed.")
    elif not SHAPES[system].fullmatch(code):
        findings.error(row.line, "bad-code", f"This is no code of {system}; write it like {_EXAMPLES[system]}.")
    else:
        yield system, code


def _system(text: str) -> str | None:
    word = "".join(letter for letter in text.casefold() if letter.isalnum())
    return {"icd10": "icd10", "icd10cm": "icd10", "icdo3": "icdo3", "icdo": "icdo3"}.get(
        word, "snomed" if word in ("snomed", "snomedct", "sct") else None
    )


def _shapes(row: Row, findings: Findings) -> Iterator[tuple[str, str]]:
    sites = [crosswalk.dotted(one) for one in _parts(row.cells.get("topography", ""))] or ["*"]
    for shape in _parts(row.cells["morphology"]):
        for site in sites:
            place = "*" if shape[:4].isdigit() and int(shape[:4]) in _BLOOD else site.removesuffix(_UNSAID)
            code = f"{place} {shape}"
            if SHAPES["icdo3"].fullmatch(code):
                yield "icdo3", code
            else:
                findings.error(row.line, "bad-code", "This is no code of icdo3; write it like C34.9 and 8140/3.")


def _parts(cell: str) -> list[str]:
    return [part for one in _PARTS.split(cell) if (part := plain(one).upper())]


def _terms(row: Row, given: Sheet, findings: Findings) -> set[str]:
    """Return the current terms of a row; none where one of them is not known."""
    found = set()
    if "code" in given.columns and not row.cells["oncotree"]:
        findings.error(row.line, "unknown-term", "The row names no OncoTree term.")
    for word in (plain(one) for one in _PARTS.split(row.cells["oncotree"])):
        if not word or word == "TISSUE":
            continue
        code = oncotree.resolve(word)
        if code is None or code.startswith("_"):
            # The nearest spelling costs time; in a file full of faults it helps no one.
            near = hint(word, oncotree.codes()) if len(findings.found) < _HINTS else ""
            message = f"OncoTree has no term {word!r} (in the table in use). {near}".rstrip()
            findings.error(row.line, "unknown-term", message)
            return set()
        if oncotree.former(word):
            findings.warn(row.line, "former-term", f"{word!r} is a former code; {code} is taken.")
        found.add(code)
    return found


def _least(terms: set[str]) -> list[str]:
    """Return what a record with the code is at least: without the terms that lie below another one."""
    return sorted(term for term in terms if not any(one != term and oncotree.within(term, one) for one in terms))
