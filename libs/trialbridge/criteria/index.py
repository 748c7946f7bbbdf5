"""The index over trials: which arms and dose levels a patient is not already out of, without asking each of them.

Every branch (arm at dose level) is a bit. For each aspect of a patient, the criteria that read it alone are judged once for
all patients who are alike in it, and the answer is kept as two sets of bits: branches that it closes for good, and branches
that it leaves open. The index skips only what is provably not eligible; anything can be explained on demand by `evaluate`.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from trialbridge.contracts.ids import TrialId
from trialbridge.criteria.aspects import BIRTH, Aspect, Panels, Profile, aspect_of, profile_of, tests_of
from trialbridge.criteria.evaluate import judge
from trialbridge.criteria.facts import Coverage
from trialbridge.criteria.finding import MET, NOT_MET
from trialbridge.criteria.known import FactIndex, Known
from trialbridge.criteria.leaves import REVERSIBLE
from trialbridge.criteria.plan import Branch, Spot, Step, TrialPlan
from trialbridge.criteria.verdicts import Outcome

KEPT: Final = 50_000
"""Answers kept for one aspect; where there would be more, they are worked out anew."""


class Answer(NamedTuple):
    """What the criteria of one aspect say: sets of branches as bits."""

    closed: int
    """Not met for good: nothing else can make the patient eligible there."""
    open: int
    """Not met now, or unknown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One branch in the index."""

    plan: TrialPlan
    branch: Branch
    firm: tuple[Step, ...]
    """What no aspect answers and may be settled for good."""
    soft: tuple[Step, ...]
    """What no aspect answers and may always turn."""


class Sweep(NamedTuple):
    """The outcomes of one patient; every branch that is in neither list is not eligible."""

    eligible: list[Entry]
    potentially: list[Entry]


@dataclass(slots=True)
class TrialIndex:
    """All trials that patients are matched against."""

    entries: dict[int, Entry] = field(default_factory=dict)
    _bits: dict[TrialId, tuple[int, ...]] = field(default_factory=dict)
    _free: list[int] = field(default_factory=list)
    _steps: dict[Aspect, dict[Step, int]] = field(default_factory=dict)
    """By aspect, the criteria that read it alone, with the branches that need each."""
    _answers: dict[Aspect, dict[Hashable, Answer]] = field(default_factory=dict)
    _panels: dict[Hashable, tuple[dict[str, Answer], Answer]] = field(default_factory=dict)
    _day: date | None = None
    _standing: int = 0
    """Branches that take patients."""
    _firm: int = 0
    """Branches with criteria that no aspect answers and that may be settled for good."""

    def put(self, plan: TrialPlan) -> None:
        """Take a trial in, in place of an earlier version of it."""
        self.drop(TrialId(plan.trial.id))
        bits = []
        for branch in plan.branches:
            bit = self._free.pop() if self._free else len(self.entries)
            bits.append(bit)
            self._add(bit, plan, branch)
        self._bits[TrialId(plan.trial.id)] = tuple(bits)

    def _add(self, bit: int, plan: TrialPlan, branch: Branch) -> None:
        mask = 1 << bit
        rest = []
        for step in _conjuncts(branch.criteria):
            aspect = aspect_of(step)
            if aspect is None:
                rest.append(step)
            else:
                steps = self._steps.setdefault(aspect, {})
                steps[step] = steps.get(step, 0) | mask
                self._forget(aspect)
        firm = tuple(step for step in rest if not _reversible(step))
        entry = Entry(plan, branch, firm, tuple(step for step in rest if _reversible(step)))
        self.entries[bit] = entry
        if not branch.closed:
            self._standing |= mask
        if firm:
            self._firm |= mask

    def drop(self, trial: TrialId) -> None:
        """Take a trial out; nothing happens where it is not in."""
        for bit in self._bits.pop(trial, ()):
            mask = 1 << bit
            entry = self.entries.pop(bit)
            self._free.append(bit)
            self._standing &= ~mask
            self._firm &= ~mask
            for step in _conjuncts(entry.branch.criteria):
                aspect = aspect_of(step)
                if aspect is None:
                    continue
                steps = self._steps[aspect]
                left = steps.get(step, 0) & ~mask
                if left:
                    steps[step] = left
                else:
                    steps.pop(step, None)
                self._forget(aspect)

    def _forget(self, aspect: Aspect) -> None:
        self._answers.pop(aspect, None)
        if aspect.kind == "gene":
            self._panels.clear()

    def sweep(self, known: Known) -> Sweep:
        """Return the outcomes of a patient on every branch."""
        closed, undecided = self.answer(profile_of(known), known.as_of, lambda: known)
        alive = self._standing & ~closed
        quick = alive & undecided & ~self._firm
        found = Sweep([], [self.entries[bit] for bit in _each(quick)])
        for bit in _each(alive & ~quick):
            entry = self.entries[bit]
            outcome = _outcome(entry, known, undecided=bool(undecided >> bit & 1))
            if outcome is Outcome.ELIGIBLE:
                found.eligible.append(entry)
            elif outcome is Outcome.POTENTIALLY:
                found.potentially.append(entry)
        return found

    def candidates(self, known: Known) -> set[TrialId]:
        """Return the trials of which some branch is not provably closed to the patient."""
        closed, _ = self.answer(profile_of(known), known.as_of, lambda: known)
        return {TrialId(self.entries[bit].plan.trial.id) for bit in _each(self._standing & ~closed)}

    def open_to(self, profile: Profile, as_of: date, known: Callable[[], Known]) -> bool:
        """Return whether some branch is not provably closed to a patient; arguments as of `answer`."""
        return bool(self._standing & ~self.answer(profile, as_of, known).closed)

    def closed_by(self, aspect: Aspect, profile: Profile, as_of: date, known: Callable[[], Known]) -> bool:
        """Return whether one aspect alone closes every branch; other arguments as of `answer`."""
        self._begin(as_of)
        if aspect not in self._steps:
            return not self._standing
        return not self._standing & ~self._answer(aspect, profile.key(aspect), known).closed

    def answer(self, profile: Profile, as_of: date, known: Callable[[], Known]) -> Answer:
        """Return what all aspects say together.

        Args:
            profile: The patient's keys.
            as_of: The day that the profile is of.
            known: Gives what is known of the patient; asked only where nobody alike was answered before.
        """
        self._begin(as_of)
        closed = undecided = 0
        for aspect in self._steps:
            if aspect.kind != "gene":
                answer = self._answer(aspect, profile.key(aspect), known)
                closed |= answer.closed
                undecided |= answer.open
        genomic = self._genomic(profile, known)
        return Answer(closed | genomic.closed, undecided | genomic.open)

    def _begin(self, as_of: date) -> None:
        """Forget the answers of another day about ages."""
        if self._day != as_of:
            self._answers.pop(BIRTH, None)
            self._day = as_of

    def _genomic(self, profile: Profile, known: Callable[[], Known]) -> Answer:
        """Join the answers of all genes: those without a finding depend on the panels alone."""
        base, joined = self._panel(profile.panels, known)
        mine = profile.genes.keys() & base.keys()
        if not mine:
            return joined
        closed = undecided = 0
        for gene, answer in base.items():
            if gene in mine:
                own = Aspect("gene", gene)
                answer = self._answer(own, profile.key(own), known)  # noqa: PLW2901 - the patient's own in place of the panel's
            closed |= answer.closed
            undecided |= answer.open
        return Answer(closed, undecided)

    def _panel(self, panels: Panels, known: Callable[[], Known]) -> tuple[dict[str, Answer], Answer]:
        found = self._panels.get(panels)
        if found is None:
            bare = _without_findings(known())
            by_gene = {
                aspect.gene: self._answer(aspect, (frozenset(), tests_of(panels, aspect.gene)), lambda: bare)
                for aspect in self._steps
                if aspect.kind == "gene"
            }
            found = self._panels[panels] = (by_gene, _union(by_gene.values()))
        return found

    def _answer(self, aspect: Aspect, key: Hashable, known: Callable[[], Known]) -> Answer:
        answers = self._answers.setdefault(aspect, {})
        answer = answers.get(key)
        if answer is None:
            if len(answers) >= KEPT:
                answers.clear()
            answer = answers[key] = self._judged(aspect, known())
        return answer

    def _judged(self, aspect: Aspect, known: Known) -> Answer:
        closed = undecided = 0
        for step, mask in self._steps[aspect].items():
            found = judge(step, known)
            if found.verdict is NOT_MET and not found.recoverable:
                closed |= mask
            elif found.verdict is not MET:
                undecided |= mask
        return Answer(closed, undecided)


def _without_findings(known: Known) -> Known:
    """Return what the panels alone tell."""
    return Known(FactIndex(known.of(Coverage)), known.as_of)


def _union(answers: Iterable[Answer]) -> Answer:
    closed = undecided = 0
    for answer in answers:
        closed |= answer.closed
        undecided |= answer.open
    return Answer(closed, undecided)


def _conjuncts(spots: Iterable[Spot]) -> Iterator[Step]:
    """Yield the criteria that must all be met."""
    for spot in spots:
        yield from _flat(spot.step)


def _flat(step: Step) -> Iterator[Step]:
    if step.kind == "all":
        for member in step.members:
            yield from _flat(member)
    else:
        yield step


def _reversible(step: Step) -> bool:
    """Return whether any verdict of a criterion may always turn."""
    if step.judge is not None:
        return type(step.node) in REVERSIBLE
    return all(_reversible(member) for member in step.members)


def _outcome(entry: Entry, known: Known, *, undecided: bool) -> Outcome:
    for step in entry.firm:
        found = judge(step, known)
        if found.verdict is NOT_MET and not found.recoverable:
            return Outcome.NOT_ELIGIBLE
        undecided = undecided or found.verdict is not MET
    if undecided or any(judge(step, known).verdict is not MET for step in entry.soft):
        return Outcome.POTENTIALLY
    return Outcome.ELIGIBLE


def _each(mask: int) -> Iterator[int]:
    """Yield the numbers of the bits that are set."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
