"""Evaluation: one explanation for each arm and dose level, equal sub-criteria judged once per patient."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Final

from trialbridge.criteria.finding import COSTS, MET, NOT_MET, UNKNOWN, Finding, Settle, flip, worst
from trialbridge.criteria.known import FactIndex, Known
from trialbridge.criteria.plan import Branch, Spot, Step, TrialPlan
from trialbridge.criteria.terminology import versions
from trialbridge.criteria.timers import next_flip
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Missing, Outcome, Verdict

__all__ = ["evaluate", "judge", "next_flip", "outcomes"]


def evaluate(
    plan: TrialPlan, facts: FactIndex, as_of: date, patient: str, *, closed_world: bool = False
) -> tuple[Explanation, ...]:
    """Return an explanation for each arm and dose level of the trial, in the trial's order.

    Args:
        plan: The trial.
        facts: What is known of the patient.
        as_of: The day of the evaluation; facts that become effective later are left out.
        patient: The patient's id, for the explanation.
        closed_world: Take what is not known as not so, for good, as two-valued engines do: for comparison with them only.
    """
    if closed_world:
        return _explanations(plan, plan.branches, Known(facts, as_of, closed_world=True), patient)
    return explain(plan, plan.branches, facts, as_of, patient)


def outcomes(plan: TrialPlan, facts: FactIndex, as_of: date) -> tuple[Outcome, ...]:
    """Return the outcomes alone, in the order of `evaluate`: for sweeps that explain only what they propose."""
    known = facts.at(as_of)
    return tuple(outcome_of(branch, known) for branch in plan.branches)


def outcome_of(branch: Branch, known: Known) -> Outcome:
    """Return the outcome of one branch."""
    if branch.closed:
        return Outcome.NOT_ELIGIBLE
    roots = branch.criteria
    if len(roots) == 1:
        step = roots[0].step
        found = known.memo.get(step) or judge(step, known)
        if found.verdict is MET:
            return Outcome.ELIGIBLE
        return Outcome.NOT_ELIGIBLE if found.verdict is NOT_MET and not found.recoverable else Outcome.POTENTIALLY
    return _outcome([judge(root.step, known) for root in roots])


def explain(
    plan: TrialPlan, branches: Iterable[Branch], facts: FactIndex, as_of: date, patient: str
) -> tuple[Explanation, ...]:
    """Return an explanation for some of the trial's branches; other arguments as of `evaluate`."""
    return _explanations(plan, branches, facts.at(as_of), patient)


def explain_one(plan: TrialPlan, branch: Branch, known: Known, patient: str) -> Explanation:
    """Return the explanation for one branch out of what is known of the patient."""
    return _explain(plan, branch, known, patient, {}, {})


def _explanations(plan: TrialPlan, branches: Iterable[Branch], known: Known, patient: str) -> tuple[Explanation, ...]:
    written: dict[Spot, tuple[CriterionResult, ...]] = {}
    lacking: dict[Spot, list[tuple[int, str, Missing]]] = {}
    return tuple(_explain(plan, branch, known, patient, written, lacking) for branch in branches)


def _explain(
    plan: TrialPlan,
    branch: Branch,
    known: Known,
    patient: str,
    written: dict[Spot, tuple[CriterionResult, ...]],
    lacking: dict[Spot, list[tuple[int, str, Missing]]],
) -> Explanation:
    """Return one explanation; ``written`` and ``lacking`` hold what the trial's branches share."""
    lines: list[CriterionResult] = []
    if branch.closed:
        lines.append(CriterionResult(branch.closed_at, "status", NOT_MET, False, branch.closed))
    for root in branch.criteria:
        found = written.get(root)
        if found is None:
            found = written[root] = _lines(root, known)
        lines.extend(found)
    outcome = outcome_of(branch, known)
    missing: list[tuple[int, str, Missing]] = []
    if outcome is Outcome.POTENTIALLY:
        for root in branch.criteria:
            open_ = lacking.get(root)
            if open_ is None:
                open_ = lacking[root] = unsettled(root, known)
            missing.extend(open_)
        missing.sort(key=_CHEAPEST)
    return Explanation(
        patient=patient,
        trial=plan.trial.id,
        arm=branch.arm,
        dose=branch.dose,
        outcome=outcome,
        as_of=known.as_of.isoformat(),
        criteria=tuple(lines),
        missing=tuple(one for _, _, one in missing),
        trial_digest=plan.digest,
        tables=versions(),
    )


_CHEAPEST = itemgetter(0, 1)


def unsettled(root: Spot, known: Known) -> list[tuple[int, str, Missing]]:
    """Return what would settle the unknowns of a root, with the rank of its cost and its place."""
    found: list[tuple[int, str, Missing]] = []
    memo = known.memo
    for spot in root.needed or (root,):
        one = memo.get(spot.step) or judge(spot.step, known)
        if one.verdict is MET:
            continue
        if spot.members:
            add_missing(found, spot, known, MET)
        elif one.verdict is UNKNOWN and one.settle is not None:
            found.append(_missing(spot, one.settle))
    return found


def _missing(spot: Spot, settle: Settle) -> tuple[int, str, Missing]:
    what, cost = settle
    return RANKS[cost], spot.path, Missing(spot.path, spot.step.kind, as_sentence(what), cost)


