"""What the stage remembers in each partition: all trials, the partition's patients, the life of each match, and the day."""

import msgspec

from trialbridge.contracts.events import DayBegan, MatchChanged, PatientViewChanged, TrialPublished
from trialbridge.contracts.ids import EventId, MatchId
from trialbridge.runtime.effects import TableSpec

CONSENT = ""
"""The timer of the consent, beside those of trials."""
FACTS = "*"
"""The timer of facts that begin later: all trials are looked at then."""


class Patient(msgspec.Struct, frozen=True, omit_defaults=True):
    """A patient's newest view, and when to look again without a new record."""

    view: PatientViewChanged
    timers: dict[str, str] = {}
    """By trial id (and `CONSENT`, `FACTS`): the ISO date on which a verdict may turn by time alone; absent where none may."""
    matches: tuple[MatchId, ...] = ()
    """Every match that was ever proposed, sorted."""


class Life(msgspec.Struct, frozen=True):
    """What was last said of a match."""

    said: MatchChanged
    by: EventId
    """The record that made it so: its repeat says it again."""


PATIENTS = TableSpec("patients", Patient)
"""By patient id."""
LIVES = TableSpec("lives", Life, stepwise=True)
"""By match id, in the partition of the patient."""
TRIALS = TableSpec("trials", TrialPublished, sealed=False)
"""By trial id, in every partition."""
DAYS = TableSpec("days", DayBegan, sealed=False)
"""The day of evaluation, under the key `TODAY`, in every partition."""
TODAY = "day"

ALL = (PATIENTS, LIVES, TRIALS, DAYS)
