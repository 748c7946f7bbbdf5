"""The JSON line of ``trialbridge match``: stable names for scripts and integrators."""

from typing import Any

import msgspec

from trialbridge.criteria.verdicts import Explanation


def match_line(explanation: Explanation) -> dict[str, Any]:
    """Return patient, trial, arm, dose, outcome, date, criteria, what is missing and the tables of terms used, as plain values."""
    return {
        "patient": explanation.patient,
        "trial": explanation.trial,
        "arm": explanation.arm,
        "dose": explanation.dose,
        "outcome": explanation.outcome.value,
        "as_of": explanation.as_of,
        "criteria": msgspec.to_builtins(explanation.criteria),
        "missing": msgspec.to_builtins(explanation.missing),
        "tables": explanation.tables,
    }
