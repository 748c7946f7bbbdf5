"""The compiler's checks of criteria: terms are resolved to their standard form, contradictions and nonsense are found."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from trialbridge.criteria import doubts
from trialbridge.criteria import language as q
from trialbridge.criteria.contradictions import contradictions, joined
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.leaf_checks import CHECKS

_PAIRS = (("min", "max"), ("above", "below"), ("min", "below"), ("above", "max"), ("min_lines", "max_lines"),
          ("min_copies", "max_copies"), ("min_allele_fraction", "max_allele_fraction"))  # fmt: skip
_BOUNDS = ("min", "max", "above", "below", "min_copies", "max_copies", "min_allele_fraction", "max_allele_fraction")
_BIGGEST = Decimal("1e15")
_LONGEST = {"days": 73_000, "weeks": 10_400, "months": 2_400, "years": 200}
_DAYS = {"days": Decimal(1), "weeks": Decimal(7), "months": Decimal("30.44"), "years": Decimal("365.25")}


def resolve(node: Any, path: str, problems: Problems, *, negated: bool = False) -> Any:
    """Return the criterion with its terms in standard form; notes what is wrong.

    ``negated``: it stands inside of an odd number of ``not``, where what cannot be met excludes nobody rather than everybody.
    """
    place = f"{path}.{node.__struct_config__.tag}"
    if isinstance(node, q.Not):
        if isinstance(node.of, q.Not):
            problems.warn("double-negation", place, "A negation of a negation says the same as the inner criterion.")
        return q.Not(of=resolve(node.of, place, problems, negated=not negated))
    if isinstance(node, (q.All, q.Any, q.AtLeast)):
        inner = f"{place}.of" if isinstance(node, q.AtLeast) else place
        members = tuple(resolve(one, f"{inner}[{n}]", problems, negated=negated) for n, one in enumerate(node.of))
        whole = msgspec.structs.replace(node, of=members)
        _check_group(whole, place, problems, negated=negated)
        return whole
    return _leaf(node, place, problems)


def _leaf(node: Any, place: str, problems: Problems) -> Any:
    for field, doubt in doubts.repeated_values(node):
        problems.warn(doubt.code, f"{place}.{field}[{doubt.number}]", doubt.message)
    sound = [*_check_bounds(node, place, problems)] == []
    _check_windows(node, place, problems)
    check = CHECKS.get(type(node))
    # What is no number is not looked at any further.
    return check(node, place, problems) if check and sound else node


def _check_group(node: Any, place: str, problems: Problems, *, negated: bool) -> None:
    inner = f"{place}.of" if isinstance(node, q.AtLeast) else place
    word = "any" if isinstance(node, q.Any) else "all"
    if isinstance(node, q.AtLeast):
        if not 1 <= node.count <= len(node.of):
            problems.error("count-out-of-range", f"{place}.count", f"count must be from 1 to {len(node.of)}.")
    else:
        for doubt in doubts.redundant(node.of, word):
            problems.warn(doubt.code, f"{inner}[{doubt.number}]", doubt.message)
    if isinstance(node, q.Any) and {one.of for one in node.of if isinstance(one, q.Not)} & set(node.of):
        if negated:
            problems.error("never-met", place, "A criterion and its opposite are both excluded: nobody is left.")
        else:
            problems.warn("tautology", place, "A criterion and its opposite: it is met by everybody who was tested.")
    if isinstance(node, q.All):
        _check_all(node, place, problems, negated=negated)


def _check_all(node: q.All, place: str, problems: Problems, *, negated: bool) -> None:
    inside = {said for one in node.of if isinstance(one, q.All) for said in contradictions(joined(one))}
    for said in contradictions(joined(*node.of)):
        if said not in inside and negated:
            problems.warn("always-met", place, f"This excludes nobody. {said}")
        elif said not in inside:
            problems.error("contradiction", place, said)
    for said in doubts.unlikely(joined(*node.of)):
        problems.warn("unlikely", place, said)


def _check_bounds(node: Any, place: str, problems: Problems) -> Iterator[str]:
    """Yield the bounds that are no usual number, after noting them; of the others notes what leaves no room."""
    wild = [name for name in _BOUNDS if not _usual(getattr(node, name, None))]
    for name in wild:
        problems.error("bad-number", f"{place}.{name}", "A bound is a finite number of a usual size.")
    yield from wild
    for low_name, high_name in () if wild else _PAIRS:
        low, high = getattr(node, low_name, None), getattr(node, high_name, None)
        strict = "above" in (low_name, high_name) or "below" in (low_name, high_name)
        if low is not None and high is not None and (low >= high if strict else low > high):
            problems.error("contradiction", place, f"{low_name} {low} is over {high_name} {high}: nothing fits.")


def _usual(bound: Any) -> bool:
    return not isinstance(bound, Decimal) or (bound.is_finite() and abs(bound) < _BIGGEST)


def _check_windows(node: Any, place: str, problems: Problems) -> None:
    for name in ("within", "after", "before"):
        period = getattr(node, name, None)
        if isinstance(period, q.Period):
            _check_period(period, f"{place}.{name}", problems)
    before = getattr(node, "before", None)
    for name in ("within", "after"):
        since = getattr(node, name, None)
        if since is not None and before is not None and _empty(since, before):
            problems.error("contradiction", f"{place}.before", f"{name} begins where before has ended: no day is left.")


def _check_period(period: q.Period, place: str, problems: Problems) -> None:
    given = [(unit, count) for unit in _LONGEST if (count := getattr(period, unit)) is not None]
    if len(given) != 1:
        problems.error("bad-period", place, "A period has exactly one of days, weeks, months, years.", "write 28 days")
    for unit, count in given:
        if not 0 < count <= _LONGEST[unit]:
            problems.error("bad-period", f"{place}.{unit}", f"From 1 to {_LONGEST[unit]} {unit}.")


def _empty(since: q.Moment, before: q.Moment) -> bool:
    """Return whether no day is both since and before; of a day and a length of time that depends on the as-of date."""
    if isinstance(since, q.Period) and isinstance(before, q.Period):
        return _length(since) <= _length(before)
    return isinstance(since, str) and isinstance(before, str) and since >= before


def _length(period: q.Period) -> Decimal:
    return sum((_DAYS[unit] * (getattr(period, unit) or 0) for unit in _DAYS), Decimal(0))
