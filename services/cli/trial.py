"""``trialbridge trial lint``: what the compiler says about trial files."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.inputs import files_of
from services.cli.match import TRIAL_SUFFIXES
from services.cli.output import EXIT_INPUT, OUT, emit
from trialbridge.criteria.compiler import Compiled, compile_text

app = typer.Typer(no_args_is_help=True, help="Work with trial files.")


@app.callback()
def group() -> None:
    """Work with trial files."""


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(help="Files or folders: native YAML or JSON, or CTML.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each file.")] = False,
) -> None:
    """Say what is wrong with each trial, where, and what would be understood; exit 1 where a trial is refused."""
    refused = 0
    for path in (one for given in files for one in files_of(given, TRIAL_SUFFIXES)):
        compiled = compile_text(path.read_bytes(), path.name)
        refused += not compiled.ok
        (_emit if json else _show)(path, compiled)
    if refused:
        raise typer.Exit(EXIT_INPUT)


def _emit(path: Path, compiled: Compiled) -> None:
    trial = compiled.trial
    emit(
        {
            "file": str(path),
            "ok": compiled.ok,
            "trial": trial.id if trial else None,
            "diagnostics": compiled.diagnostics,
        }
    )


def _show(path: Path, compiled: Compiled) -> None:
    for found in compiled.diagnostics:
        hint = f" {found.hint}" if found.hint else ""
        OUT.print(
            f"{path}:{found.line}: {found.severity}[{found.code}] {found.path}: {found.message}{hint}",
            markup=False,
            soft_wrap=True,
        )
    if compiled.ok and compiled.trial:
        OUT.print(f"{path}: ok, {compiled.trial.id}: {compiled.trial.title}", markup=False, soft_wrap=True)
