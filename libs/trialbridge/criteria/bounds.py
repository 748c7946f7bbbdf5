"""Numbers against bounds: what a result leaves possible, in a unit that converts, against min, max, above and below."""

from decimal import Decimal
from typing import NamedTuple, Protocol

from trialbridge.criteria.finding import MET, NOT_MET, UNKNOWN
from trialbridge.criteria.verdicts import Verdict

XULN = "xULN"


class Bounds(Protocol):
    """A leaf with bounds: ``min`` and ``max`` inclusive, ``above`` and ``below`` exclusive."""

    @property
    def min(self) -> Decimal | None:
        """Return the lower bound."""
        ...

    @property
    def max(self) -> Decimal | None:
        """Return the upper bound."""
        ...

    @property
    def above(self) -> Decimal | None:
        """Return the exclusive lower bound."""
        ...

    @property
    def below(self) -> Decimal | None:
        """Return the exclusive upper bound."""
        ...


class Range(NamedTuple):
    """The values that a result leaves possible; None is unbounded."""

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False


_LARGEST = Decimal("1e30")


def finite(value: Decimal | None) -> Decimal | None:
    """Return a number that can be compared; None for what is none, or is beyond any measurement."""
    return value if value is not None and value.is_finite() and abs(value) < _LARGEST else None


def exactly(value: Decimal) -> Range:
    """Return the range of one value."""
    return Range(value, value)


def of_result(value: Decimal, comparator: str | None) -> Range:
    """Return what ``<5`` and the like leave possible."""
    if comparator in ("<", "<="):
        return Range(None, value, high_open=comparator == "<")
    if comparator in (">", ">="):
        return Range(value, None, low_open=comparator == ">")
    return exactly(value)


def within(possible: Range, bounds: Bounds) -> Verdict:
    """Return met where every possible value is inside the bounds, not_met where none is."""
    verdicts = [
        _over(possible, bound, strict=strict)
        for bound, strict in ((bounds.min, False), (bounds.above, True))
        if bound is not None
    ]
    verdicts += [
        _over(_mirror(possible), _minus(bound), strict=strict)
        for bound, strict in ((bounds.max, False), (bounds.below, True))
        if bound is not None
    ]
    return NOT_MET if NOT_MET in verdicts else UNKNOWN if UNKNOWN in verdicts else MET


def _over(possible: Range, bound: Decimal | None, *, strict: bool) -> Verdict:
    """Compare with a lower bound."""
    if bound is None:
        return MET
    low, high, low_open, high_open = possible
    if low is not None and (low > bound or (low == bound and (low_open or not strict))):
        return MET
    if high is not None and (high < bound or (high == bound and (high_open or strict))):
        return NOT_MET
    return UNKNOWN


def _minus(value: Decimal | None) -> Decimal | None:
    return None if value is None else -value


def _mirror(possible: Range) -> Range:
    return Range(_minus(possible.high), _minus(possible.low), possible.high_open, possible.low_open)


def words(bounds: Bounds, unit: str | None) -> str:
    """Return the bounds in words, for example ``at least 9.0 g/dL``."""
    pairs = (("at least", bounds.min), ("at most", bounds.max), ("above", bounds.above), ("below", bounds.below))
    said = " and ".join(f"{word} {value}" for word, value in pairs if value is not None)
    return f"{said} {unit}" if unit else said
