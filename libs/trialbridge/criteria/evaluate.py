"""Evaluation: one explanation for each arm and dose level, equal sub-criteria judged once per patient."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from trialbridge.criteria import language as q
from trialbridge.criteria.compiler import Branch, TrialPlan
from trialbridge.criteria.finding import COSTS, MET, NOT_MET, UNKNOWN, Finding, best, flip, worst
from trialbridge.criteria.known import FactIndex, Known
from trialbridge.criteria.leaves import JUDGES
from trialbridge.criteria.terminology import TABLES
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Missing, Outcome, Verdict


def evaluate(plan: TrialPlan, facts: FactIndex, as_of: date, patient: str) -> tuple[Explanation, ...]:
    """Return an explanation for each arm and dose level of the trial, in the trial's order.

    Args:
        plan: The trial.
        facts: What is known of the patient.
        as_of: The day of the evaluation; facts that become effective later are left out.
        patient: The patient's id, for the explanation.
    """
    known = facts.at(as_of)
    return tuple(_explain(plan, branch, known, patient) for branch in plan.branches)


def _explain(plan: TrialPlan, branch: Branch, known: Known, patient: str) -> Explanation:
    lines = [line for path, node in branch.criteria for line in _lines(node, path, known)]
    roots = [judge(node, known) for _, node in branch.criteria]
    outcome = _outcome(roots)
    missing = [one for path, node in branch.criteria for one in _missing(node, path, known)]
    if branch.closed:
        lines.insert(0, CriterionResult(f"arms[{branch.arm}].status", "status", NOT_MET, False, branch.closed))
        outcome = Outcome.NOT_ELIGIBLE
    return Explanation(
        patient=patient,
        trial=plan.trial.id,
        arm=branch.arm,
        dose=branch.dose,
        outcome=outcome,
        as_of=known.as_of.isoformat(),
        criteria=tuple(lines),
        missing=_cheapest_first(missing) if outcome is Outcome.POTENTIALLY else (),
        trial_digest=plan.digest,
        tables=TABLES,
    )


def _outcome(roots: Sequence[Finding]) -> Outcome:
    verdict = worst(root.verdict for root in roots)
    if verdict is MET:
        return Outcome.ELIGIBLE
    for_good = any(root.verdict is NOT_MET and not root.recoverable for root in roots)
    return Outcome.NOT_ELIGIBLE if for_good else Outcome.POTENTIALLY


def judge(node: Any, known: Known) -> Finding:
    """Return the finding of a criterion; equal criteria are judged once for what is known of a patient."""
    found = known.memo.get(node)
    if found is None:
        found = known.memo[node] = _judge(node, known)
    return found


def _judge(node: Any, known: Known) -> Finding:
    if isinstance(node, q.Not):
        inner = judge(node.of, known)
        words = {MET: "Not the case.", NOT_MET: "It is the case.", UNKNOWN: "It is not known."}
        verdict = flip(inner.verdict)
        return Finding(verdict, inner.recoverable, words[verdict])
    if isinstance(node, (q.All, q.Any, q.AtLeast)):
        return _group(node, [judge(one, known) for one in node.of])
    return JUDGES[type(node)](node, known)


def _group(node: q.All | q.Any | q.AtLeast, members: Sequence[Finding]) -> Finding:
    needed = len(members) if isinstance(node, q.All) else 1 if isinstance(node, q.Any) else node.count
    met = sum(one.verdict is MET for one in members)
    failed = [one for one in members if one.verdict is NOT_MET]
    if isinstance(node, q.All):
        verdict = worst(one.verdict for one in members)
    elif isinstance(node, q.Any):
        verdict = best(one.verdict for one in members)
    else:
        verdict = MET if met >= needed else NOT_MET if len(members) - len(failed) < needed else UNKNOWN
    words = f"{met} of {len(members)} are met; {needed} needed."
    return Finding(verdict, _may_turn(verdict, members, failed, needed), words)


def _may_turn(verdict: Verdict, members: Sequence[Finding], failed: Sequence[Finding], needed: int) -> bool:
    if verdict is UNKNOWN:
        return True
    if verdict is NOT_MET:
        lost = sum(not one.recoverable for one in failed)
        return len(members) - lost >= needed
    kept = sum(one.verdict is MET and not one.recoverable for one in members)
    return kept < needed


def _lines(node: Any, path: str, known: Known) -> Iterator[CriterionResult]:
    """Yield the criterion's line and those of its members."""
    kind = str(node.__struct_config__.tag)
    found = judge(node, known)
    place = f"{path}.{kind}"
    yield CriterionResult(place, kind, found.verdict, found.recoverable, found.reason, found.evidence)
    for inner, one in _members(node, place):
        yield from _lines(one, inner, known)


def _members(node: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, q.Not):
        yield place, node.of
    elif isinstance(node, (q.All, q.Any, q.AtLeast)):
        yield from ((f"{place}[{number}]", one) for number, one in enumerate(node.of))


def _missing(node: Any, path: str, known: Known) -> Iterator[Missing]:
    """Yield what would settle the unknowns on which the answer rests."""
    found = judge(node, known)
    if found.verdict is not UNKNOWN:
        return
    kind = str(node.__struct_config__.tag)
    place = f"{path}.{kind}"
    if found.settle is not None:
        what = found.settle.what
        yield Missing(place, kind, f"{what[:1].upper()}{what[1:]}.", found.settle.cost)
    for inner, one in _members(node, place):
        yield from _missing(one, inner, known)


def _cheapest_first(missing: Sequence[Missing]) -> tuple[Missing, ...]:
    return tuple(sorted(missing, key=lambda one: (COSTS.index(one.cost), one.path)))
