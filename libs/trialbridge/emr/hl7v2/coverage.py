"""How much of the HL7 v2-to-FHIR guide is implemented, by segment: computed from our own tables alone."""

from collections.abc import Iterable
from typing import NamedTuple

from trialbridge.emr.tables.rows import rows


class Share(NamedTuple):
    """What became of the guide's mapped rows of one segment."""

    segment: str
    rows: int
    same: int
    """In the element that the guide names."""
    other: tuple[str, ...]
    """In the output, but in another element: sheet, field, the guide's element, and ours."""
    missing: tuple[str, ...]
    """Not made, and why."""

    @property
    def implemented(self) -> int:
        """Return how many rows reach the output."""
        return self.same + len(self.other)


def named() -> frozenset[str]:
    """Return the sheets and fields (``PID[Patient].5``) that rows of the tables say they implement."""
    cells = (*(row[6] for row in rows("v2_segments")), *(row[3] for row in rows("v2_values")))
    return frozenset(one for cell in cells for one in cell.split() if one != "-")


def shares() -> tuple[Share, ...]:
    """Return the share of each segment, by name. A row that only tables implement counts where one of them names it."""
    known = named()
    found: dict[str, Share] = {}
    for sheet, field, element, state, where in rows("v2_guide"):
        segment = sheet.partition("[")[0]
        share = found.get(segment, Share(segment, 0, 0, (), ()))
        told = f"{sheet}.{field} {element}"
        if state == "same" and (where or f"{sheet}.{field}" in known):
            share = share._replace(same=share.same + 1)
        elif state == "other":
            share = share._replace(other=(*share.other, f"{told}: {where}"))
        else:
            share = share._replace(missing=(*share.missing, f"{told}: {where}"))
        found[segment] = share._replace(rows=share.rows + 1)
    return tuple(found[name] for name in sorted(found))


def total(found: Iterable[Share]) -> Share:
    """Return all segments as one."""
    listed = tuple(found)
    return Share(
        "all",
        sum(one.rows for one in listed),
        sum(one.same for one in listed),
        tuple(row for one in listed for row in one.other),
        tuple(row for one in listed for row in one.missing),
    )
