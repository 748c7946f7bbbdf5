"""Which patients of a partition a changed trial concerns: those it is not provably closed to, and those it was proposed for.

Derived from the tables and brought up to date from them when asked, so that nothing which was taken back stays in it.
"""

from dataclasses import dataclass, field
from datetime import date

from services.matcher.memory import Memory
from services.matcher.tables import LIVES, PATIENTS, Patient
from trialbridge.contracts.events import TrialPublished
from trialbridge.contracts.ids import PatientId, TrialId
from trialbridge.criteria.cohort import Cohort
from trialbridge.criteria.known import FactIndex
from trialbridge.runtime.effects import Effects


@dataclass(slots=True)
class Crowd:
    """The index over a partition's patients."""

    memory: Memory
    _cohort: Cohort | None = None
    _proposed: dict[TrialId, set[PatientId]] = field(default_factory=dict)
    """By trial, every patient it was ever proposed for; a few too many do no harm."""
    _changed: set[PatientId] = field(default_factory=set)

    def changed(self, patient: PatientId) -> None:
        """Note that a patient is another one than before."""
        self._changed.add(patient)

    def concerned(self, trial: TrialPublished, today: date, effects: Effects) -> list[Patient]:
        """Return the patients to look at for a trial, in the order of their ids."""
        table = effects.table(PATIENTS)
        cohort = self._as_of(today, effects)

        def facts(name: PatientId) -> FactIndex:
            patient = table.get(name)
            return FactIndex(()) if patient is None else self.memory.facts(patient.view)

        names = {*cohort.candidates(self.memory.plan(trial), facts), *self._proposed.get(trial.trial, ())}
        found = (table.get(name) for name in sorted(names))
        return [patient for patient in found if patient is not None and not patient.view.removed]

    def _as_of(self, today: date, effects: Effects) -> Cohort:
        table = effects.table(PATIENTS)
        if self._cohort is None or self._cohort.as_of != today:
            self._cohort = Cohort(today)
            changed = {PatientId(name) for name, _ in table.items()}
        else:
            changed = self._changed
        for name in changed:
            patient = table.get(name)
            if patient is None or patient.view.removed:
                self._cohort.drop(name)
            else:
                self._cohort.put(name, self.memory.facts(patient.view))
            self._note_proposed(name, patient, effects)
        self._changed = set()
        return self._cohort

    def _note_proposed(self, name: PatientId, patient: Patient | None, effects: Effects) -> None:
        lives = effects.table(LIVES)
        for match in patient.matches if patient is not None else ():
            life = lives.get(match)
            if life is not None:
                self._proposed.setdefault(life.said.trial, set()).add(name)
