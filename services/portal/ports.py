"""What the portal asks of the world around it; `bootstrap` fills it in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.portal.settings import PortalSettings
from trialbridge.contracts.events import AuditRecorded
from trialbridge.runtime.ports import DocumentStore

Clock = Callable[[], datetime]
"""Returns the time now, with its zone."""
Token = Callable[[], str]
"""Returns 256 random bits as URL-safe text."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What the compiler says about one place of a trial."""

    severity: str
    code: str
    path: str
    message: str
    hint: str = ""
    """The nearest spelling that would be understood."""
    line: int = 0
    """Line of the text, from 1; 0 where it is not known."""


@dataclass(frozen=True, slots=True)
class LintReport:
    """What the compiler says about a pasted trial."""

    trial: str = ""
    title: str = ""
    arms: int = 0
    criteria: int = 0
    lab: str = ""
    """The laboratory that the trial names, if it names one."""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def accepted(self) -> bool:
        """Return whether the trial could be registered."""
        return bool(self.trial) and not any(one.severity == "error" for one in self.diagnostics)


Linter = Callable[[str], LintReport]
"""Reads a pasted trial (YAML, JSON or CTML) and says what is wrong with it; never raises for a bad trial."""


class Auditor(Protocol):
    """Keeps who saw or did what. What cannot be recorded must not be shown: it raises `Unavailable`."""

    async def record(self, *events: AuditRecorded) -> None:
        """Keep the events; durable on return."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a route may use."""

    settings: PortalSettings
    documents: DocumentStore
    auditor: Auditor
    linter: Linter
    clock: Clock
    token: Token
