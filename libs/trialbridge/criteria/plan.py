"""Plans: trials made ready for evaluation. Equal criteria share one step, so they are judged once per patient."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from trialbridge.contracts.ids import Digest
from trialbridge.criteria import language as q
from trialbridge.criteria.finding import Finding
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves import JUDGES, READS
from trialbridge.criteria.trial import Trial


class Step:
    """One distinct criterion of all loaded trials; it lives as long as a plan needs it, and stands for itself in memos."""

    __slots__ = ("__weakref__", "judge", "kind", "members", "needed", "node", "reads")

    def __init__(self, node: Any) -> None:
        """Prepare the judge of a leaf, or the members of a group."""
        self.node = node
        self.kind = str(node.__struct_config__.tag)
        self.members: tuple[Step, ...] = tuple(step_of(one) for one in members_of(node))
        self.judge: Callable[[Known], Finding] | None = None if self.members else partial(JUDGES[type(node)], node)
        self.needed = _needed(node)
        """How many members must be met; 0 for a leaf and for ``not``."""
        self.reads: frozenset[Any] | None = None
        """What a leaf reads of a patient, once somebody asked."""


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
    lines: tuple["Spot", ...] = ()
    """Of a root: the members at every depth, in the order of the trial; without the spot itself."""
    needed: tuple["Spot", ...] = ()
    """Of a root that is an ``all``: what must all be met, below any ``all`` in it: leaves, and groups of other kinds."""


def root_of(node: Any, path: str) -> Spot:
    """Return a criterion at the top of a trial, arm or dose level, with all that is in it listed once."""
    spot = _spot_of(node, path)
    return Spot(spot.path, spot.step, spot.members, tuple(_below(spot)), tuple(_musts(spot)))


def _spot_of(node: Any, path: str) -> Spot:
    step = step_of(node)
    place = f"{path}.{step.kind}"
    inner = f"{place}.of" if isinstance(node, q.AtLeast) else place
    single = isinstance(node, q.Not)
    members = (_spot_of(one, place if single else f"{inner}[{n}]") for n, one in enumerate(members_of(node)))
    return Spot(place, step, tuple(members))


def _below(root: Spot) -> Iterator[Spot]:
    waiting = list(reversed(root.members))
    while waiting:
        spot = waiting.pop()
        yield spot
        waiting.extend(reversed(spot.members))


def _musts(root: Spot) -> Iterator[Spot]:
    waiting = [root]
    while waiting:
        spot = waiting.pop()
        if spot.step.kind == "all":
            waiting.extend(reversed(spot.members))
        elif spot is not root:
            yield spot


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """How the lines of a criterion with all that is in it are written: only what each says of a patient is left open."""

    root: Spot
    template: bytes
    """JSON objects, parted by commas; ``%b`` for each step."""
    steps: tuple[Step, ...]
    asks: tuple[tuple[Step, str, bytes], ...]
    """What must be met and is a leaf, or the negation of one: the leaf, its path (they are in the order of paths), and how its
    missing fact begins.
    """
    groups: tuple[Spot, ...]
    """What else must be met."""


def script_of(root: Spot) -> Script:
    """Return how a criterion's lines are written."""
    lines = (root, *root.lines)
    asks: list[tuple[Step, str, bytes]] = []
    groups: list[Spot] = []
    for spot in root.needed or (root,):
        leaf = spot.members[0] if spot.step.kind == "not" else spot
        if leaf.step.judge is None:
            groups.append(spot)
        else:
            asks.append((leaf.step, leaf.path, begin_line(leaf.path, leaf.step.kind)))
    template = b",".join(begin_line(spot.path, spot.step.kind).replace(b"%", b"%%") + b"%b" for spot in lines)
    asks.sort(key=itemgetter(1))
    return Script(root, template, tuple(spot.step for spot in lines), tuple(asks), tuple(groups))


def begin_line(path: str, kind: str) -> bytes:
    """Return how a line about a criterion begins."""
    return b'{"path":%b,"kind":%b,' % (msgspec.json.encode(path), msgspec.json.encode(kind))


@dataclass(frozen=True, slots=True)
class Branch:
    """One arm at one dose level: the criteria that all must be met."""

    arm: str | None
    dose: str | None
    criteria: tuple[Spot, ...]
    scripts: tuple[Script, ...]
    """One for each of the criteria; branches that share a criterion share it."""
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
    own = _scripts(trial.criteria, "criteria")
    if not trial.arms:
        return (_branch(None, None, own),)
    return tuple(branch for arm in trial.arms for branch in _of_arm(arm, own))


def _of_arm(arm: Any, own: tuple[Script, ...]) -> Iterator[Branch]:
    place = f"arms[{arm.code}]"
    here = (*own, *_scripts(arm.criteria, f"{place}.criteria"))
    shut = (f"The arm is {arm.status}.", f"{place}.status") if arm.status != "open" else ("", "")
    if not arm.dose_levels:
        yield _branch(arm.code, None, here, *shut)
    for level in arm.dose_levels:
        spot = f"{place}.dose_levels[{level.code}]"
        below = _scripts(level.criteria, f"{spot}.criteria")
        low = (f"The dose level is {level.status}.", f"{spot}.status") if level.status != "open" else ("", "")
        yield _branch(arm.code, level.code, (*here, *below), *(shut if shut[0] else low))


def _branch(
    arm: str | None, dose: str | None, scripts: tuple[Script, ...], closed: str = "", closed_at: str = ""
) -> Branch:
    return Branch(arm, dose, tuple(script.root for script in scripts), scripts, closed, closed_at)


def _scripts(node: Any, path: str) -> tuple[Script, ...]:
    return () if node is None else (script_of(root_of(node, path)),)
