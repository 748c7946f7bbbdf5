"""What several results of one day say together: the four stains of mismatch repair, and the two counts of HER2's gene."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from trialbridge.criteria import facts as f
from trialbridge.criteria.bounds import finite
from trialbridge.criteria.known import Known
from trialbridge.criteria.terminology import her2_ish, markers

F = TypeVar("F", bound=f.Fact)
REPAIR_PROTEINS: Final = ("MLH1", "MSH2", "MSH6", "PMS2")
_COUNTS: Final = ("ratio", "copies")
_DAY: Final = len("2026-01-01")
_STATED: Final = frozenset({"positive", "negative", "low", "ultralow"})
_UNDECIDED: Final = Decimal(2)
"""The grade of a stain of HER2 that the hybridization of the same day decides."""


def by_day(facts: Iterable[F]) -> dict[str, list[F]]:
    """Return facts by the day they are of; those whose day is not known belong to none."""
    days: dict[str, list[F]] = {}
    for fact in facts:
        if fact.effective and len(fact.effective) >= _DAY:
            days.setdefault(fact.effective[:_DAY], []).append(fact)
    return days


def repair(known: Known) -> list[f.Signature]:
    """Return mismatch repair as proficient for each stain of a day on which all four proteins were looked at and none was lost.

    Each stain is evidence of its own: they agree. A lost one is told as deficient by the record itself.
    """
    stains = [fact for protein in REPAIR_PROTEINS for fact in known.about(f.Marker, protein)]
    return [
        f.Signature(
            evidence=fact.evidence, effective=fact.effective, name="mmr", status="proficient", assay=_method(day)
        )
        for day in by_day(stains).values()
        if {markers.canonical(fact.marker) for fact in day} >= set(REPAIR_PROTEINS)
        and all(fact.status == "positive" for fact in day)
        for fact in day
    ]


def _method(stains: Sequence[f.Marker]) -> str | None:
    """Return the method of stains that are all by the same."""
    methods = {fact.method for fact in stains}
    return methods.pop() if len(methods) == 1 else None


def her2(facts: Sequence[f.Marker]) -> list[f.Marker]:
    """Return results of HER2 with what the ratio and the copies of one day say together (`her2_ish.tsv`), where the record does not say it.

    A stain of grade 2 on that day is decided by them: amplified is positive, not amplified is low. Counts that decide nothing give way
    to what else the record states of the day: that is the workup that they call for.
    """
    decided: dict[int, str] = {}
    empty: set[int] = set()
    for day in by_day(facts).values():
        counts = [fact for fact in day if _is_count(fact)]
        said = _amplified(counts)
        if said in (None, "equivocal") and any(fact.status in _STATED for fact in day):
            empty.update(map(id, counts))
        elif said is not None:
            stains = [fact for fact in day if _is_undecided(fact)] if said != "equivocal" else []
            word = "low" if stains and said == "negative" else said
            decided.update({id(fact): word for fact in (*counts, *stains)})
    return [_with(fact, decided.get(id(fact))) for fact in facts if id(fact) not in empty]


def _amplified(counts: Sequence[f.Marker]) -> str | None:
    """Return what the counts of a day say; of several that differ, that they do not agree."""
    ratios, copies = (
        [score for fact in counts if fact.score_kind == kind and (score := _number(fact)) is not None]
        for kind in _COUNTS
    )
    said = {her2_ish.status(ratio, number) for ratio in ratios for number in copies}
    return said.pop() if len(said) == 1 else "equivocal" if said else None


def _number(fact: f.Marker) -> Decimal | None:
    """Return a count; None for what no count can be."""
    score = finite(fact.score)
    return score if score is not None and score >= 0 else None


def _is_count(fact: f.Marker) -> bool:
    return fact.status is None and fact.score_kind in _COUNTS


def _is_undecided(fact: f.Marker) -> bool:
    return fact.score_kind == "ihc" and fact.score == _UNDECIDED and fact.status in (None, "equivocal")


def _with(fact: f.Marker, status: Any) -> f.Marker:
    return fact if status is None else msgspec.structs.replace(fact, status=status)
