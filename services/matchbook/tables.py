"""What the stage remembers: how each match stands, the reviews of it, what is said of each trial, and coverage by feed and day."""

import msgspec

from trialbridge.contracts.documents import MatchStatus
from trialbridge.contracts.events import (
    ApprovalDecided,
    Change,
    CoverageRow,
    Gate,
    MatchChanged,
    MatchReviewed,
    RegulatoryStatusSet,
    TrialPublished,
)
from trialbridge.contracts.ids import EventId, TenantId
from trialbridge.runtime.effects import TableSpec


class Standing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How one match stands after its newest step. One value, so that a crash leaves the whole step or none of it."""

    match: MatchChanged
    """What the engine said last."""
    status: MatchStatus
    gates: tuple[Gate, ...]
    title: str = ""
    lab: str = ""
    version: int
    """Of the documents: grows by one with each step."""
    cause: str
    """What made the step: patient, trial, time, identity, regulatory, review."""
    why_now: tuple[Change, ...] = ()
    at: str
    """When the step was made (processing time, for people)."""
    changed: str
    """When the status last changed (processing time, for people)."""
    by: EventId
    """The record that made the step: its repeat sends the step again."""
    ever_approved: bool = False
    told: tuple[TenantId, ...] = ()
    """Practices that have been told of the approval and not of its end, sorted."""
    decisions: tuple[ApprovalDecided, ...] = ()
    """Said by the newest step that decided anything."""
    decided: int = 0
    """The version of that step."""


class Heard(msgspec.Struct, frozen=True, omit_defaults=True):
    """Reviews of one match, the newest of each explanation that somebody looked at."""

    reviews: tuple[MatchReviewed, ...] = ()


class Failures(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often one dead letter came."""

    places: tuple[str, ...] = ()
    """In the log (``partition/offset``), in the order of failing."""
    first_seen: str = ""


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one delivery said of a day."""

    issue: int
    rows: tuple[CoverageRow, ...] = ()


class DaySum(msgspec.Struct, frozen=True, omit_defaults=True):
    """A day of a feed."""

    version: int = 0
    deliveries: int = 0
    rows: tuple[CoverageRow, ...] = ()


STANDINGS = TableSpec("standings", Standing, stepwise=True)
"""By match id, in the partition of the patient."""
REVIEWS = TableSpec("reviews", Heard)
"""By match id."""
TRIALS = TableSpec("trials", TrialPublished, sealed=False)
"""By trial id, in every partition."""
REGULATORY = TableSpec("regulatory", RegulatoryStatusSet, sealed=False)
"""By trial id, in every partition."""
LETTERS = TableSpec("letters", Failures, sealed=False)
"""By dead letter id."""
SAID = TableSpec("coverage_said", Said, sealed=False)
"""By feed, day and delivery."""
SUMS = TableSpec("coverage_sums", DaySum, sealed=False)
"""By feed and day."""
DAYS = TableSpec("coverage_days", tuple[str, ...], sealed=False)
"""Open days of a feed, sorted."""

ALL = (STANDINGS, REVIEWS, TRIALS, REGULATORY, LETTERS, SAID, SUMS, DAYS)
