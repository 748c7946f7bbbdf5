"""Why now: the difference between two explanations."""

import msgspec

from trialbridge.contracts.events import Change
from trialbridge.criteria.telling import Told
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Verdict

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


def why_now_told(before: bytes, after: Told) -> tuple[Change, ...]:
    """Return the same of an explanation in canonical bytes and the one after it; only what is compared is read."""
    was = {line.path: line.verdict for line in _THEN.decode(before).criteria}
    return tuple(
        Change(path, was[path].value, found.verdict.value, found.reason)
        for path, kind, found in after.lines()
        if kind not in GROUPS and path in was and was[path] is not found.verdict
    )


class _Line(msgspec.Struct, frozen=True):
    path: str
    verdict: Verdict


class _Then(msgspec.Struct, frozen=True):
    criteria: tuple[_Line, ...]


_THEN = msgspec.json.Decoder(_Then)


def _change(before: CriterionResult, after: CriterionResult) -> Change:
    return Change(after.path, before.verdict.value, after.verdict.value, after.reason)
