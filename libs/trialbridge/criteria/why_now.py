"""Why now: the difference between two explanations."""

from trialbridge.contracts.events import Change
from trialbridge.criteria.verdicts import CriterionResult, Explanation

GROUPS = frozenset({"all", "any", "not", "at_least"})


def why_now(before: Explanation | None, after: Explanation) -> tuple[Change, ...]:
    """Return the leaves whose verdict differs, in the order of ``after``; empty where there is nothing to compare with."""
    if before is None:
        return ()
    was = {line.path: line for line in before.criteria}
    return tuple(
        _change(was[line.path], line)
        for line in after.criteria
        if line.kind not in GROUPS and line.path in was and was[line.path].verdict is not line.verdict
    )


def _change(before: CriterionResult, after: CriterionResult) -> Change:
    return Change(after.path, before.verdict.value, after.verdict.value, after.reason)
