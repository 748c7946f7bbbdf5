"""Plans: trials made ready for evaluation. Equal criteria share one step, so they are judged once per patient."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from trialbridge.contracts.ids import Digest
from trialbridge.criteria import language as q
from trialbridge.criteria.finding import Finding
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves import JUDGES, READS
from trialbridge.criteria.trial import Trial


class Step:
    """One distinct criterion of all loaded trials; it lives as long as a plan needs it, and stands for itself in memos."""

    __slots__ = ("__weakref__", "judge", "kind", "members", "needed", "node")

    def __init__(self, node: Any) -> None:
        """Prepare the judge of a leaf, or the members of a group."""
        self.node = node
        self.kind = str(node.__struct_config__.tag)
        self.members: tuple[Step, ...] = tuple(step_of(one) for one in members_of(node))
        self.judge: Callable[[Known], Finding] | None = None if self.members else partial(JUDGES[type(node)], node)
        self.needed = _needed(node)
        """How many members must be met; 0 for a leaf and for ``not``."""


_STEPS: "WeakValueDictionary[Any, Step]" = WeakValueDictionary()


def step_of(node: Any) -> Step:
    """Return the step of a criterion, the same one for equal criteria."""
    found = _STEPS.get(node)
    if found is None:
        found = Step(node)
        _STEPS[node] = found
    return found


def members_of(node: Any) -> tuple[Any, ...]:
    """Return the criteria directly inside of a group; nothing for a leaf."""
    if isinstance(node, q.Not):
        return (node.of,)
    return node.of if isinstance(node, (q.All, q.Any, q.AtLeast)) else ()


def _needed(node: Any) -> int:
    if isinstance(node, q.AtLeast):
        return node.count
    return len(node.of) if isinstance(node, q.All) else 1 if isinstance(node, q.Any) else 0


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """A criterion at its place in a trial."""

    path: str
    step: Step
    members: tuple["Spot", ...]
    lines: tuple["Spot", ...]
    """The members at every depth, in the order of the trial; without the spot itself."""
    needed: tuple["Spot", ...]
    """What must all be met, below any ``all``: leaves, and groups of other kinds."""


def spot_of(node: Any, path: str) -> Spot:
    """Return a criterion with the paths of all that is in it."""
    step = step_of(node)
    place = f"{path}.{step.kind}"
    inner = f"{place}.of" if isinstance(node, q.AtLeast) else place
    single = isinstance(node, q.Not)
    members = tuple(spot_of(one, place if single else f"{inner}[{n}]") for n, one in enumerate(members_of(node)))
    lines = tuple(line for one in members for line in (one, *one.lines))
    needed = tuple(own for one in members for own in (one.needed or (one,))) if step.kind == "all" else ()
    return Spot(place, step, members, lines, needed)


@dataclass(frozen=True, slots=True)
class Branch:
    """One arm at one dose level: the criteria that all must be met."""

    arm: str | None
    dose: str | None
    criteria: tuple[Spot, ...]
    closed: str = ""
    """Why the branch takes nobody, in words; empty where it does."""
    closed_at: str = ""
    """The path of the status that closes it."""


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """A trial ready for evaluation."""

    trial: Trial
    digest: Digest
    branches: tuple[Branch, ...]
    kinds: frozenset[str]
    """Kinds of facts that any criterion reads; a patient in whom none of them changed keeps the verdicts."""
    leaves: frozenset[Step]


def plan_of(trial: Trial, digest: Digest) -> TrialPlan:
    """Return the plan of a trial whose terms are resolved."""
    branches = branches_of(trial)
    spots = {spot for branch in branches for root in branch.criteria for spot in (root, *root.lines)}
    leaves = frozenset(spot.step for spot in spots if spot.step.judge is not None)
    kinds = frozenset(kind for leaf in leaves for kind in READS[type(leaf.node)])
    return TrialPlan(trial, digest, branches, kinds, leaves)


def branches_of(trial: Trial) -> tuple[Branch, ...]:
    """Return every arm at every dose level, in the trial's order; a trial without arms is one branch."""
    own = _spots(trial.criteria, "criteria")
    if not trial.arms:
        return (Branch(None, None, own),)
    return tuple(branch for arm in trial.arms for branch in _of_arm(arm, own))


def _of_arm(arm: Any, own: tuple[Spot, ...]) -> Iterator[Branch]:
    place = f"arms[{arm.code}]"
    here = (*own, *_spots(arm.criteria, f"{place}.criteria"))
    shut = (f"The arm is {arm.status}.", f"{place}.status") if arm.status != "open" else ("", "")
    if not arm.dose_levels:
        yield Branch(arm.code, None, here, *shut)
    for level in arm.dose_levels:
        spot = f"{place}.dose_levels[{level.code}]"
        below = _spots(level.criteria, f"{spot}.criteria")
        low = (f"The dose level is {level.status}.", f"{spot}.status") if level.status != "open" else ("", "")
        yield Branch(arm.code, level.code, (*here, *below), *(shut if shut[0] else low))


def _spots(node: Any, path: str) -> tuple[Spot, ...]:
    return () if node is None else (spot_of(node, path),)
