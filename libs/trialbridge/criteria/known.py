"""A patient's facts in canonical order, and what of them is known at an as-of date."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from trialbridge.criteria.dates import Span, back, span
from trialbridge.criteria.facts import AnyFact, Fact, Therapy
from trialbridge.criteria.language import Period

F = TypeVar("F", bound=Fact)
_ENCODE = msgspec.json.Encoder(order="deterministic").encode
_NEVER = datetime.max.replace(tzinfo=UTC)


def begins(fact: Fact) -> str | None:
    """Return the partial date from which a fact holds; a treatment holds from its start."""
    return fact.start or fact.effective if isinstance(fact, Therapy) else fact.effective


class FactIndex:
    """All facts of one patient: by type, sorted so that the order in which they came does not matter."""

    __slots__ = ("__weakref__", "by_kind", "facts", "kinds")

    def __init__(self, facts: Iterable[AnyFact]) -> None:
        """Sort the facts by time and content; equal facts count once.

        Which delivery brought a fact comes last in the order, so that it decides between facts that are otherwise the same only.
        """
        unique = {_ENCODE(fact): fact for fact in facts}
        order = sorted((fact.effective or "", _ENCODE(_without_delivery(fact)), raw) for raw, fact in unique.items())
        self.facts: tuple[AnyFact, ...] = tuple(unique[raw] for _, _, raw in order)
        self.by_kind: dict[str, list[AnyFact]] = {}
        for fact in self.facts:
            self.by_kind.setdefault(str(fact.__struct_config__.tag), []).append(fact)
        self.kinds = frozenset(self.by_kind)

    def at(self, as_of: date) -> "Known":
        """Return what is known at the end of ``as_of``; facts that become effective later are left out."""
        return _at(self, as_of)


@lru_cache(maxsize=32)
def _at(index: FactIndex, as_of: date) -> "Known":
    # Few are kept: a patient's answers are worth their memory only while that patient is looked at.
    return Known(index, as_of)


def _without_delivery(fact: AnyFact) -> AnyFact:
    return msgspec.structs.replace(fact, evidence=msgspec.structs.replace(fact.evidence, record="", version=""))


class Known:
    """What is known of a patient at the end of one day, with the answers already worked out for it."""

    __slots__ = ("_by_type", "as_of", "closed_world", "index", "memo")

    def __init__(self, index: FactIndex, as_of: date, *, closed_world: bool = False) -> None:
        """Keep the facts that are in effect by the end of ``as_of``; in a closed world what is not known is not so."""
        self.index = index
        self.closed_world = closed_world
        self.as_of = as_of
        self.memo: dict[Any, Any] = {}
        self._by_type: dict[type, list[Any]] = {}
        end = datetime.combine(as_of, time.max, UTC)
        for fact in index.facts:
            when = span(begins(fact))
            if when is None or when.start <= end:
                self._by_type.setdefault(type(fact), []).append(fact)

    def of(self, kind: type[F]) -> Sequence[F]:
        """Return the facts of one type in canonical order."""
        return self._by_type.get(kind, ())

    def in_period(self, facts: Iterable[F], period: Period | None) -> tuple[list[F], list[F]]:
        """Return the facts surely in the period that ends with the as-of date, and those that may be (partial or no date)."""
        if period is None:
            return list(facts), []
        first = datetime.combine(back(self.as_of, period), time.min, UTC)
        sure: list[F] = []
        maybe: list[F] = []
        for fact in facts:
            when = span(fact.effective)
            if when is not None and when.start >= first:
                sure.append(fact)
            elif when is None or when.end >= first:
                maybe.append(fact)
        return sure, maybe

    def newest(self, facts: Iterable[F], period: Period | None = None) -> tuple[list[F], bool]:
        """Return the facts that could be the newest in the period, and whether there surely is one.

        A fact without a date could always be the newest; so could one whose partial date reaches past the newest certain one.
        """
        facts = list(facts)
        sure, maybe = self.in_period(facts, period)
        latest = max((when.start for fact in sure if (when := span(fact.effective))), default=None)
        if latest is None:
            chosen = {id(fact) for fact in (*sure, *maybe)}
        else:
            chosen = {id(fact) for fact in (*sure, *maybe) if _end(span(fact.effective)) >= latest}
        return [fact for fact in facts if id(fact) in chosen], bool(sure)


def _end(when: Span | None) -> datetime:
    return _NEVER if when is None else when.end
