"""A trial as people register it: its particulars, arms and dose levels, each with criteria."""

from typing import Literal

import msgspec

from trialbridge.contracts.events import Site
from trialbridge.criteria.language import Criterion

LANGUAGE_VERSION = 1
Status = Literal["open", "suspended", "closed"]


class DoseLevel(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A dose level or cohort of an arm, with criteria of its own."""

    code: str
    title: str = ""
    status: Status = "open"
    criteria: Criterion | None = None


class Arm(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """An arm; its criteria apply to all of its dose levels."""

    code: str
    title: str = ""
    status: Status = "open"
    criteria: Criterion | None = None
    dose_levels: tuple[DoseLevel, ...] = ()


class Trial(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A trial; its criteria apply to all of its arms."""

    id: str
    title: str = ""
    nct_id: str = ""
    protocol: str = ""
    phase: str = ""
    lab: str = ""
    """The tenant that runs the trial."""
    sponsor: str = ""
    drugs: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()
    review: bool = False
    """True where a named person approves each match."""
    status: Status = "open"
    criteria: Criterion | None = None
    arms: tuple[Arm, ...] = ()
    language: int = LANGUAGE_VERSION
