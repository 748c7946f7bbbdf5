"""The index over trials: which arms and dose levels a patient is not already out of, without asking each of them.

Every branch (arm at dose level) is a bit. For each aspect of a patient, the criteria that read it alone are judged once for
all patients who are alike in it, and the answer is kept as sets of bits. Criteria that no aspect answers are judged once per
patient, and only while a branch that needs them is still open. The index skips only what is provably not eligible; anything
can be explained on demand by `evaluate`.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from trialbridge.contracts.ids import TrialId
from trialbridge.criteria.aspects import BIRTH, Aspect, Panels, Profile, profile_of, tests_of
from trialbridge.criteria.board import Board
from trialbridge.criteria.evaluate import judge
from trialbridge.criteria.facts import AnyFact, Coverage
from trialbridge.criteria.finding import MET, NOT_MET
from trialbridge.criteria.known import FactIndex, Known
from trialbridge.criteria.plan import Branch, TrialPlan
from trialbridge.criteria.reading import keys_of

KEPT: Final = 50_000
"""Answers kept for one aspect; where there would be more, they are worked out anew."""


class Answer(NamedTuple):
    """What criteria say, as sets of branches."""

    closed: int
    """Not met for good: nothing else can make the patient eligible there."""
    open: int
    """Not met, for good or not, or unknown."""


class Sweep(NamedTuple):
    """The outcomes of one patient as sets of branches; every branch that is in neither is not eligible."""

    eligible: int
    potentially: int


@dataclass(slots=True)
class TrialIndex:
    """All trials that patients are matched against."""

    _board: Board = field(default_factory=Board)
    _answers: dict[Aspect, dict[Hashable, Answer]] = field(default_factory=dict)
    _panels: dict[Hashable, tuple[dict[str, Answer], Answer]] = field(default_factory=dict)
    _day: date | None = None

    def put(self, plan: TrialPlan) -> None:
        """Take a trial in, in place of an earlier version of it."""
        self._forget(self._board.put(plan))

    def drop(self, trial: TrialId) -> None:
        """Take a trial out; nothing happens where it is not in."""
        self._forget(self._board.drop(trial))

    def _forget(self, aspects: Iterable[Aspect]) -> None:
        for aspect in aspects:
            self._answers.pop(aspect, None)
            if aspect.kind == "gene":
                self._panels.clear()

    def branches(self, mask: int) -> Iterator[tuple[TrialPlan, Branch]]:
        """Yield the trials and branches of a set."""
        return (self._board.branches[bit] for bit in _each(mask))

    def readers(self, facts: Iterable[AnyFact]) -> int:
        """Return the branches with a criterion that reads one of the facts; a change of others leaves them as they are."""
        mask, readers = 0, self._board.readers
        for key in {key for fact in facts for key in keys_of(fact)}:
            mask |= readers.get(key, 0)
        return mask

    def of_trials(self, names: Iterable[TrialId]) -> int:
        """Return the branches of some trials."""
        return sum(1 << bit for name in names for bit in self._board.bits.get(name, ()))

    def of_branch(self, plan: TrialPlan, branch: Branch) -> int:
        """Return one branch of a trial that is in."""
        bits = self._board.bits[TrialId(plan.trial.id)]
        return 1 << bits[plan.branches.index(branch)]

    def sweep(self, known: Known, among: int = -1) -> Sweep:
        """Return the outcomes of a patient on every branch, or on those of a set."""
        return self.decide(profile_of(known), known.as_of, lambda: known, among)

    def decide(self, profile: Profile, as_of: date, known: Callable[[], Known], among: int = -1) -> Sweep:
        """Return the outcomes of a patient by the keys, and by what is known only where these do not tell; as of `answer`."""
        board = self._board
        closed, unmet = self.answer(profile, as_of, known)
        alive = board.standing & ~closed & among
        for step, mask in board.firm.items():
            if mask & alive:
                found = judge(step, known())
                if found.verdict is NOT_MET and not found.recoverable:
                    alive &= ~mask
                elif found.verdict is not MET:
                    unmet |= mask
        eligible = alive & ~unmet
        for step, mask in board.soft.items():
            if mask & eligible and judge(step, known()).verdict is not MET:
                eligible &= ~mask
        return Sweep(eligible, alive & ~eligible)

    def candidates(self, known: Known) -> set[TrialId]:
        """Return the trials of which some branch is not provably closed to the patient."""
        closed, _ = self.answer(profile_of(known), known.as_of, lambda: known)
        return {TrialId(plan.trial.id) for plan, _ in self.branches(self._board.standing & ~closed)}

    def open_to(self, profile: Profile, as_of: date, known: Callable[[], Known]) -> bool:
        """Return whether some branch is not provably closed to a patient; arguments as of `answer`."""
        return bool(self._board.standing & ~self.answer(profile, as_of, known).closed)

    def closed_by(self, aspect: Aspect, profile: Profile, as_of: date, known: Callable[[], Known]) -> bool:
        """Return whether one aspect alone closes every branch; other arguments as of `answer`."""
        self._begin(as_of)
        if aspect not in self._board.steps:
            return not self._board.standing
        return not self._board.standing & ~self._answer(aspect, profile.key(aspect), known).closed

    def answer(self, profile: Profile, as_of: date, known: Callable[[], Known]) -> Answer:
        """Return what all aspects say together.

        Args:
            profile: The patient's keys.
            as_of: The day that the profile is of.
            known: Gives what is known of the patient; asked only where nobody alike was answered before.
        """
        self._begin(as_of)
        closed = unmet = 0
        for aspect in self._board.steps:
            if aspect.kind != "gene":
                answer = self._answer(aspect, profile.key(aspect), known)
                closed |= answer.closed
                unmet |= answer.open
        genomic = self._genomic(profile, known)
        return Answer(*self._board.joined(closed | genomic.closed, unmet | genomic.open))

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
        closed = unmet = 0
        for gene, answer in base.items():
            if gene in mine:
                own = Aspect("gene", gene)
                answer = self._answer(own, profile.key(own), known)  # noqa: PLW2901 - the patient's own in place of the panel's
            closed |= answer.closed
            unmet |= answer.open
        return Answer(closed, unmet)

    def _panel(self, panels: Panels, known: Callable[[], Known]) -> tuple[dict[str, Answer], Answer]:
        found = self._panels.get(panels)
        if found is None:
            bare = _without_findings(known())
            by_gene = {
                aspect.gene: self._answer(aspect, (frozenset(), tests_of(panels, aspect.gene)), lambda: bare)
                for aspect in self._board.steps
                if aspect.kind == "gene"
            }
            if len(self._panels) >= KEPT:
                self._panels.clear()
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
        closed = unmet = 0
        for step, mask in self._board.steps[aspect].items():
            found = judge(step, known)
            if found.verdict is not MET:
                unmet |= mask
                if found.verdict is NOT_MET and not found.recoverable:
                    closed |= mask
        return Answer(closed, unmet)


def _without_findings(known: Known) -> Known:
    """Return what the panels alone tell."""
    return Known(FactIndex(known.of(Coverage)), known.as_of)


def _union(answers: Iterable[Answer]) -> Answer:
    closed = unmet = 0
    for answer in answers:
        closed |= answer.closed
        unmet |= answer.open
    return Answer(closed, unmet)


def _each(mask: int) -> Iterator[int]:
    """Yield the numbers of the bits that are set."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
