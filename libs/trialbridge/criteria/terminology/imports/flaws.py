"""What is said of a file that is imported, and what comes out of it."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from trialbridge.contracts.errors import Place, Refused

_SPACE: Final = re.compile(r"\s+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST_NAME: Final = 200


class Flaw(msgspec.Struct, frozen=True):
    """A row that is left out (an error), or one with something to be said of it (a warning)."""

    severity: Literal["error", "warning"]
    place: str
    """The line, from 1, or where in a JSON file."""
    code: str
    """Stable and lower-case with dots, for example ``terminology.duplicate``."""
    message: str


@dataclass(slots=True)
class Findings:
    """Collects flaws."""

    found: list[Flaw] = field(default_factory=list)
    skipped: int = 0
    """Rows that the source itself says are not in use."""

    def error(self, place: int | str, code: str, message: str) -> None:
        """Note a row that is left out."""
        self.found.append(Flaw("error", _place(place), f"terminology.{code}", message))

    def warn(self, place: int | str, code: str, message: str) -> None:
        """Note a doubt; the row stays."""
        self.found.append(Flaw("warning", _place(place), f"terminology.{code}", message))


@dataclass(frozen=True, slots=True)
class Imported:
    """The rows of a table, sorted as they are written, with what is to be said of the file."""

    table: str
    """``oncotree``, ``genes``, ``drugs``, ``crosswalk``, ``half_lives`` or ``places``."""
    rows: tuple[tuple[str, ...], ...]
    flaws: tuple[Flaw, ...]
    skipped: int = 0

    @property
    def errors(self) -> tuple[Flaw, ...]:
        """Return the rows that were left out."""
        return tuple(flaw for flaw in self.flaws if flaw.severity == "error")


def finished(table: str, rows: list[tuple[str, ...]], findings: Findings) -> Imported:
    """Return the import; raise `Refused` ``terminology.no-rows`` where no row is good."""
    if not rows:
        first = findings.found[0] if findings.found else None
        why = f" The first problem: {first.place}: {first.message}" if first else ""
        raise Refused("terminology.no-rows", f"No row of the file can be used.{why}", Place())
    return Imported(table, tuple(rows), tuple(findings.found), findings.skipped)


def plain(text: object) -> str:
    """Return a text on one line without control characters; empty for anything but text, or where it is too long."""
    if not isinstance(text, str) or len(text) > LONGEST_NAME:
        return ""
    return _CONTROL.sub("", _SPACE.sub(" ", text)).strip()


def _place(place: int | str) -> str:
    return f"line {place}" if isinstance(place, int) else place
