"""The layout of the index: which bit is which branch, and which criteria each branch needs.

The lowest plane has one bit for each branch. An ``any`` over several aspects takes a layer: member ``m`` of the group in layer
``l`` has its own plane, where its branch has the same place. So the answers of all aspects are joined by OR, and the groups are
then told for all branches at once: a group is closed where every member is, and met where one is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from trialbridge.contracts.ids import TrialId
from trialbridge.criteria.aspects import Aspect, aspect_of
from trialbridge.criteria.leaves import REVERSIBLE
from trialbridge.criteria.plan import Branch, Spot, Step, TrialPlan
from trialbridge.criteria.reading import Reading, reads

K = TypeVar("K")

LAYERS: Final = 5
"""Groups of a branch that have planes; further ones are judged by themselves."""
MEMBERS: Final = 8
"""Members of a group that has planes; larger ones are judged by themselves."""
FIRST_WIDTH: Final = 64


@dataclass(slots=True)
class Board:
    """All branches, by bit."""

    branches: dict[int, tuple[TrialPlan, Branch]] = field(default_factory=dict)
    steps: dict[Aspect, dict[Step, int]] = field(default_factory=dict)
    """By aspect, the criteria that read it alone, with the places that need each."""
    firm: dict[Step, int] = field(default_factory=dict)
    """Criteria that no aspect answers and that may be settled for good, with the branches that need each."""
    soft: dict[Step, int] = field(default_factory=dict)
    """Criteria that no aspect answers and that may always turn."""
    standing: int = 0
    """Branches that take patients."""
    readers: dict[Reading, int] = field(default_factory=dict)
    """By what facts say, the branches with a criterion that reads it."""
    bits: dict[TrialId, tuple[int, ...]] = field(default_factory=dict)
    """The branches of each trial, in its order."""
    _free: list[int] = field(default_factory=list)
    _width: int = FIRST_WIDTH
    _present: list[list[int]] = field(default_factory=lambda: [[0] * MEMBERS for _ in range(LAYERS)])
    """By layer and member, the branches that have one there."""

    def put(self, plan: TrialPlan) -> set[Aspect]:
        """Take a trial in, in place of an earlier version of it; return the aspects whose answers are no longer whole."""
        name = TrialId(plan.trial.id)
        touched = self.drop(name)
        while len(self.branches) + len(plan.branches) > self._width:
            self._widen()
            touched |= self.steps.keys()
        bits = []
        for branch in plan.branches:
            bit = self._free.pop() if self._free else len(self.branches)
            bits.append(bit)
            touched |= self._place(bit, plan, branch)
        self.bits[name] = tuple(bits)
        return touched

    def drop(self, trial: TrialId) -> set[Aspect]:
        """Take a trial out, if it is in; return the aspects whose answers are no longer whole."""
        bits = self.bits.pop(trial, ())
        if not bits:
            return set()
        gone = sum(1 << bit for bit in bits)
        for bit in bits:
            del self.branches[bit]
        self._free.extend(bits)
        self.standing &= ~gone
        self._present = [[members & ~gone for members in layer] for layer in self._present]
        everywhere = sum(gone << (plane * self._width) for plane in range(1 + LAYERS * MEMBERS))
        touched = {aspect for aspect, steps in self.steps.items() if _clear(steps, everywhere)}
        self.steps = {aspect: steps for aspect, steps in self.steps.items() if steps}
        _clear(self.firm, gone)
        _clear(self.soft, gone)
        _clear(self.readers, gone)
        return touched

    def _widen(self) -> None:
        """Make room for twice as many branches: every plane but the lowest moves."""
        plans = {name: self.branches[bits[0]][0] for name, bits in self.bits.items()}
        self.branches, self.steps, self.firm, self.soft, self.readers = {}, {}, {}, {}, {}
        self.standing, self._width, self.bits, self._free = 0, self._width * 2, {}, []
        self._present = [[0] * MEMBERS for _ in range(LAYERS)]
        for plan in plans.values():
            self.put(plan)

    def _place(self, bit: int, plan: TrialPlan, branch: Branch) -> set[Aspect]:
        mask, layer = 1 << bit, 0
        self.branches[bit] = (plan, branch)
        if not branch.closed:
            self.standing |= mask
        for key in {key for root in branch.criteria for spot in (root, *root.lines) for key in reads(spot.step)}:
            self.readers[key] = self.readers.get(key, 0) | mask
        touched = set()
        for step in _conjuncts(branch.criteria):
            aspect = aspect_of(step)
            members = _options(step) if aspect is None and layer < LAYERS else None
            if aspect is not None:
                touched.add(aspect)
                _need(self.steps.setdefault(aspect, {}), step, mask)
            elif members is not None:
                touched |= self._spread(members, bit, layer)
                layer += 1
            else:
                _need(self.soft if _reversible(step) else self.firm, step, mask)
        return touched

    def _spread(self, members: dict[Step, Aspect], bit: int, layer: int) -> set[Aspect]:
        for number, (step, aspect) in enumerate(members.items()):
            plane = 1 + layer * MEMBERS + number
            _need(self.steps.setdefault(aspect, {}), step, 1 << (plane * self._width + bit))
            self._present[layer][number] |= 1 << bit
        return set(members.values())

    def joined(self, closed: int, unmet: int) -> tuple[int, int]:
        """Return the branches that are closed, and those with something not met, out of what all aspects say together."""
        whole = (1 << self._width) - 1
        base_closed, base_unmet = closed & whole, unmet & whole
        for layer, members in enumerate(self._present):
            here = members[0]
            if not here:
                break
            all_closed, none_met = here, here
            for number, present in enumerate(members):
                if not present:
                    break
                shift = (1 + layer * MEMBERS + number) * self._width
                all_closed &= closed >> shift | ~present
                none_met &= unmet >> shift | ~present
            base_closed |= all_closed
            base_unmet |= none_met
        return base_closed, base_unmet


def _need(steps: dict[Step, int], step: Step, mask: int) -> None:
    steps[step] = steps.get(step, 0) | mask


def _clear(steps: dict[K, int], gone: int) -> bool:
    """Take places out of what is needed; return whether any was in."""
    found = [step for step, mask in steps.items() if mask & gone]
    for step in found:
        steps[step] &= ~gone
        if not steps[step]:
            del steps[step]
    return bool(found)


def _conjuncts(spots: Iterable[Spot]) -> Iterator[Step]:
    """Yield the criteria that must all be met, each once."""
    yield from dict.fromkeys(step for spot in spots for step in _flat(spot.step, "all"))


def _flat(step: Step, kind: str) -> Iterator[Step]:
    if step.kind == kind:
        for member in step.members:
            yield from _flat(member, kind)
    else:
        yield step


def _options(step: Step) -> dict[Step, Aspect] | None:
    """Return the members of an ``any`` that aspects answer, or None where it is none such, or too large."""
    if step.kind != "any":
        return None
    found: dict[Step, Aspect] = {}
    for member in _flat(step, "any"):
        aspect = aspect_of(member)
        if aspect is None:
            return None
        found[member] = aspect
    return found if len(found) <= MEMBERS else None


def _reversible(step: Step) -> bool:
    """Return whether any verdict of a criterion may always turn."""
    if step.judge is not None:
        return type(step.node) in REVERSIBLE
    return all(_reversible(member) for member in step.members)
