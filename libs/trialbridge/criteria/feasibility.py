"""Feasibility: how many of a practice's patients a trial's criteria leave, one after another, and which of them costs most."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from trialbridge.criteria.evaluate import judge
from trialbridge.criteria.finding import Finding
from trialbridge.criteria.known import FactIndex, Known
from trialbridge.criteria.plan import Branch, Spot, TrialPlan
from trialbridge.criteria.verdicts import Verdict


class StepCount(msgspec.Struct, frozen=True):
    """What one criterion does to the patients."""

    path: str
    kind: str
    met: int
    unknown: int
    not_met: int
    left: int
    """Patients who fail neither this criterion nor one before it."""
    only: int
    """Patients whom this criterion alone keeps out: they fail no other."""


class Funnel(msgspec.Struct, frozen=True):
    """The attrition of one arm and dose level."""

    trial: str
    arm: str | None
    dose: str | None
    patients: int
    eligible: int
    """Patients who meet every criterion."""
    open: int
    """Patients who fail none, with something unknown."""
    closed: str
    """Why the branch takes nobody; empty where it does."""
    steps: tuple[StepCount, ...]

    @property
    def dearest(self) -> StepCount | None:
        """Return the criterion without which most patients more would be left, None where none keeps anybody out alone."""
        best = max(self.steps, key=lambda step: step.only, default=None)
        return best if best is not None and best.only else None


@dataclass(slots=True)
class _Tally:
    branch: Branch
    spots: tuple[Spot, ...]
    met: list[int] = field(init=False)
    failed: list[int] = field(init=False)
    left: list[int] = field(init=False)
    only: list[int] = field(init=False)
    patients: int = 0
    eligible: int = 0
    open: int = 0

    def __post_init__(self) -> None:
        self.met, self.failed, self.left, self.only = ([0] * len(self.spots) for _ in range(4))

    def add(self, verdicts: Sequence[Verdict]) -> None:
        self.patients += 1
        failing = [number for number, verdict in enumerate(verdicts) if verdict is Verdict.NOT_MET]
        for number, verdict in enumerate(verdicts):
            self.met[number] += verdict is Verdict.MET
            self.failed[number] += verdict is Verdict.NOT_MET
        for number in range(failing[0] if failing else len(verdicts)):
            self.left[number] += 1
        if len(failing) == 1:
            self.only[failing[0]] += 1
        if not failing:
            whole = all(verdict is Verdict.MET for verdict in verdicts)
            self.eligible += whole
            self.open += not whole

    def funnel(self, trial: str) -> Funnel:
        steps = tuple(
            StepCount(
                spot.path, spot.step.kind, self.met[n], self.patients - self.met[n] - self.failed[n], self.failed[n],
                self.left[n], self.only[n],
            )
            for n, spot in enumerate(self.spots)
        )  # fmt: skip
        return Funnel(
            trial, self.branch.arm, self.branch.dose, self.patients, self.eligible, self.open, self.branch.closed, steps
        )


class Attrition:
    """The funnels of several trials, counted patient by patient; no patient is kept."""

    def __init__(self, plans: Iterable[TrialPlan], as_of: date) -> None:
        """Begin with nobody; ``as_of`` is the day of the evaluation."""
        self._as_of = as_of
        self._tallies = [(plan, [_Tally(branch, _needed(branch)) for branch in plan.branches]) for plan in plans]

    def add(self, facts: FactIndex) -> None:
        """Count one patient."""
        known = Known(facts, self._as_of)
        for _, tallies in self._tallies:
            for tally in tallies:
                tally.add([_verdict(spot, known) for spot in tally.spots])

    def funnels(self) -> tuple[Funnel, ...]:
        """Return the funnel of each arm and dose level so far, criteria in the trial's order; an ``all`` counts by its members."""
        return tuple(tally.funnel(plan.trial.id) for plan, tallies in self._tallies for tally in tallies)


def attrition(plan: TrialPlan, patients: Iterable[FactIndex], as_of: date) -> tuple[Funnel, ...]:
    """Return the funnel of each arm and dose level of one trial.

    Args:
        plan: The trial.
        patients: The facts of each patient; read once.
        as_of: The day of the evaluation.
    """
    counted = Attrition([plan], as_of)
    for facts in patients:
        counted.add(facts)
    return counted.funnels()


def _needed(branch: Branch) -> tuple[Spot, ...]:
    return tuple(own for root in branch.criteria for own in (root.needed or (root,)))


def _verdict(spot: Spot, known: Known) -> Verdict:
    found: Finding = judge(spot.step, known)
    return found.verdict
