"""The readable form of ``trialbridge match``: by patient on a terminal, one plain line for each pair elsewhere."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.output import say, shown
from trialbridge.criteria.plan import TrialPlan
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


HEADS: Final = ("patient", "trial", "arm", "dose", "outcome", "because")


class MatchView:
    """Shows the outcomes of one patient after another, the best first, and counts them."""

    def __init__(self, plans: Sequence[TrialPlan], console: Console, *, explain: bool = False) -> None:
        """Begin; each patient is held against ``plans``; ``explain`` shows each criterion too."""
        self._explain = explain
        self._console = console
        self._trials = len(plans)
        self._patients = 0
        self._counts: Counter[Outcome] = Counter()
        names = [(plan.trial.id, one.arm or "", one.dose or "") for plan in plans for one in plan.branches]
        known = [max(len(shown(word)) for word in words) for words in zip(HEADS[1:4], *names, strict=True)]
        self._widths = [len(HEADS[0]), *known, max(map(len, WORDS.values())), 0]

    def show(self, patient: str, judged: Sequence[Explanation]) -> None:
        """Show a patient's outcomes."""
        self._patients += 1
        self._counts.update(one.outcome for one in judged)
        best = sorted(judged, key=lambda one: ORDER.index(one.outcome))
        if self._console.is_terminal:
            _show_patient(self._console, patient, best, explain=self._explain)
        elif best:
            rows = [row for one in best for row in self._rows(one)]
            self._lines(rows if self._patients > 1 else [HEADS, *rows], len(shown(patient)))

    def _rows(self, one: Explanation) -> Iterator[Sequence[str]]:
        where = (one.patient, one.trial, one.arm or "-", one.dose or "-")
        yield (*where, WORDS[one.outcome], because(one))
        for line in one.criteria if self._explain else ():
            yield (*where, line.verdict.value, f"{line.path}: {line.reason}")

    def _lines(self, rows: Sequence[Sequence[str]], longest: int) -> None:
        """Write plain lines, nothing shortened, aligned with those before as far as could be known then."""
        self._widths[0] = max(self._widths[0], longest)
        lines = (
            "  ".join(shown(cell).ljust(width) for cell, width in zip(row, self._widths, strict=True)) for row in rows
        )
        self._console.print("\n".join(line.rstrip() for line in lines), markup=False, soft_wrap=True)

    def total(self) -> None:
        """Say how many there are of each."""
        counts = ", ".join(f"{self._counts[outcome]} {WORDS[outcome]}" for outcome in ORDER)
        say(f"{self._patients} patients x {self._trials} trials: {counts}")


def _show_patient(console: Console, patient: str, judged: Sequence[Explanation], *, explain: bool) -> None:
    console.print(Text(f"Patient {shown(patient)}", style="bold"))
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
    console.print(grid)


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
