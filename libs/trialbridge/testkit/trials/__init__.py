"""The demo's trials, written for it, and what authorities say of them."""

from importlib.resources import files

from trialbridge.contracts.events import RegulatoryStatusSet
from trialbridge.contracts.ids import TrialId
from trialbridge.criteria.compiler import compile_text

HELD = (TrialId("TB-TMB-11"), TrialId("TB-NTRK-10"))
"""On hold when the demo begins."""
LIFTED = TrialId("TB-NTRK-10")
"""Its hold is lifted during the run."""
STOPPED = TrialId("TB-MSI-06")
"""Put on hold during the run."""
CLOSING = TrialId("TB-CARE-14")
"""Closed by its laboratory during the run."""
AUTHORITY = "Lakeland Ethics Board"


def demo_trials() -> list[tuple[str, str]]:
    """Return name and text of each of the demo's trial files, by name."""
    return _texts("trialbridge.testkit.trials")


def open_data_trials() -> list[tuple[str, str]]:
    """Return trials that match someone among public sample records, for trying the demo on one's own folder."""
    return _texts("trialbridge.testkit.trials.open_data")


def _texts(package: str) -> list[tuple[str, str]]:
    found = [one for one in files(package).iterdir() if one.name.endswith(".yaml")]
    return sorted((one.name, one.read_text("utf-8")) for one in found)


def statement(trial: TrialId, seq: int, *, hold: bool = False) -> RegulatoryStatusSet:
    """Return the authority's statement number ``seq`` about a trial."""
    reason = "A safety report is being looked into." if hold else ""
    return RegulatoryStatusSet(
        trial=trial, seq=seq, approved=True, hold=hold, hold_reason=reason, authority=AUTHORITY, effective="2026-05-01"
    )


def regulatory() -> list[RegulatoryStatusSet]:
    """Return the authority's first statement about each demo trial: all are approved, those in `HELD` are on hold."""
    compiled = (compile_text(text, name).trial for name, text in demo_trials())
    ids = (TrialId(trial.id) for trial in compiled if trial is not None)
    return [statement(trial, 1, hold=trial in HELD) for trial in ids]
