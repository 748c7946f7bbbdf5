"""The compiler's checks of criteria: terms are resolved to their standard form, contradictions and nonsense are found."""

from decimal import Decimal
from typing import Any

import msgspec

from trialbridge.criteria import language as q
from trialbridge.criteria.contradictions import contradictions, joined
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.leaf_checks import CHECKS

_PAIRS = (("min", "max"), ("above", "below"), ("min", "below"), ("above", "max"), ("min_lines", "max_lines"),
          ("min_copies", "max_copies"), ("min_allele_fraction", "max_allele_fraction"))  # fmt: skip
_BOUNDS = ("min", "max", "above", "below", "min_copies", "max_copies", "min_allele_fraction", "max_allele_fraction")
_BIGGEST = Decimal("1e15")
_LONGEST = {"days": 73_000, "weeks": 10_400, "months": 2_400, "years": 200}


def resolve(node: Any, path: str, problems: Problems) -> Any:
    """Return the criterion with its terms in standard form; notes what is wrong."""
    place = f"{path}.{node.__struct_config__.tag}"
    if isinstance(node, q.Not):
        if isinstance(node.of, q.Not):
            problems.warn("double-negation", place, "A negation of a negation says the same as the inner criterion.")
        return q.Not(of=resolve(node.of, place, problems))
    if isinstance(node, (q.All, q.Any, q.AtLeast)):
        inner = f"{place}.of" if isinstance(node, q.AtLeast) else place
        members = tuple(resolve(one, f"{inner}[{n}]", problems) for n, one in enumerate(node.of))
        _check_group(node, members, place, problems)
        return msgspec.structs.replace(node, of=members)
    _check_bounds(node, place, problems)
    _check_windows(node, place, problems)
    check = CHECKS.get(type(node))
    return check(node, place, problems) if check else node


def _check_group(node: Any, members: tuple[Any, ...], place: str, problems: Problems) -> None:
    for number, one in enumerate(members):
        if one in members[:number]:
            problems.warn("duplicate", f"{place}[{number}]", "The same criterion stands here twice.")
    if isinstance(node, q.AtLeast) and not 1 <= node.count <= len(members):
        problems.error("count-out-of-range", f"{place}.count", f"count must be from 1 to {len(members)}.")
    if isinstance(node, q.Any) and {one.of for one in members if isinstance(one, q.Not)} & set(members):
        problems.warn("tautology", place, "A criterion and its opposite: it is met by everybody who was tested.")
    if isinstance(node, q.All):
        inside = {said for one in members if isinstance(one, q.All) for said in contradictions(joined(one))}
        for said in contradictions(joined(*members)):
            if said not in inside:
                problems.error("contradiction", place, said)


def _check_bounds(node: Any, place: str, problems: Problems) -> None:
    for low_name, high_name in _PAIRS:
        low, high = getattr(node, low_name, None), getattr(node, high_name, None)
        strict = "above" in (low_name, high_name) or "below" in (low_name, high_name)
        if low is not None and high is not None and (low >= high if strict else low > high):
            problems.error("contradiction", place, f"{low_name} {low} is over {high_name} {high}: nothing fits.")
    for name in _BOUNDS:
        bound = getattr(node, name, None)
        if isinstance(bound, Decimal) and not (bound.is_finite() and abs(bound) < _BIGGEST):
            problems.error("bad-number", f"{place}.{name}", "A bound is a finite number of a usual size.")


def _check_windows(node: Any, place: str, problems: Problems) -> None:
    for name in ("within", "after", "before"):
        period = getattr(node, name, None)
        if isinstance(period, q.Period):
            _check_period(period, f"{place}.{name}", problems)


def _check_period(period: q.Period, place: str, problems: Problems) -> None:
    given = [(unit, count) for unit in _LONGEST if (count := getattr(period, unit)) is not None]
    if len(given) != 1:
        problems.error("bad-period", place, "A period has exactly one of days, weeks, months, years.", "write 28 days")
    for unit, count in given:
        if not 0 < count <= _LONGEST[unit]:
            problems.error("bad-period", f"{place}.{unit}", f"From 1 to {_LONGEST[unit]} {unit}.")
