"""Which results of a kind count: the newest, or any one."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from trialbridge.criteria import language as q
from trialbridge.criteria.facts import Fact
from trialbridge.criteria.finding import (
    MET,
    NOT_MET,
    UNKNOWN,
    Check,
    Finding,
    Settle,
    evidence_of,
    judge_newest,
    sentence,
)
from trialbridge.criteria.known import Known
from trialbridge.criteria.verdicts import Verdict

F = TypeVar("F", bound=Fact)


class Picking(Protocol):
    """A leaf about results."""

    @property
    def pick(self) -> q.Pick:
        """Return which results count."""
        ...

    @property
    def within(self) -> q.Period | None:
        """Return the period in which they count."""
        ...


class Asked(NamedTuple):
    """What is asked, in words, and what would settle it."""

    wanted: str
    absent: str
    settle: Settle


def judge_picked(
    leaf: Picking,
    known: Known,
    facts: Sequence[F],
    check: Callable[[F], Check],
    asked: Asked,
    recoverable: Callable[[Verdict], bool] = lambda _: True,
) -> Finding:
    """Judge by the newest of the results, or by any one of them, as the leaf has it."""
    if leaf.pick == "ever":
        return _ever(*known.in_period(facts, leaf.within), check, asked, recoverable)
    newest, certain = known.newest(facts, leaf.within)
    return judge_newest(newest, certain, check, asked.wanted, asked.absent, asked.settle, recoverable)


def _ever(
    sure: Sequence[F],
    maybe: Sequence[F],
    check: Callable[[F], Check],
    asked: Asked,
    recoverable: Callable[[Verdict], bool],
) -> Finding:
    if not sure and not maybe:
        return Finding(UNKNOWN, True, sentence(asked.absent, asked.wanted), (), asked.settle)
    checks = [(fact, check(fact), fact in sure) for fact in (*sure, *maybe)]
    verdict = _verdict([(found.verdict, certain) for _, found, certain in checks])
    decisive = [(fact, found) for fact, found, certain in checks if _decides(found.verdict, verdict, certain=certain)]
    said = ", ".join(dict.fromkeys(found.words for _, found in decisive))
    turns = True if verdict is UNKNOWN else recoverable(verdict)
    settle = asked.settle if verdict is UNKNOWN else None
    return Finding(verdict, turns, sentence(said, asked.wanted), evidence_of(fact for fact, _ in decisive), settle)


def _verdict(checks: Sequence[tuple[Verdict, bool]]) -> Verdict:
    if (MET, True) in checks:
        return MET
    if all(verdict is NOT_MET for verdict, _ in checks) and any(certain for _, certain in checks):
        return NOT_MET
    return UNKNOWN


def _decides(one: Verdict, verdict: Verdict, *, certain: bool) -> bool:
    """Return whether a result is a reason for the verdict: what is met surely, all that fails, or whatever leaves it open."""
    if verdict is MET:
        return one is MET and certain
    return verdict is NOT_MET or one is not NOT_MET or not certain
