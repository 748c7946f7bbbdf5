"""What one criterion says of one patient, the three-valued arithmetic, and the choice of the newest record."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeVar

from trialbridge.criteria.facts import Evidence, Fact
from trialbridge.criteria.verdicts import Verdict

MET, NOT_MET, UNKNOWN = Verdict.MET, Verdict.NOT_MET, Verdict.UNKNOWN
Cost = Literal["ask", "record", "lab", "imaging", "sequencing", "biopsy"]
COSTS: tuple[Cost, ...] = ("ask", "record", "lab", "imaging", "sequencing", "biopsy")
"""Cheapest to settle first."""

F = TypeVar("F", bound=Fact)


class Settle(NamedTuple):
    """What would settle an unknown criterion."""

    what: str
    cost: Cost


class Finding(NamedTuple):
    """Verdict, whether it may still turn, the reason, the evidence, and for an unknown leaf what would settle it."""

    verdict: Verdict
    recoverable: bool
    reason: str
    evidence: tuple[Evidence, ...] = ()
    settle: Settle | None = None


class Check(NamedTuple):
    """What one fact says: verdict and the words for it."""

    verdict: Verdict
    words: str


def flip(verdict: Verdict) -> Verdict:
    """Return the verdict of the negation."""
    return {MET: NOT_MET, NOT_MET: MET, UNKNOWN: UNKNOWN}[verdict]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return not_met if any is, else unknown if any is, else met."""
    found = set(verdicts)
    return NOT_MET if NOT_MET in found else UNKNOWN if UNKNOWN in found else MET


def best(verdicts: Iterable[Verdict]) -> Verdict:
    """Return met if any is, else unknown if any is, else not_met."""
    found = set(verdicts)
    return MET if MET in found else UNKNOWN if UNKNOWN in found else NOT_MET


def overlap(recorded: frozenset[str], wanted: frozenset[str]) -> Verdict:
    """Compare what a record leaves possible with what is wanted: inside is met, apart is not_met, partly is unknown."""
    if recorded <= wanted:
        return MET
    return UNKNOWN if recorded & wanted else NOT_MET


def evidence_of(facts: Iterable[Fact]) -> tuple[Evidence, ...]:
    """Return the evidence of the facts, each once, in the order of the facts."""
    found = [fact.evidence for fact in facts]
    return tuple(found if len(found) < 2 else dict.fromkeys(found))  # noqa: PLR2004 - one, or none


def sentence(words: str, wanted: str) -> str:
    """Return ``Words; wanted: …`` as one sentence."""
    return f"{words[:1].upper()}{words[1:]}; wanted: {wanted}."


def judge_newest(
    facts: Sequence[F],
    certain: bool,  # noqa: FBT001 - paired with the facts it belongs to
    check: Callable[[F], Check],
    wanted: str,
    absent: str,
    settle: Settle,
    recoverable: Callable[[Verdict], bool] = lambda _: True,
) -> Finding:
    """Judge by the records that could be the newest: they decide where they agree, else the answer is unknown.

    ``certain`` is False where all of ``facts`` may lie outside the period asked for; ``absent`` is the reason without any.
    """
    if not facts:
        return Finding(UNKNOWN, True, sentence(absent, wanted), (), settle)
    checks = [(fact, check(fact)) for fact in facts]
    verdicts = {c.verdict for _, c in checks}
    said = ", or ".join(dict.fromkeys(c.words for _, c in checks))
    if len(verdicts) == 1 and certain:
        verdict = verdicts.pop()
        flag = True if verdict is UNKNOWN else recoverable(verdict)
        return Finding(
            verdict, flag, sentence(said, wanted), evidence_of(facts), settle if verdict is UNKNOWN else None
        )
    why = "the newest of them is not certain" if certain else "it may lie outside the period"
    return Finding(UNKNOWN, True, sentence(f"{said} ({why})", wanted), evidence_of(facts), settle)
