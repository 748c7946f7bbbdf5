"""A patient's facts in canonical order, and what of them is known at an as-of date."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final, TypeVar

import msgspec

from trialbridge.criteria.dates import Span, back, span
from trialbridge.criteria.facts import AnyFact, Coverage, Fact, Therapy
from trialbridge.criteria.language import Period
from trialbridge.criteria.subjects import Subjects

F = TypeVar("F", bound=Fact)
KEPT: Final = 16
"""Patients of whom what was worked out is kept: those looked at last, in all of the process."""
_ENCODE = msgspec.json.Encoder(order="deterministic").encode
_NEVER = datetime.max.replace(tzinfo=UTC)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def begins(fact: Fact) -> str | None:
    """Return the partial date from which a fact holds; a treatment holds from its start."""
    return fact.start or fact.effective if isinstance(fact, Therapy) else fact.effective


class FactIndex:
    """All facts of one patient: by type, sorted so that the order in which they came does not matter."""

    __slots__ = ("__weakref__", "by_kind", "facts", "kinds", "latest")

    def __init__(self, facts: Iterable[AnyFact]) -> None:
        """Sort the facts by time and content; equal facts count once.

        Which delivery brought a fact comes last in the order, so that it decides between facts that are otherwise the same only.
        """
        unique = {_ENCODE(fact): fact for fact in facts}
        order = sorted((fact.effective or "", _without_delivery(fact, raw), raw) for raw, fact in unique.items())
        self.facts: tuple[AnyFact, ...] = tuple(unique[raw] for _, _, raw in order)
        self.by_kind: dict[str, list[AnyFact]] = {}
        for fact in self.facts:
            self.by_kind.setdefault(str(fact.__struct_config__.tag), []).append(fact)
        self.kinds = frozenset(self.by_kind)
        starts = [when.start for fact in self.facts if (when := span(begins(fact))) is not None]
        self.latest = max(starts, default=_EARLIEST)
        """When the last of the facts comes into effect."""

    def at(self, as_of: date) -> "Known":
        """Return what is known at the end of ``as_of``; facts that become effective later are left out."""
        return _RECENT.at(self, as_of)

    def differing(self, other: "FactIndex") -> set[AnyFact]:
        """Return the facts that only one of the two has."""
        mine, theirs = self.facts, other.facts
        first, last = 0, 0
        shorter = min(len(mine), len(theirs))
        while first < shorter and mine[first] == theirs[first]:
            first += 1
        while last < shorter - first and mine[-1 - last] == theirs[-1 - last]:
            last += 1
        return {*mine[first : len(mine) - last]} ^ {*theirs[first : len(theirs) - last]}


def _without_delivery(fact: AnyFact, raw: bytes) -> bytes:
    evidence = fact.evidence
    if not evidence.record and not evidence.version:
        return raw
    bare = msgspec.structs.replace(evidence, record="", version="")
    return _ENCODE(msgspec.structs.replace(fact, evidence=bare))


class _Recent:
    """What is known of the patients who were looked at last: their answers are worth their memory only for a while."""

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[FactIndex, date], Known] = OrderedDict()

    def at(self, index: FactIndex, as_of: date) -> "Known":
        found = self.kept.get((index, as_of))
        if found is None:
            return self.put(Known(index, as_of))
        self.kept.move_to_end((index, as_of))
        return found

    def put(self, known: "Known") -> "Known":
        self.kept[known.index, known.as_of] = known
        if len(self.kept) > KEPT:
            _, gone = self.kept.popitem(last=False)
            # They refer to what is known in turn: apart, all of it is freed at once, without the collector.
            gone.notes = gone.turns = None
        return known


_RECENT: Final = _Recent()


def recent(index: FactIndex, as_of: date) -> "Known | None":
    """Return what was worked out of the facts for a day where it is still at hand."""
    return _RECENT.kept.get((index, as_of))


def keep(known: "Known") -> "Known":
    """Keep what is worked out, for the next who asks for the same facts and day; return it."""
    return _RECENT.put(known)


class Known:
    """What is known of a patient at the end of one day, with the answers already worked out for it."""

    __slots__ = ("_every", "_now", "as_of", "closed_world", "index", "memo", "notes", "turns")

    def __init__(self, index: FactIndex, as_of: date, *, closed_world: bool = False) -> None:
        """Keep the facts that are in effect by the end of ``as_of``; in a closed world what is not known is not so."""
        self.index = index
        self.closed_world = closed_world
        self.as_of = as_of
        self.memo: dict[Any, Any] = {}
        """By criterion, what it says of the patient."""
        self.notes: Any = None
        """What is written of the answers (see `telling`)."""
        self.turns: Any = None
        """When the answers may turn (see `timers`)."""
        self._every = Subjects(index.facts)
        end = datetime.combine(as_of, time.max, UTC)
        if index.latest <= end:
            self._now = self._every
        else:
            self._now = Subjects(
                fact for fact in index.facts if (when := span(begins(fact))) is None or when.start <= end
            )

    def of(self, kind: type[F]) -> Sequence[F]:
        """Return the facts of one type in canonical order."""
        return self._now.of(kind)

    def about(self, kind: type[F], what: str) -> Sequence[F]:
        """Return the facts of one type about one gene, test, marker or signature, in canonical order."""
        return self._now.about(kind, what)

    def looked(self, gene: str) -> Sequence[Coverage]:
        """Return the tests that looked at a gene for anything, in canonical order."""
        return self._now.looked(gene)

    def ever(self, kind: str, what: str = "") -> Sequence[AnyFact]:
        """Return the facts of a kind, or those about one subject of it, also those that come into effect later."""
        return self._every.called(kind, what)

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
        if len(facts) < 2:  # noqa: PLR2004 - one is the newest, or none
            return [*sure, *maybe], bool(sure)
        latest = max((when.start for fact in sure if (when := span(fact.effective))), default=None)
        if latest is None:
            chosen = {id(fact) for fact in (*sure, *maybe)}
        else:
            chosen = {id(fact) for fact in (*sure, *maybe) if _end(span(fact.effective)) >= latest}
        return [fact for fact in facts if id(fact) in chosen], bool(sure)


def _end(when: Span | None) -> datetime:
    return _NEVER if when is None else when.end
