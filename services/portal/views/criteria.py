"""An explanation as people read it: the trial's conditions, and what lies beneath each of them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from services.portal.words import kind_title
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Verdict

GROUPS: Final = frozenset({"all", "any", "not", "at_least"})
"""Kinds that join criteria."""


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """Where a verdict comes from."""

    resource: str
    date: str
    source: str
    record: str
    version: str
    place: str
    tables: str = ""
    """Versions of the feed's own table of codes that it rests on."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of the explanation and the lines beneath it."""

    path: str
    kind: str
    title: str
    group: bool
    negated: bool
    """True beneath a ``not``: there it is good where the line does not apply."""
    verdict: str
    recoverable: bool
    reason: str
    evidence: tuple[EvidenceLine, ...] = ()
    parts: tuple["Condition", ...] = ()

    @property
    def word(self) -> str:
        """Return the key of the verdict's word."""
        if self.negated:
            return f"negated_{self.verdict}"
        return "not_now" if self.verdict == Verdict.NOT_MET.value and self.recoverable else self.verdict


@dataclass(frozen=True, slots=True)
class Tally:
    """How many conditions stand at each verdict."""

    met: int = 0
    unknown: int = 0
    not_met: int = 0

    @property
    def total(self) -> int:
        """Return the number of conditions."""
        return self.met + self.unknown + self.not_met


@dataclass(slots=True)
class _Growing:
    result: CriterionResult
    parts: list["_Growing"] = field(default_factory=list)


def explanation_of(raw: msgspec.Raw) -> Explanation | None:
    """Return the explanation of a document, or None where there is none (the engine has said nothing yet)."""
    try:
        return msgspec.json.decode(raw, type=Explanation)
    except msgspec.MsgspecError:
        return None


def conditions_of(explanation: Explanation | None) -> tuple[Condition, ...]:
    """Return what the trial asks for, one condition for each member of its outermost ``all``, in the trial's order."""
    if explanation is None:
        return ()
    return tuple(_condition(one) for root in _grow(explanation.criteria) for one in _unfold(root))


def tally_of(conditions: tuple[Condition, ...]) -> Tally:
    """Return how the verdicts are spread."""
    verdicts = [one.verdict for one in conditions]
    return Tally(verdicts.count("met"), verdicts.count("unknown"), verdicts.count("not_met"))


def telling(condition: Condition) -> Condition:
    """Return the line beneath a condition that says most about its verdict; a condition without parts itself."""
    if not condition.parts:
        return condition
    wanted = condition.verdict
    if condition.kind == "not":
        wanted = {"met": "not_met", "not_met": "met"}.get(wanted, wanted)
    return telling(next((part for part in condition.parts if part.verdict == wanted), condition.parts[0]))


def is_negated(path: str) -> bool:
    """Return whether the line at ``path`` lies beneath an odd number of ``not``."""
    return path.split(".")[:-1].count("not") % 2 == 1


def _grow(results: tuple[CriterionResult, ...]) -> list[_Growing]:
    """Return the lines as trees: a line whose path continues another one's lies beneath it."""
    roots: list[_Growing] = []
    above: list[_Growing] = []
    for result in results:
        while above and not result.path.startswith((f"{above[-1].result.path}.", f"{above[-1].result.path}[")):
            above.pop()
        grown = _Growing(result)
        (above[-1].parts if above else roots).append(grown)
        above.append(grown)
    return roots


def _unfold(tree: _Growing) -> Iterator[_Growing]:
    """Yield the members of an ``all``, of those that are an ``all`` again their members, and so on."""
    if tree.result.kind != "all":
        yield tree
        return
    for part in tree.parts:
        yield from _unfold(part)


def _condition(tree: _Growing) -> Condition:
    one = tree.result
    return Condition(
        path=one.path,
        kind=one.kind,
        title=kind_title(one.kind),
        group=one.kind in GROUPS,
        negated=is_negated(one.path),
        verdict=one.verdict.value,
        recoverable=one.recoverable,
        reason=one.reason,
        evidence=tuple(
            EvidenceLine(
                item.resource, item.date or "", item.source, item.record, item.version, item.place or "", item.tables
            )
            for item in one.evidence
        ),
        parts=tuple(_condition(part) for part in tree.parts),
    )
