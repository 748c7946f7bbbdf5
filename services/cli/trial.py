"""``trialbridge trial lint``: what the compiler says about trial files."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.inputs import Troubles, files_of, is_trial, read_input
from services.cli.output import EXIT_INPUT, emit, say
from trialbridge.criteria.compiler import Compiled, compile_text

app = typer.Typer(no_args_is_help=True, help="Check trial files before they are registered.")


@app.callback()
def group() -> None:
    """Check trial files before they are registered."""


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(help="Files or folders of trials: native YAML or JSON, or CTML.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each file.")] = False,
) -> None:
    """Say what is wrong with each trial, where, and what would be understood; exit 1 where a trial is refused."""
    troubles = Troubles()
    refused = 0
    for path in (one for given in files for one in files_of(given, is_trial, troubles)):
        body = read_input(path, troubles)
        if body is None:
            continue
        compiled = compile_text(body, path.name)
        refused += not compiled.ok
        (_emit if json else _show)(path, compiled)
    if refused or troubles.found:
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
        say(f"{path}:{found.line}: {found.severity}[{found.code}] {found.path}: {found.message}{hint}")
    if compiled.ok and compiled.trial:
        say(f"{path}: ok, {compiled.trial.id}: {compiled.trial.title}")
