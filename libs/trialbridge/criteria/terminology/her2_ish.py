"""What the two counts of an in situ hybridization say of HER2 together: the groups of ASCO/CAP, from `her2_ish.tsv`."""

from decimal import Decimal
from functools import cache
from typing import Literal, NamedTuple, cast

from trialbridge.criteria.terminology.source import rows

Status = Literal["positive", "negative", "equivocal"]


class _Group(NamedTuple):
    ratio: tuple[Decimal | None, Decimal | None]
    copies: tuple[Decimal | None, Decimal | None]
    status: Status


@cache
def _groups() -> tuple[_Group, ...]:
    cells = (
        (tuple(Decimal(cell) if cell else None for cell in row[:4]), cast("Status", row[4]))
        for row in rows("her2_ish", 6)
    )
    return tuple(_Group((bounds[0], bounds[1]), (bounds[2], bounds[3]), status) for bounds, status in cells)


def status(ratio: Decimal, copies: Decimal) -> Status:
    """Return what the ratio of HER2 to CEP17 and the copies of HER2 per cell say; equivocal where no group is theirs."""
    groups = (one for one in _groups() if _within(ratio, one.ratio) and _within(copies, one.copies))
    return next((one.status for one in groups), "equivocal")


def _within(value: Decimal, bounds: tuple[Decimal | None, Decimal | None]) -> bool:
    least, below = bounds
    return (least is None or value >= least) and (below is None or value < below)
