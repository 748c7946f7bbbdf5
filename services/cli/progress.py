"""A bar for work that takes a while: on a terminal, on standard error, and gone when the work is done."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.output import ERR, OUT

T = TypeVar("T")


def bar(*, shares_terminal: bool = False) -> Progress:
    """Return a bar; it stays silent where there is no terminal, or where other lines go to the same one meanwhile."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal or (shares_terminal and OUT.is_terminal),
    )


def watched(items: Sequence[T], what: str, progress: Progress) -> Iterator[T]:
    """Yield the items and move the bar on after each."""
    task = progress.add_task(what, total=len(items))
    for item in items:
        yield item
        progress.advance(task)


class WatchedPaths(list[Path]):
    """A list of paths that moves a bar on as it is gone through."""

    progress: Progress | None = None

    def __iter__(self) -> Iterator[Path]:
        """Yield the paths."""
        if self.progress is None:
            return super().__iter__()
        return watched(self[:], "files", self.progress)
