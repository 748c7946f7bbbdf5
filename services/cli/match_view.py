"""The readable form of ``trialbridge match``: by patient on a terminal, one plain line for each pair elsewhere."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from services.cli.output import OUT, say, show_rows
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Outcome, Verdict

STYLES: Final = {Outcome.ELIGIBLE: "bold green", Outcome.POTENTIALLY: "yellow", Outcome.NOT_ELIGIBLE: "dim"}
WORDS: Final = {
    Outcome.ELIGIBLE: "eligible",
    Outcome.POTENTIALLY: "potentially",
    Outcome.NOT_ELIGIBLE: "not eligible",
}
MARKS: Final = {Verdict.MET: ("+", "green"), Verdict.UNKNOWN: ("?", "yellow"), Verdict.NOT_MET: ("-", "red")}
ORDER: Final = (Outcome.ELIGIBLE, Outcome.POTENTIALLY, Outcome.NOT_ELIGIBLE)
CONTAINERS: Final = ("all", "any", "at_least")
GROUPS: Final = (*CONTAINERS, "not")
QUESTIONS: Final = 3
"""Of what is missing, so many questions are shown; the JSON has all."""


class MatchView:
    """Shows the outcomes, the best first, and counts them."""

    def __init__(self, trials: int, *, explain: bool = False) -> None:
        """Begin; ``trials`` are evaluated for each patient; ``explain`` shows each criterion too."""
        self._explain = explain
        self._trials = trials
        self._patients = 0
        self._counts: Counter[Outcome] = Counter()
        self._rows: list[tuple[str, ...]] = []
        self._people: list[tuple[str, list[Explanation]]] = []

    def add(self, patient: str, judged: Sequence[Explanation]) -> None:
        """Take a patient's outcomes."""
        self._patients += 1
        self._counts.update(one.outcome for one in judged)
        best = sorted(judged, key=lambda one: ORDER.index(one.outcome))
        if OUT.is_terminal:
            self._people.append((patient, best))
        else:
            for one in best:
                where = (one.patient, one.trial, one.arm or "-", one.dose or "-")
                self._rows.append((*where, WORDS[one.outcome], because(one)))
                if self._explain:
                    self._rows += [(*where, line.verdict.value, f"{line.path}: {line.reason}") for line in one.criteria]

    def show(self) -> None:
        """Show all, and the counts."""
        for patient, judged in self._people:
            _show_patient(patient, judged, explain=self._explain)
        if self._rows:
            show_rows(OUT, ("patient", "trial", "arm", "dose", "outcome", "because"), self._rows)
        counts = ", ".join(f"{self._counts[outcome]} {WORDS[outcome]}" for outcome in ORDER)
        say(f"{self._patients} patients x {self._trials} trials: {counts}")


def _show_patient(patient: str, judged: Sequence[Explanation], *, explain: bool) -> None:
    OUT.print(Text(f"Patient {patient}", style="bold"))
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    for one in judged:
        where = " / ".join(part for part in (one.trial, one.arm, one.dose) if part)
        grid.add_row(Text(f"  {WORDS[one.outcome]}", style=STYLES[one.outcome]), Text(where), Text(because(one)))
        for line in one.criteria if explain else ():
            mark, style = MARKS[line.verdict]
            grid.add_row(
                "", Text(f"    {mark} {line.kind.replace('_', ' ')}", style=style), Text(line.reason, style=style)
            )
    OUT.print(grid)


def because(explanation: Explanation) -> str:
    """Return the reasons that decide: what fails for good, else what is missing or may change, else that all is met."""
    if explanation.outcome is Outcome.ELIGIBLE:
        return "All criteria are met."
    failing = _failing(explanation.criteria)
    if explanation.outcome is Outcome.NOT_ELIGIBLE:
        final = [one.reason for one in failing if not one.recoverable] or [one.reason for one in failing]
        return _first(final) or "A criterion is not met."
    settle = list(dict.fromkeys(one.settle for one in explanation.missing))
    if not settle:
        return f"May change: {_first([one.reason for one in failing])}"
    more = f" (and {len(settle) - QUESTIONS} more)" if len(settle) > QUESTIONS else ""
    return f"Missing: {' '.join(settle[:QUESTIONS])}{more}"


def _failing(criteria: Sequence[CriterionResult]) -> list[CriterionResult]:
    """Return the single criteria that fail, without those in a group that holds or is open all the same."""
    open_groups = tuple(one.path for one in criteria if one.kind in GROUPS and one.verdict is not Verdict.NOT_MET)
    return [
        one
        for one in criteria
        if one.verdict is Verdict.NOT_MET
        and one.kind not in CONTAINERS
        and not (one.path.startswith(open_groups) and one.path not in open_groups)
    ]


def _first(reasons: Sequence[str]) -> str:
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}" if reasons else ""
