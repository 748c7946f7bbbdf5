"""A patient after a change: what reads no changed fact is taken over, and only the rest is judged again."""

from collections.abc import Iterable
from datetime import date

from trialbridge.criteria.evaluate import judge_again
from trialbridge.criteria.facts import AnyFact
from trialbridge.criteria.finding import Finding
from trialbridge.criteria.known import FactIndex, Known, keep, recent
from trialbridge.criteria.plan import Step
from trialbridge.criteria.reading import keys_of, reads_of
from trialbridge.criteria.telling import Notes
from trialbridge.criteria.timers import Turns


def follow(before: FactIndex, after: FactIndex, as_of: date) -> set[AnyFact]:
    """Return the facts in which a patient differs from before, after taking over what still holds.

    Nothing is taken over where the patient was not looked at lately; then all is judged when it is asked for.
    """
    changed = after.differing(before)
    then = recent(before, as_of)
    if then is not None and recent(after, as_of) is None:
        keep(followed(then, after, changed))
    return changed


def followed(then: Known, after: FactIndex, changed: Iterable[AnyFact]) -> Known:
    """Return what is known after a change, with the answers of before that hold, and those that do not worked out again."""
    known = Known(after, then.as_of, closed_world=then.closed_world)
    subjects = {key for fact in changed for key in keys_of(fact)}
    known.memo = then.memo.copy()
    says = _Changes(set(), set())
    stale = [step for step in then.memo if step.judge is not None and not reads_of(step).isdisjoint(subjects)]
    for step in stale:
        says.note(step, then.memo[step], judge_again(step, known))
    if says.changed:
        _groups(then, known, says)
    if isinstance(then.notes, Notes):
        known.notes = then.notes.followed(known, says.changed, says.turned)
    if isinstance(then.turns, Turns):
        known.turns = Turns(known)
        known.turns.update((leaf, day) for leaf, day in then.turns.items() if reads_of(leaf).isdisjoint(subjects))
    return known


class _Changes:
    """What says another thing than before, and what does so with another verdict or is settled otherwise."""

    __slots__ = ("changed", "turned")

    def __init__(self, changed: set[Step], turned: set[Step]) -> None:
        self.changed = changed
        self.turned = turned

    def note(self, step: Step, was: Finding, now: Finding) -> None:
        """Compare what a criterion said with what it says."""
        if now is not was and now != was:
            self.changed.add(step)
            if now.verdict is not was.verdict or now.recoverable is not was.recoverable or now.settle != was.settle:
                self.turned.add(step)


def _groups(then: Known, known: Known, says: _Changes) -> None:
    """Judge groups again whose members say another thing; members were judged first, so their order needs no second look."""
    changed, turned = says.changed, says.turned
    for step, was in then.memo.items():
        if step.judge is None and not (changed if step.kind == "not" else turned).isdisjoint(step.members):
            says.note(step, was, judge_again(step, known))
