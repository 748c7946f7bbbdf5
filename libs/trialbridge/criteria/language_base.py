"""What leaves and groups of the criteria language are made of: their base, periods and moments of time, closed lists of words."""

from typing import Literal

import msgspec


class Node(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    cache_hash=True,
):
    """Base of groups and leaves."""


class Period(
    msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, cache_hash=True
):
    """A length of time back from the as-of date, in exactly one unit; months and years are calendar ones."""

    days: int | None = None
    weeks: int | None = None
    months: int | None = None
    years: int | None = None


Moment = Period | str
"""A day of the past: a length of time back from the as-of date, or a calendar day (``2024-05-03``)."""

Pick = Literal["ever", "most_recent"]
"""Which results count: the newest one, or any one.

``most_recent``: the newest result decides; where several could be the newest they must agree, else it is unknown.
``ever``: met when one result (in the period) fits; unknown when one could fit or could lie in the period and fits; not_met when
results are surely in the period and none of all could fit; unknown without any result.
"""

DiseaseWord = Literal[
    "advanced",
    "early_stage",
    "localized",
    "locally_advanced",
    "metastatic",
    "not_evaluable",
    "progressing",
    "recurrent",
    "refractory",
    "remission",
    "stable",
    "unresectable",
    "untreated",
]

CopyCall = Literal[
    "amplification",
    "deletion",
    "gain",
    "heterozygous_deletion",
    "high_amplification",
    "homozygous_deletion",
    "low_amplification",
    "neutral",
]
