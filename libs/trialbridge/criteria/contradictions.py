"""What no patient can fulfil at once: found when a trial is registered, within one list of criteria and between a trial and its arms."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any, Final

import msgspec

from trialbridge.criteria import language as q

_MONTHS: Final = {"months": 1, "years": 12}
_BOUNDS: Final = ("min", "max", "above", "below", "min_lines", "max_lines")


def joined(*nodes: Any) -> tuple[Any, ...]:
    """Return the criteria that must all be met: those of nested ``all`` groups in one row."""
    found: list[Any] = []
    for node in nodes:
        if isinstance(node, q.All):
            found.extend(joined(*node.of))
        elif node is not None:
            found.append(node)
    return tuple(found)


def contradictions(members: Sequence[Any]) -> Iterator[str]:
    """Yield in words what of the members cannot be met at once, each once."""
    yield from dict.fromkeys((*_opposites(members), *_pairs(members), *_ranges(members)))


def _opposites(members: Sequence[Any]) -> Iterator[str]:
    asked: set[Any] = {one for one in members if not isinstance(one, q.Not)}
    excluded: list[Any] = [one.of for one in members if isinstance(one, q.Not)]
    for negated in excluded:
        kind = str(negated.__struct_config__.tag)
        narrower = [
            one
            for one in asked
            if type(one) is type(negated) and _whole_gene(negated) and one.gene == _whole_gene(negated)
        ]
        if negated in asked:
            yield f"A criterion ({kind}) and its opposite are both asked for."
        elif narrower:
            yield f"A {kind.replace('_', ' ')} of {negated.gene} is asked for and excluded."


def _whole_gene(leaf: Any) -> str | None:
    """Return the gene where any alteration of it is meant."""
    if isinstance(leaf, (q.Variant, q.CopyNumber, q.Fusion)) and leaf == type(leaf)(gene=leaf.gene):
        return leaf.gene
    return None


def _pairs(members: Sequence[Any]) -> Iterator[str]:
    for one, other in combinations(members, 2):
        for first, second in ((one, other), (other, one)):
            rule = _RULES.get((type(first), type(second)))
            said = rule(first, second) if rule else None
            if said:
                yield said


def _apart(what: str, one: Sequence[str], other: Sequence[str]) -> str | None:
    apart = not set(one) & set(other)
    return f"{what} cannot be {' or '.join(one)} and also {' or '.join(other)}." if apart else None


def _sexes(one: q.Sex, other: q.Sex) -> str | None:
    return _apart("Sex", one.any_of, other.any_of)


def _statuses(one: q.Signature, other: q.Signature) -> str | None:
    if one.name != other.name or not (one.any_of and other.any_of):
        return None
    return _apart(one.name.upper(), one.any_of, other.any_of)


def _vital(one: q.VitalStatus, other: q.VitalStatus) -> str | None:
    return "No one is alive and deceased." if one.status != other.status else None


def _spread(one: q.Stage, other: q.Stage) -> str | None:
    differ = one.metastatic is not None and other.metastatic is not None and one.metastatic != other.metastatic
    return "The disease cannot be metastatic and not metastatic." if differ else None


def _pregnant(one: q.Pregnancy, other: q.Pregnancy) -> str | None:
    return "No one is pregnant and not pregnant." if one.status != other.status and one.within == other.within else None


def _consent(one: q.Consent, other: q.Consent) -> str | None:
    differ = one.scope == other.scope and one.decision != other.decision
    return f"Consent to {one.scope} cannot be permitted and denied." if differ else None


def _wild(wild: q.WildType, variant: q.Variant) -> str | None:
    # A benign change that is asked for by its significance does not make the gene mutated.
    harmless = any("benign" in word for word in variant.significance)
    return f"{wild.gene} cannot be wild type and mutated." if wild.gene == variant.gene and not harmless else None


def _naive(none: q.PriorTherapy, given: q.PriorTherapy) -> str | None:
    untreated = none == q.PriorTherapy(max_lines=0)
    systemic = given.drugs or given.classes or "systemic" in given.categories or (given.min_lines or 0) > 0
    return "No earlier treatment is allowed, and one is asked for." if untreated and systemic else None


_RULES: Final[Mapping[tuple[type[Any], type[Any]], Callable[[Any, Any], str | None]]] = {
    (q.Sex, q.Sex): _sexes,
    (q.Signature, q.Signature): _statuses,
    (q.VitalStatus, q.VitalStatus): _vital,
    (q.Stage, q.Stage): _spread,
    (q.Pregnancy, q.Pregnancy): _pregnant,
    (q.Consent, q.Consent): _consent,
    (q.WildType, q.Variant): _wild,
    (q.PriorTherapy, q.PriorTherapy): _naive,
}


def _ranges(members: Sequence[Any]) -> Iterator[str]:
    """Yield the questions whose bounds, taken together, leave no value."""
    same: dict[Any, list[Any]] = {}
    for one in members:
        names = [field.name for field in msgspec.structs.fields(one)]
        if any(name in _BOUNDS for name in names):
            same.setdefault(_question(one), []).append(one)
    for group in same.values():
        low = max((bound for one in group for bound in _lower(one)), default=None)
        high = min((bound for one in group for bound in _upper(one)), default=None)
        if low is not None and high is not None and len(group) > 1 and not _room(low, high):
            kind = str(group[0].__struct_config__.tag).replace("_", " ")
            unit = " months" if isinstance(group[0], q.Age) and group[0].unit in _MONTHS else ""
            yield f"No {kind} is {low[0]}{unit} or more and {high[0]}{unit} or less: nothing fits."


def _question(one: Any) -> Any:
    """Return the criterion without its bounds: what is asked about; ages in years and months are one question."""
    bare = msgspec.structs.replace(one, **{name: None for name in _BOUNDS if hasattr(one, name)})
    return msgspec.structs.replace(bare, unit="months") if isinstance(one, q.Age) and one.unit in _MONTHS else bare


def _scaled(one: Any, value: Decimal | int, more: int = 0) -> Decimal:
    if isinstance(one, q.Age) and one.unit in _MONTHS:
        # Completed years: at most 12 years lasts until the 13th birthday.
        return (Decimal(value) + more) * _MONTHS[one.unit] - more
    return Decimal(value)


def _lower(one: Any) -> Iterator[tuple[Decimal, bool]]:
    """Yield lower bounds, with whether the bound itself is outside."""
    for name, strict in (("min", False), ("above", True), ("min_lines", False)):
        value = getattr(one, name, None)
        if value is not None:
            yield _scaled(one, value), strict


def _upper(one: Any) -> Iterator[tuple[Decimal, bool]]:
    """Yield upper bounds, with whether the bound itself is inside (so that the strict one is the smaller)."""
    for name, closed in (("max", True), ("below", False), ("max_lines", True)):
        value = getattr(one, name, None)
        if value is not None:
            yield _scaled(one, value, 1 if name == "max" else 0), closed


def _room(low: tuple[Decimal, bool], high: tuple[Decimal, bool]) -> bool:
    return low[0] < high[0] or (low[0] == high[0] and not low[1] and high[1])