@lru_cache(maxsize=8192)
def as_sentence(words: str) -> str:
    """Return words as a sentence."""
    return f"{words[:1].upper()}{words[1:]}."


def _lines(root: Spot, known: Known) -> tuple[CriterionResult, ...]:
    memo, found = known.memo, []
    for spot in (root, *root.lines):
        step = spot.step
        one = memo.get(step) or judge(step, known)
        found.append(CriterionResult(spot.path, step.kind, one.verdict, one.recoverable, one.reason, one.evidence))
    return tuple(found)


def _outcome(roots: Sequence[Finding]) -> Outcome:
    verdict = worst(root.verdict for root in roots)
    if verdict is MET:
        return Outcome.ELIGIBLE
    for_good = any(root.verdict is NOT_MET and not root.recoverable for root in roots)
    return Outcome.NOT_ELIGIBLE if for_good else Outcome.POTENTIALLY


def judge(step: Step, known: Known) -> Finding:
    """Return the finding of a criterion; equal criteria are judged once for what is known of a patient."""
    found: Finding | None = known.memo.get(step)
    if found is None:
        if step.judge is None:
            return _judge_group(step, known)
        found = known.memo[step] = _judge_leaf(step.judge, known)
    return found


def _judge_leaf(judge_it: Callable[[Known], Finding], known: Known) -> Finding:
    return _two_valued(judge_it(known)) if known.closed_world else judge_it(known)


def _judge_group(group: Step, known: Known) -> Finding:
    """Judge from the innermost groups outwards, with a list instead of calls within calls: no nesting is too deep."""
    memo = known.memo
    try:
        usual = memo[group] = _of_members(group, known)
    except KeyError:
        todo = [group]
    else:
        return usual
    while todo:
        step = todo[-1]
        inner = []
        for one in step.members:
            if one not in memo:
                if one.judge is None:
                    inner.append(one)
                else:
                    memo[one] = _judge_leaf(one.judge, known)
        if inner:
            todo += inner
            continue
        todo.pop()
        if step not in memo:
            memo[step] = _of_members(step, known)
    found: Finding = memo[group]
    return found


def _of_members(step: Step, known: Known) -> Finding:
    memo = known.memo
    if step.kind == "not":
        inner = step.members[0]
        return _negated(inner, memo[inner])
    return _group(step, [memo[one] for one in step.members])


def judge_again(step: Step, known: Known) -> Finding:
    """Judge what was judged before and whose members are; it keeps its place, so that members always come before groups."""
    found = _of_members(step, known) if step.judge is None else _judge_leaf(step.judge, known)
    known.memo[step] = found
    return found


def _two_valued(found: Finding) -> Finding:
    """Return what a closed world makes of a leaf: unknown is not met, and nothing may turn."""
    verdict = MET if found.verdict is MET else NOT_MET
    return Finding(verdict, False, found.reason, found.evidence)


WORDS = {
    MET: "As asked, this is not so",
    NOT_MET: "This must not be so, but is",
    UNKNOWN: "It is not known whether this is so",
}


def _negated(inner: Step, found: Finding) -> Finding:
    """Return the negation; that of a leaf repeats its reason and evidence, so that it reads by itself."""
    verdict = flip(found.verdict)
    if inner.judge is None:
        return Finding(verdict, found.recoverable, f"{WORDS[verdict]}.")
    return Finding(verdict, found.recoverable, f"{WORDS[verdict]}: {found.reason}", found.evidence)


def _group(step: Step, members: Sequence[Finding]) -> Finding:
    """Count: ``all`` needs every member, ``any`` one; it fails where too few are left that could be met."""
    verdicts = [one[0] for one in members]
    met, failed, needed = verdicts.count(MET), verdicts.count(NOT_MET), step.needed
    verdict = _by_count(met, failed, len(verdicts), needed)
    return _counted(met, failed, len(verdicts), needed, _may_turn(verdict, members, needed))


def _by_count(met: int, failed: int, count: int, needed: int) -> Verdict:
    return MET if met >= needed else NOT_MET if count - failed < needed else UNKNOWN


@lru_cache(maxsize=16384)
def _counted(met: int, failed: int, count: int, needed: int, turns: bool) -> Finding:  # noqa: FBT001 - a key
    words = f"{met} of {count} are met; {needed} needed."
    return Finding(_by_count(met, failed, count, needed), turns, words)


def _may_turn(verdict: Verdict, members: Sequence[Finding], needed: int) -> bool:
    if verdict is UNKNOWN:
        return True
    for_good = len([1 for one in members if one[0] is verdict and not one[1]])
    return len(members) - for_good >= needed if verdict is NOT_MET else for_good < needed


def add_missing(missing: list[tuple[int, str, Missing]], spot: Spot, known: Known, wanted: Verdict) -> None:
    """Add what would settle the unknowns on which the answer rests; what is as wanted, or lost for good, rests on none."""
    step = spot.step
    found = known.memo.get(step) or judge(step, known)
    if found.verdict is wanted or (found.verdict is not UNKNOWN and not found.recoverable):
        return
    if found.settle is not None and found.verdict is UNKNOWN:
        missing.append(_missing(spot, found.settle))
    if spot.members:
        inner = flip(wanted) if step.kind == "not" else wanted
        for one in spot.members:
            add_missing(missing, one, known, inner)


RANKS: Final = {cost: number for number, cost in enumerate(COSTS)}
