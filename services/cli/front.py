"""How the command line ends when something is wrong: one located line on standard error and a stable exit code."""

import sys
from types import TracebackType
from typing import Any

import typer
from typer.core import TyperGroup

from services.cli.output import EXIT_AWAY, EXIT_CONFIG, EXIT_FAULT, EXIT_INPUT, complain
from trialbridge.contracts.errors import Misconfigured, Retryable, TrialbridgeError


class Front(TyperGroup):
    """The group of all commands: an expected error of any of them becomes one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the context names."""
        try:
            return super().invoke(ctx)
        except TrialbridgeError as error:
            complain(str(error.place) if error.place.bundle else "trialbridge", error.code, error.message)
            raise typer.Exit(exit_code(error)) from None


def exit_code(error: TrialbridgeError) -> int:
    """Return how the process ends with an error: 69 something is away, 78 a setting is wrong, else 1."""
    if isinstance(error, Retryable):
        return EXIT_AWAY
    return EXIT_CONFIG if isinstance(error, Misconfigured) else EXIT_INPUT


def tell_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in one line that the product itself is at fault, for `sys.excepthook`; exit 70.

    Only the error's type and where it arose are said: its text may quote a patient's data.
    """
    del error
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else "?"
    complain(
        "trialbridge", "cli.fault", f"A fault of the product ({kind.__name__} at {where}); please report this line."
    )
    sys.exit(EXIT_FAULT)
