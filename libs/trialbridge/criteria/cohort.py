"""The index over patients: which of them a changed trial is not provably closed to. Patients who are alike share their keys."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from trialbridge.contracts.ids import PatientId
from trialbridge.criteria.aspects import DIAGNOSIS, Profile, profile_of
from trialbridge.criteria.index import TrialIndex
from trialbridge.criteria.known import FactIndex, Known
from trialbridge.criteria.plan import TrialPlan
from trialbridge.criteria.verdicts import Outcome


@dataclass(slots=True)
class Cohort:
    """Patients by diagnosis, with their keys in the other aspects, as of one day."""

    as_of: date
    _alike: dict[Hashable, dict[PatientId, Profile]] = field(default_factory=dict)
    _where: dict[PatientId, Hashable] = field(default_factory=dict)
    _keys: dict[Any, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of patients."""
        return len(self._where)

    def put(self, patient: PatientId, facts: FactIndex) -> None:
        """Take a patient in, in place of what was known of the same one before."""
        self.drop(patient)
        profile = self._shared(profile_of(facts.at(self.as_of)))
        self._alike.setdefault(profile.diagnosis, {})[patient] = profile
        self._where[patient] = profile.diagnosis

    def drop(self, patient: PatientId) -> None:
        """Take a patient out; nothing happens where there is none."""
        diagnosis = self._where.pop(patient, None)
        if diagnosis is not None:
            alike = self._alike[diagnosis]
            del alike[patient]
            if not alike:
                del self._alike[diagnosis]

    def _shared(self, profile: Profile) -> Profile:
        """Return the profile made of keys that are kept once for all patients."""
        genes = {self._once(gene): self._once(found) for gene, found in profile.genes.items()}
        once = {name: self._once(getattr(profile, name)) for name in Profile._fields if name != "genes"}
        return Profile(genes=genes, **once)

    def _once(self, key: Any) -> Any:
        return self._keys.setdefault(key, key)

    def candidates(self, plan: TrialPlan, facts: Callable[[PatientId], FactIndex]) -> Iterator[PatientId]:
        """Yield the patients of whom some branch of the trial is not provably closed.

        Args:
            plan: The trial.
            facts: Gives a patient's facts; asked once for all who are alike.
        """
        index = TrialIndex()
        index.put(plan)
        for alike in self._alike.values():
            first = next(iter(alike))
            if index.closed_by(DIAGNOSIS, alike[first], self.as_of, self._known(first, facts)):
                continue
            for patient, profile in alike.items():
                if index.open_to(profile, self.as_of, self._known(patient, facts)):
                    yield patient

    def sweep(
        self, plan: TrialPlan, facts: Callable[[PatientId], FactIndex]
    ) -> Iterator[tuple[PatientId, tuple[Outcome, ...]]]:
        """Yield the patients who are not out of every branch, with the outcomes in the trial's order; as of `candidates`."""
        index = TrialIndex()
        index.put(plan)
        bits = [index.of_branch(plan, branch) for branch in plan.branches]
        for alike in self._alike.values():
            first = next(iter(alike))
            if index.closed_by(DIAGNOSIS, alike[first], self.as_of, self._known(first, facts)):
                continue
            for patient, profile in alike.items():
                eligible, potentially = index.decide(profile, self.as_of, self._known(patient, facts))
                if eligible | potentially:
                    yield patient, tuple(_outcome(eligible & bit, potentially & bit) for bit in bits)

    def _known(self, patient: PatientId, facts: Callable[[PatientId], FactIndex]) -> Callable[[], Known]:
        kept: list[Known] = []

        def once() -> Known:
            if not kept:
                kept.append(Known(facts(patient), self.as_of))
            return kept[0]

        return once


def _outcome(eligible: int, potentially: int) -> Outcome:
    return Outcome.ELIGIBLE if eligible else Outcome.POTENTIALLY if potentially else Outcome.NOT_ELIGIBLE
