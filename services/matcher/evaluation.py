"""One look at one patient: trials are evaluated, and what follows for each match is noted and said."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from services.matcher.consent import consent_of, consent_turns
from services.matcher.lives import CauseWord, Look, ended, judged, match_of, refreshed
from services.matcher.memory import Memory, Shelf
from services.matcher.tables import CONSENT, FACTS, LIVES, PATIENTS, TRIALS, Life, Patient
from trialbridge.contracts.events import Change, PatientViewChanged, TrialPublished
from trialbridge.contracts.ids import ArmCode, DoseCode, EventId, MatchId, PatientId, TrialId
from trialbridge.contracts.topics import TRIAL_MATCHES
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.following import follow
from trialbridge.criteria.plan import Branch
from trialbridge.criteria.telling import Told, tell
from trialbridge.criteria.timers import next_begin, next_turn
from trialbridge.criteria.verdicts import Explanation
from trialbridge.runtime.effects import Effects

MOVED = Change("patient", "here", "elsewhere", "The patient's records belong to another person now.")
ARM_GONE = Change("arm", "there", "gone", "The trial has this arm or dose level no longer.")


@dataclass(frozen=True, slots=True)
class Before:
    """What was otherwise before the record came; nothing where it is a repeat."""

    view: PatientViewChanged | None = None
    trial: TrialPublished | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that evaluations caused by one record share."""

    effects: Effects
    memory: Memory
    today: date
    cause: CauseWord
    by: EventId
    changed: Callable[[PatientId], None]
    """Told of each patient whose entry becomes another."""
    before: Before = Before()

    def trials(self) -> Mapping[TrialId, TrialPublished]:
        """Return the trials that can be read; one that cannot never stops the others."""
        shelf = self._shelf()
        for code in shelf.refused:
            self.effects.warn(code)
        return shelf.trials

    def touched(self, before: PatientViewChanged, after: PatientViewChanged) -> list[TrialPublished]:
        """Return the trials with a criterion that reads a fact in which two views differ."""
        changed = follow(self.memory.facts(before), self.memory.facts(after), self.today)
        trials, index = self.trials(), self._shelf().index
        names = {plan.trial.id for plan, _ in index.branches(index.readers(changed))}
        return [trial for name, trial in trials.items() if name in names]

    def _shelf(self) -> Shelf:
        return self.memory.shelf(lambda: dict(self.effects.table(TRIALS).items()).values())

    def look_at(self, patient: Patient, trials: Iterable[TrialPublished]) -> None:
        """Evaluate a patient against ``trials``, and bring what the patient's other matches say up to date.

        What is not eligible and was never proposed needs no explanation: there is nothing to say of it.
        """
        view = patient.view
        facts = self.memory.facts(view)
        look = Look(view, self.today.isoformat(), consent_of(facts, self.today), self.cause, self.by)
        timers = dict(patient.timers)
        _set(timers, CONSENT, consent_turns(facts, self.today))
        _set(timers, FACTS, next_begin(facts, self.today))
        asked = {trial.trial: trial for trial in trials}
        index, known = self._shelf().index, facts.at(self.today)
        candidates = index.candidates(known) & asked.keys()
        found = index.sweep(known, index.of_trials(candidates))
        open_now = index.branches(found.eligible | found.potentially)
        wanted = {(plan.trial.id, branch.arm, branch.dose) for plan, branch in open_now} | self._proposed(patient)
        seen: set[MatchId] = set()
        for name, trial in asked.items():
            plan = self.memory.plan(trial)
            _set(timers, name, next_turn(plan, known) if name in candidates else None)
            branches = [branch for branch in plan.branches if (name, branch.arm, branch.dose) in wanted]
            for told in tell(plan, branches, known, view.patient):
                seen.add(self._judge(look, trial, told))
        self._look_after_others(patient, look, seen, set(asked))
        live = {match for match in seen if self.effects.table(LIVES).get(match) is not None}
        after = Patient(view, timers, tuple(sorted({*patient.matches, *live})))
        if after != patient:
            self.effects.table(PATIENTS).put(view.patient, after, view.network)
            self.changed(view.patient)

    def _proposed(self, patient: Patient) -> set[tuple[TrialId, ArmCode | None, DoseCode | None]]:
        table = self.effects.table(LIVES)
        lives = (table.get(match) for match in patient.matches)
        return {(life.said.trial, life.said.arm, life.said.dose) for life in lives if life is not None}

    def end(self, patient: Patient) -> None:
        """Withdraw all matches of a person whose records belong to another one now."""
        look = Look(patient.view, self.today.isoformat(), "unknown", "identity", self.by)
        table = self.effects.table(LIVES)
        for match in patient.matches:
            life = table.get(match)
            if life is not None:
                self._say(life, ended(life, look, MOVED))

    def _judge(self, look: Look, trial: TrialPublished, told: Told) -> MatchId:
        match = match_of(look.view, trial, told.branch)
        life = self.effects.table(LIVES).get(match)
        self._say(life, judged(life, look, trial, told, lambda: self._past(look.view, trial, told.branch)))
        return match

    def _look_after_others(self, patient: Patient, look: Look, seen: set[MatchId], looked: set[TrialId]) -> None:
        table = self.effects.table(LIVES)
        for match in patient.matches:
            life = None if match in seen else table.get(match)
            if life is not None:
                gone = life.said.trial in looked
                self._say(life, ended(life, look, ARM_GONE) if gone else refreshed(life, look))

    def _past(self, view: PatientViewChanged, trial: TrialPublished, now: Branch) -> Explanation | None:
        """Return what would have been said of the same arm before, to tell why a match is proposed now."""
        before = self.before
        if before == Before():
            return None
        plan = self.memory.plan(before.trial or trial)
        facts = self.memory.facts(before.view or view)
        for explanation in evaluate(plan, facts, before.day or self.today, view.patient):
            if (explanation.arm, explanation.dose) == (now.arm, now.dose):
                return explanation
        return None

    def _say(self, before: Life | None, after: Life | None) -> None:
        """Note and send what is new; send again what this very record made new when it first came."""
        if after is None:
            return
        said = after.said
        if after is not before:
            self.effects.table(LIVES).put(said.match, after, said.network)
        if after is not before or after.by == self.by:
            self.effects.emit(TRIAL_MATCHES, said.patient, said, said.network)


def _set(timers: dict[str, str], name: str, day: date | None) -> None:
    timers.pop(name, None)
    if day is not None:
        timers[name] = day.isoformat()
