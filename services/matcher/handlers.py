"""The use cases of the matcher: a changed patient, a changed trial, a new day. Each evaluates only what it can have changed.

A crash may leave some of a record's table changes durable and others not, so a repeat is never trusted to be done: it is evaluated
again in full, and every match that this very record changed is said again, with the same sequence number.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import msgspec

from services.matcher.crowd import Crowd
from services.matcher.evaluation import Before, Scene
from services.matcher.lives import CauseWord
from services.matcher.memory import Memory
from services.matcher.tables import DAYS, FACTS, PATIENTS, TODAY, TRIALS, Patient
from trialbridge.contracts.errors import Place, Undecodable
from trialbridge.contracts.events import DayBegan, PatientViewChanged, TrialPublished
from trialbridge.runtime.effects import Effects, Received

_BREATH: Final = 32
"""Patients between two moments in which other partitions may work."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """The stage's handlers."""

    _memories: dict[int, Memory] = field(default_factory=dict)
    _crowds: dict[int, Crowd] = field(default_factory=dict)

    def forget(self, partition: int) -> None:
        """Drop what was worked out for a partition that goes elsewhere."""
        self._memories.pop(partition, None)
        self._crowds.pop(partition, None)

    async def take_view(self, record: Received[PatientViewChanged], effects: Effects) -> None:
        """Evaluate a patient against the trials that read a changed kind of fact; against all where the patient is new."""
        given = record.payload
        self._memory(effects).facts(given)
        table = effects.table(PATIENTS)
        known = table.get(given.patient)
        if known is None:
            patient = Patient(given)
        elif known.view.version < given.version:
            patient = msgspec.structs.replace(known, view=given)
        else:
            patient = known
        if patient is not known:
            table.put(given.patient, patient, given.network)
            self._crowd(effects).changed(given.patient)
        newer = known is not None and patient is not known and not known.view.removed
        before = Before(view=known.view) if known is not None and newer else Before()
        scene = self._scene(record, effects, "patient", before)
        if scene is None:
            return
        if patient.view.removed:
            scene.end(patient)
            return
        last = known.view if known else None
        scene.look_at(
            patient, scene.touched(last, given) if last and _follows(last, given) else scene.trials().values()
        )

    async def take_trial(self, record: Received[TrialPublished], effects: Effects) -> None:
        """Evaluate a trial against the partition's patients whom it may concern."""
        given = record.payload
        self._memory(effects).plan(given)
        table = effects.table(TRIALS)
        known = table.get(given.trial)
        trial = given if known is None or known.version < given.version else known
        if trial is not known:
            table.put(given.trial, trial)
        before = Before(trial=known) if trial is not known else Before()
        scene = self._scene(record, effects, "trial", before)
        memory = self._memory(effects)
        memory.trials_changed()
        try:
            if scene is not None:
                for count, patient in enumerate(self._crowd(effects).concerned(trial, scene.today, effects)):
                    scene.look_at(patient, [trial])
                    await _breathe(count)
        finally:
            # What this record changed may be taken back.
            memory.trials_changed()

    async def take_day(self, record: Received[DayBegan], effects: Effects) -> None:
        """Evaluate what may turn by the new day; everybody on the first one, for until it comes evaluation is held."""
        today = _date(record.payload)
        table = effects.table(DAYS)
        known = table.get(TODAY)
        last = None if known is None else _date(known)
        if last is not None and today < last:
            return
        if today != last:
            table.put(TODAY, record.payload)
        scene = self._scene(record, effects, "time", Before(day=last) if today != last else Before())
        if scene is None:
            return
        if last is None or today == last:
            await _sweep(scene, list(scene.trials().values()))
        else:
            await _follow_timers(scene)

    def _crowd(self, effects: Effects) -> Crowd:
        return self._crowds.setdefault(effects.partition, Crowd(self._memory(effects)))

    def _memory(self, effects: Effects) -> Memory:
        return self._memories.setdefault(effects.partition, Memory())

    def _scene(self, record: Received[Any], effects: Effects, cause: CauseWord, before: Before) -> Scene | None:
        """Return the scene of a record, or None while no day has begun."""
        day = effects.table(DAYS).get(TODAY)
        if day is None:
            return None
        changed = self._crowd(effects).changed
        return Scene(effects, self._memory(effects), _date(day), cause, record.id, changed, before)


async def _sweep(scene: Scene, trials: Sequence[TrialPublished]) -> None:
    """Look at all patients of the partition."""
    for count, (_, patient) in enumerate(scene.effects.table(PATIENTS).items()):
        if not patient.view.removed:
            scene.look_at(patient, trials)
        await _breathe(count)


async def _follow_timers(scene: Scene) -> None:
    """Look at the patients, and the trials, whose timers are due."""
    trials = scene.trials()
    today = scene.today.isoformat()
    for count, (_, patient) in enumerate(scene.effects.table(PATIENTS).items()):
        due = {name for name, day in patient.timers.items() if day <= today}
        if due and not patient.view.removed:
            scene.look_at(patient, [trial for name, trial in trials.items() if name in due or FACTS in due])
        await _breathe(count)


async def _breathe(count: int) -> None:
    if count % _BREATH == _BREATH - 1:
        await asyncio.sleep(0)


def _follows(last: PatientViewChanged, given: PatientViewChanged) -> bool:
    """Return whether a view is the very next one: only then does nothing but their difference need a look."""
    return not last.removed and given.version == last.version + 1


def _date(day: DayBegan) -> date:
    try:
        return date.fromisoformat(day.date)
    except ValueError:
        raise Undecodable("day.invalid", "The day is not an ISO date.", Place(field="date")) from None
