"""What no patient can fulfil at once: found when a trial is registered, within one list of criteria and between a trial and its arms."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from trialbridge.criteria import language as q
from trialbridge.criteria.terminology import oncotree

_MONTHS: Final = {"months": 1, "years": 12}
_BOUNDS: Final = ("min", "max", "above", "below", "min_lines", "max_lines")
_FEW: Final = 200
"""Criteria of one kind that are compared pair by pair; no list of a real trial comes near."""
_SYSTEMIC: Final = ("systemic", "radiation", "transplant")


class Bounds(NamedTuple):
    """What the bounds of a leaf leave: each with a rank that is higher where the bound itself is outside (or inside, above)."""

    low: tuple[Decimal, bool] | None
    high: tuple[Decimal, bool] | None


def joined(*nodes: Any) -> tuple[Any, ...]:
    """Return the criteria that must all be met: those of nested ``all`` groups, and of excluded ``any`` groups, in one row."""
    found: list[Any] = []
    for node in nodes:
        if isinstance(node, q.All):
            found.extend(joined(*node.of))
        elif isinstance(node, q.Not) and isinstance(node.of, q.Any):
            found.extend(joined(*(q.Not(of=one) for one in node.of.of)))
        elif node is not None:
            found.append(node)
    return tuple(found)


def contradictions(members: Sequence[Any]) -> Iterator[str]:
    """Yield in words what of the members cannot be met at once, each once."""
    distinct = list(dict.fromkeys(members))
    yield from dict.fromkeys((*_opposites(distinct), *_pairs(distinct), *_ranges(distinct)))


def _opposites(members: Sequence[Any]) -> Iterator[str]:
    asked = {one for one in members if not isinstance(one, q.Not)}
    about = {(type(one), one.gene) for one in asked if isinstance(one, (q.Variant, q.CopyNumber, q.Fusion))}
    diagnoses = [one for one in asked if isinstance(one, q.Diagnosis)]
    excluded: list[Any] = [one.of for one in members if isinstance(one, q.Not)]
    for negated in excluded:
        kind = str(negated.__struct_config__.tag)
        if negated in asked:
            yield f"A criterion ({kind}) and its opposite are both asked for."
        elif (type(negated), _whole_gene(negated)) in about:
            yield f"A {kind.replace('_', ' ')} of {negated.gene} is asked for and excluded."
        elif isinstance(negated, q.Diagnosis):
            yield from (_excluded(negated, one) for one in diagnoses[:_FEW] if _below(one, negated))


def _whole_gene(leaf: Any) -> str | None:
    """Return the gene where any alteration of it is meant."""
    if isinstance(leaf, (q.Variant, q.CopyNumber, q.Fusion)) and leaf == type(leaf)(gene=leaf.gene):
        return leaf.gene
    return None


def _below(one: q.Diagnosis, other: q.Diagnosis) -> bool:
    """Return whether every diagnosis of the first kind is one of the second."""
    if not one.oncotree or not other.descendants or one.icd10 or one.icdo3 or one.snomed:
        return False
    return all(any(within(term, wider) for wider in other.oncotree) for term in one.oncotree)


def within(term: str, wider: str) -> bool:
    """Return whether a term or group word is the other one or lies below it."""
    if wider in (term, oncotree.ALL):
        return True
    return not term.startswith("_") and oncotree.within(term, wider)


def _excluded(wider: q.Diagnosis, one: q.Diagnosis) -> str:
    return f"{oncotree.name(one.oncotree[0])} is asked for, and {oncotree.name(wider.oncotree[0])} is excluded."


def _pairs(members: Sequence[Any]) -> Iterator[str]:
    by_type: dict[type[Any], list[Any]] = {}
    for one in members:
        by_type.setdefault(type(one), []).append(one)
    for (first, second), rule in _RULES.items():
        for one in by_type.get(first, ())[:_FEW]:
            for other in by_type.get(second, ())[:_FEW]:
                said = rule(one, other) if one is not other else None
                if said:
                    yield said


def _apart(what: str, one: Sequence[str], other: Sequence[str]) -> str | None:
    if set(one) & set(other):
        return None
    first, second = sorted((" or ".join(one), " or ".join(other)))
    return f"{what} cannot be {first} and also {second}."


def _sexes(one: q.Sex, other: q.Sex) -> str | None:
    return _apart("Sex", one.any_of, other.any_of)


def _statuses(one: q.Signature, other: q.Signature) -> str | None:
    same = one.name == other.name and one.pick == other.pick == "most_recent"
    if not same or not (one.any_of and other.any_of):
        return None
    return _apart(one.name.upper(), one.any_of, other.any_of)


def _vital(one: q.VitalStatus, other: q.VitalStatus) -> str | None:
    return "No one is alive and deceased." if one.status != other.status else None


def _spread(one: q.Stage, other: q.Stage) -> str | None:
    spread = other.metastatic or other.metastatic_sites
    return "The disease cannot be metastatic and not metastatic." if one.metastatic is False and spread else None


def _extent(stage: q.Stage, status: q.DiseaseStatus) -> str | None:
    differ = stage.metastatic is False and set(status.any_of) == {"metastatic"}
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


def _untreated(status: q.DiseaseStatus, given: q.PriorTherapy) -> str | None:
    # Surgery alone leaves the disease untreated.
    treats = set(given.categories) <= set(_SYSTEMIC)
    asked = treats and bool(given.drugs or given.classes or given.categories or given.min_lines)
    return (
        "Untreated disease is asked for, and an earlier treatment."
        if status.any_of == ("untreated",) and asked
        else None
    )


_RULES: Final[Mapping[tuple[type[Any], type[Any]], Callable[[Any, Any], str | None]]] = {
    (q.Sex, q.Sex): _sexes,
    (q.Signature, q.Signature): _statuses,
    (q.VitalStatus, q.VitalStatus): _vital,
    (q.Stage, q.Stage): _spread,
    (q.Stage, q.DiseaseStatus): _extent,
    (q.Pregnancy, q.Pregnancy): _pregnant,
    (q.Consent, q.Consent): _consent,
    (q.WildType, q.Variant): _wild,
    (q.PriorTherapy, q.PriorTherapy): _naive,
    (q.DiseaseStatus, q.PriorTherapy): _untreated,
}


def _ranges(members: Sequence[Any]) -> Iterator[str]:
    """Yield the questions whose bounds, taken together, leave no value."""
    same: dict[Any, list[tuple[Any, Bounds]]] = {}
    for one in members:
        found = bounds_of(one)
        # Of several results one may be low and another high.
        if found is not None and getattr(one, "pick", "") != "ever":
            same.setdefault(question(one), []).append((one, found))
    for group in same.values():
        low = max((found.low for _, found in group if found.low is not None), default=None)
        high = min((found.high for _, found in group if found.high is not None), default=None)
        if low is not None and high is not None and len(group) > 1 and not _room(low, high):
            leaf = group[0][0]
            kind = str(leaf.__struct_config__.tag).replace("_", " ")
            unit = " months" if isinstance(leaf, q.Age) and leaf.unit in _MONTHS else ""
            yield f"No {kind} is {low[0]}{unit} or more and {high[0]}{unit} or less: nothing fits."


def question(one: Any) -> Any:
    """Return a criterion without its bounds: what is asked about; ages in years and months are one question."""
    bare = msgspec.structs.replace(one, **{name: None for name in _BOUNDS if hasattr(one, name)})
    return msgspec.structs.replace(bare, unit="months") if isinstance(one, q.Age) and one.unit in _MONTHS else bare


def bounds_of(one: Any) -> Bounds | None:
    """Return the bounds of a leaf, ages in months; None where it has none."""
    if not any(getattr(one, name, None) is not None for name in _BOUNDS):
        return None
    return Bounds(max(_lower(one), default=None), min(_upper(one), default=None))


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
