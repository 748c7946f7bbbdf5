"""What the compiler says about a trial: severity, stable code, path, reason, nearest valid spelling, line."""

from typing import Final, Literal

import msgspec

from trialbridge.criteria.codes import CODES


class Diagnostic(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault (error), doubt (warning), or word of what has no place (note)."""

    severity: Literal["error", "warning", "note"]
    code: str
    """Stable and lower-case with dots, for example ``trial.unknown-key``."""
    path: str
    """Where in the trial, for example ``arms[0].criteria.all[2].age``."""
    message: str
    hint: str = ""
    """The nearest spelling that would be understood, or what else to do."""
    line: int = 0
    """Line of the file, from 1; 0 where it is not known."""
    column: int = 0
    """Column of the line, from 1; 0 where it is not known."""


LEFT_OUT: Final = "ctml.left-out"


def _advice(code: str) -> str:
    return CODES[code].advice if code in CODES else ""


class Problems:
    """Collects diagnostics."""

    def __init__(self) -> None:
        """Begin without any."""
        self.found: list[Diagnostic] = []

    def error(self, code: str, path: str, message: str, hint: str = "", at: tuple[int, int] = (0, 0)) -> None:
        """Note a fault: the trial is refused; ``at`` is its line and column, where the path does not say them."""
        found = Diagnostic("error", f"trial.{code}", path or "trial", message, hint or _advice(code), *at)
        self.found.append(found)

    def warn(self, code: str, path: str, message: str, hint: str = "") -> None:
        """Note a doubt."""
        self.found.append(Diagnostic("warning", f"trial.{code}", path or "trial", message, hint or _advice(code)))

    def left_out(self, path: str, message: str) -> None:
        """Note that what stands at a path of a CTML document was read and has no place in the trial."""
        self.found.append(Diagnostic("note", LEFT_OUT, path, message, _advice(LEFT_OUT)))

    @property
    def refused(self) -> bool:
        """Return whether there is a fault."""
        return any(one.severity == "error" for one in self.found)
