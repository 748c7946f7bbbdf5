"""Own tables of half-lives: columns ``drug``, ``hours`` (or ``days``), ``source`` and, where it is of a metabolite, ``of``."""

from decimal import Decimal, InvalidOperation
from typing import Final

from trialbridge.criteria.terminology import drugs
from trialbridge.criteria.terminology.imports.delimited import Row, sheet
from trialbridge.criteria.terminology.imports.flaws import Findings, Imported, finished, plain

_COLUMNS: Final = {
    "drug": ("name", "generic", "generic name"),
    "hours": ("half_life_hours", "half-life (hours)", "half-life hours"),
    "source": ("reference",),
    "of": ("substance", "metabolite"),
}
MOST_HOURS: Final = 100_000
"""Over eleven years: no drug that is given stays longer."""


def hours_of(text: str) -> Decimal | None:
    """Return a half-life in hours, None where the text is no number of them."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 < found <= MOST_HOURS and len(text) <= len(str(MOST_HOURS)) * 2 else None


def read_half_lives(body: bytes) -> Imported:
    """Return the half-lives in a file; raise `Refused` where the file as a whole cannot be used.

    Rows: drug by its generic name in lower case, hours, where it was found, substance that it is of.
    """
    findings = Findings()
    kept: dict[str, tuple[str, ...]] = {}
    for row in sheet(body, _COLUMNS, ("drug", "hours"), findings).rows:
        _take(row, kept, findings)
    return finished("half_lives", [kept[drug] for drug in sorted(kept)], findings)


def _take(row: Row, kept: dict[str, tuple[str, ...]], findings: Findings) -> None:
    drug, hours = drugs.generic(plain(row.cells["drug"])), hours_of(row.cells["hours"])
    if not drug[:1].isalnum():
        findings.error(row.line, "bad-name", "The row has no drug.")
    elif hours is None:
        findings.error(row.line, "bad-number", f"The half-life is a number of hours, over 0 and up to {MOST_HOURS}.")
    elif drug in kept:
        findings.error(row.line, "duplicate", f"{drug} is there already; the first row stays.")
    else:
        if drugs.classes_of(drug) is None:
            findings.warn(row.line, "unknown-drug", f"No table of drugs has {drug!r}: only this very name can match.")
        kept[drug] = (drug, f"{hours:f}", plain(row.cells.get("source", "")), plain(row.cells.get("of", "")))
