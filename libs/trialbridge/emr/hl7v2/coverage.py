"""How much of the HL7 v2-to-FHIR guide the tables implement, by segment: computed from the tables alone."""

from collections import Counter
from typing import NamedTuple

from trialbridge.emr.tables.rows import rows


class Share(NamedTuple):
    """Mapped rows of the guide for one segment, and those that the tables implement."""

    segment: str
    rows: int
    implemented: int
    missing: tuple[str, ...]
    """Sheet and field of those that are not."""


def implemented() -> frozenset[str]:
    """Return the sheets and fields (``PID[Patient].5``) that rows of the tables name."""
    named = (*(row[6] for row in rows("v2_segments")), *(row[3] for row in rows("v2_values")))
    return frozenset(one for cell in named for one in cell.split() if one != "-")


def shares() -> tuple[Share, ...]:
    """Return the share of each segment, by name; a row counts where a table names its sheet and field."""
    done = implemented()
    all_rows: Counter[str] = Counter()
    found: Counter[str] = Counter()
    missing: dict[str, list[str]] = {}
    for sheet, field, count in rows("v2_guide"):
        segment = sheet.partition("[")[0]
        all_rows[segment] += int(count)
        if f"{sheet}.{field}" in done:
            found[segment] += int(count)
        else:
            missing.setdefault(segment, []).append(f"{sheet}.{field}")
    return tuple(Share(name, all_rows[name], found[name], tuple(missing.get(name, ()))) for name in sorted(all_rows))


def total(found: tuple[Share, ...]) -> tuple[int, int]:
    """Return implemented and all mapped rows."""
    return sum(one.implemented for one in found), sum(one.rows for one in found)
