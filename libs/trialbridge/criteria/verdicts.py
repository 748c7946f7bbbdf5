"""Verdicts have three values, each with a reason and evidence; outcomes and explanations are made of them."""

from enum import StrEnum
from typing import Literal

import msgspec

from trialbridge.criteria.facts import Evidence


class Verdict(StrEnum):
    """What is known of one criterion for one patient."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What is known of one arm (or dose level) for one patient."""

    ELIGIBLE = "eligible"
    """Every criterion is met."""
    POTENTIALLY = "potentially"
    """No criterion fails for good; at least one is unknown or may still change."""
    NOT_ELIGIBLE = "not_eligible"
    """At least one criterion fails and cannot recover."""


class CriterionResult(msgspec.Struct, frozen=True):
    """One line of an explanation."""

    path: str
    """Where the criterion stands in the trial, for example ``arms[A].criteria.all[2].any[0]``."""
    kind: str
    """Leaf kind or group word."""
    verdict: Verdict
    recoverable: bool
    """True where a not_met may turn with time or treatment (a lab value), False where it cannot (a tumour's site)."""
    reason: str
    """One plain sentence."""
    evidence: tuple[Evidence, ...] = ()


class Missing(msgspec.Struct, frozen=True):
    """What would settle an unknown criterion."""

    path: str
    kind: str
    settle: str
    """The test or document that would settle it, as one plain sentence."""
    cost: Literal["ask", "record", "lab", "imaging", "sequencing", "biopsy"]
    """How dear it is to find out, cheapest first."""


class Explanation(msgspec.Struct, frozen=True):
    """The whole answer for one patient, trial, arm and dose level; its canonical bytes are the same for the same inputs."""

    patient: str
    trial: str
    arm: str | None
    dose: str | None
    outcome: Outcome
    as_of: str
    criteria: tuple[CriterionResult, ...]
    missing: tuple[Missing, ...]
    """Cheapest to settle first."""
    trial_digest: str = ""
    tables: str = ""
    """Names and versions of the terminology tables used."""
