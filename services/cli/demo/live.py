"""The live view: one row for each stage, bars for the bundles, counts of the matches."""

from collections.abc import Sequence
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from trialbridge.contracts.documents import MATCHES, PATIENTS, STAGES, TICKETS, StageDoc
from trialbridge.runtime.ports import DocumentStore, Query

ORDER: Final = ("trialfeed", "coatcheck", "gateway", "patientview", "matcher", "matchbook", "notifier")
WORDS: Final = {
    "trialfeed": "registers trials and days",
    "coatcheck": "opens bundles, converts records",
    "gateway": "takes HL7 v2 as it comes",
    "patientview": "links persons, folds views",
    "matcher": "judges criteria",
    "matchbook": "applies gates, approves",
    "notifier": "tells the practices",
}
WIDE: Final = 100
"""Columns from which there is room for what each stage does."""


class LiveView:
    """Shows how the run goes, on a terminal as a live picture, elsewhere as one line a step."""

    def __init__(self, console: Console, documents: DocumentStore, steps: int, bundles: int) -> None:
        """Show ``steps`` scripted steps and ``bundles`` bundles in all."""
        self._console = console
        self._documents = documents
        self._bars = Progress(
            TextColumn("{task.description:<40}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._steps = self._bars.add_task("starting", total=steps)
        self._tickets = self._bars.add_task("bundles opened or refused", total=bundles)
        self._live = Live(self._picture((), {}, 0, 0), console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        """Begin."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; the picture goes, what was printed stays."""
        if self._console.is_terminal:
            self._live.stop()

    def step(self, number: int, title: str) -> None:
        """Say which step begins (counted from 0)."""
        self._bars.update(self._steps, completed=number, description=title)
        if not self._console.is_terminal:
            self._console.print(f"{title} …", soft_wrap=True)

    async def look(self, left: int) -> None:
        """Draw the present state; ``left`` is how much is not done."""
        if not self._console.is_terminal:
            return
        stages, _ = await self._documents.find(STAGES, Query(limit=100))
        tickets = await self._documents.count(TICKETS, {}, by="status")
        done = sum(count for status, count in tickets.items() if status not in {"issued", "waiting"})
        self._bars.update(self._tickets, completed=done)
        matches = await self._documents.count(MATCHES, {}, by="status")
        people = await self._documents.count(PATIENTS, {})
        self._live.update(self._picture(stages, matches, people.get("", 0), left))

    def _picture(self, stages: Sequence[StageDoc], matches: dict[str, int], people: int, left: int) -> Group:
        wide = self._console.width >= WIDE
        heads = ("stage", *(("does",) if wide else ()), "records", "sent", "set aside", "behind", "busy s")
        table = Table(expand=False, box=None, padding=(0, 2))
        for head in heads:
            table.add_column(head, justify="left" if head in {"stage", "does"} else "right", no_wrap=True)
        # A worker that was killed leaves its last word behind; only recent words about lag count.
        newest = max((doc.updated for doc in stages), default="")[:18]
        for name in ORDER:
            mine = [doc for doc in stages if doc.stage == name]
            alive = [doc for doc in mine if doc.updated >= newest]
            table.add_row(
                name,
                *((Text(WORDS[name], style="dim"),) if wide else ()),
                str(sum(doc.processed for doc in mine)),
                str(sum(doc.emitted for doc in mine)),
                str(sum(doc.dead_lettered for doc in mine)),
                str(sum(doc.lag for doc in alive)),
                f"{sum(doc.seconds for doc in mine):.1f}",
            )
        words = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(matches.items()))
        line = Text(f"{people} patient views; matches: {words or 'none yet'}; {left} messages on their way")
        return Group(self._bars, table, line)
