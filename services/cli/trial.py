"""``trialbridge trial``: what the compiler says about trial files, and trials from one language to the other."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from msgspec.structs import replace

from services.cli.inputs import Troubles, files_of, is_trial, read_input
from services.cli.output import EXIT_INPUT, complain, emit, remark, say
from services.cli.terminology import Terminology, put_in_force
from trialbridge.contracts.errors import Place, Unavailable
from trialbridge.criteria.compiler import Compiled, compile_text
from trialbridge.criteria.ctml_export import export
from trialbridge.criteria.diagnostics import Diagnostic
from trialbridge.criteria.writing import Format, surface_form, text_of

FEW: Final = 3
"""How many notes of one key are shown each by itself."""
app = typer.Typer(no_args_is_help=True, help="Check trial files before they are registered, or convert them.")


@app.callback()
def group() -> None:
    """Check trial files before they are registered, or convert them."""


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(help="Files or folders of trials: native YAML or JSON, or CTML.")],
    terminology: Terminology = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each file.")] = False,
) -> None:
    """Say what is wrong with each trial, where, and what would be understood; exit 1 where a trial is refused.

    Exit codes: 0 all trials can be registered (perhaps with warnings); 1 a trial is refused or a file cannot be read; 2 the command
    is not called like this; 78 the folder of tables cannot be used.
    """
    put_in_force(terminology)
    troubles = Troubles()
    counts: Counter[str] = Counter()
    for path in (one for given in files for one in files_of(given, is_trial, troubles)):
        body = read_input(path, troubles)
        if body is None:
            continue
        compiled = compile_text(body, path.name)
        counts.update(["files", *(found.severity for found in compiled.diagnostics)])
        counts["refused"] += not compiled.ok
        (_emit if json else _show)(path, compiled)
    if counts["files"] > 1 or counts["error"] or counts["warning"]:
        remark(_total(counts))
    if counts["refused"] or troubles.found:
        raise typer.Exit(EXIT_INPUT)


def _total(counts: Counter[str]) -> str:
    named = [_counted(counts[name], name) for name in ("error", "warning")]
    return f"{_counted(counts['files'], 'file')}, {counts['refused']} refused: {' and '.join(named)}"


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


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
    for found in shown(compiled.diagnostics):
        say(_line(path, found))
    if compiled.ok and compiled.trial:
        say(f"{path}: ok, {compiled.trial.id}: {compiled.trial.title}")


def shown(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return what people are shown: faults and doubts, then notes, those of one key and reason beyond a few as one with their number."""
    found, notes = [], dict[tuple[str, str], list[Diagnostic]]()
    for one in diagnostics:
        if one.severity == "note":
            key = one.path.rsplit(".", 1)[-1].split("[")[0]
            notes.setdefault((key, one.message), []).append(one)
        else:
            found.append(one)
    for (key, _), alike in notes.items():
        folded = replace(alike[0], message=f"{alike[0].message} The same of {len(alike) - 1} more {key} below.")
        found.extend(alike if len(alike) <= FEW else [folded])
    return found


def _spot(path: Path, found: Diagnostic) -> str:
    return f"{path}:{found.line}:{found.column}" if found.line else str(path)


def _line(path: Path, found: Diagnostic) -> str:
    """Return a diagnostic as compilers write it: ``file:line:column: severity[code] path: message hint``."""
    hint = f" {found.hint}" if found.hint else ""
    return f"{_spot(path, found)}: {found.severity}[{found.code}] {found.path}: {found.message}{hint}"


@app.command()
def convert(
    files: Annotated[list[Path], typer.Argument(help="Files or folders of trials, native or CTML.")],
    to: Annotated[Literal["ctml", "native"], typer.Option(help="The language to write.")],
    out: Annotated[
        Path | None,
        typer.Option(help="File to write, or folder where several trials are given; else standard output."),
    ] = None,
    terminology: Terminology = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON in place of YAML.")] = False,
) -> None:
    """Write trials in the other language; what it cannot say is refused with its path, nothing is left out (exit 1)."""
    put_in_force(terminology)
    troubles = Troubles()
    paths = [one for given in files for one in files_of(given, is_trial, troubles)]
    form: Format = "json" if json else "yaml"
    single = len(files) == 1 and not files[0].is_dir()
    if not single and out is None and len(paths) > 1:
        raise typer.BadParameter("several trials need a folder to be written to", param_hint="--out")
    refused = 0
    taken = {path.resolve() for path in paths}
    for path in paths:
        body = read_input(path, troubles)
        written = None if body is None else _converted(path, body, to, form)
        refused += body is not None and written is None
        if written is None:
            continue
        target = out if single or out is None else out / f"{path.stem}.{form}"
        if target is not None and target.resolve() in taken:
            troubles.note(path, "", "file.taken", f"It would be written over {target}; name another place with --out.")
            continue
        taken.update(() if target is None else (target.resolve(),))
        _write(written, target)
    if refused or troubles.found:
        raise typer.Exit(EXIT_INPUT)


def _converted(path: Path, body: bytes, to: str, form: Format) -> str | None:
    """Return a trial in the language asked for, None (after saying why) where it is refused."""
    compiled = compile_text(body, path.name)
    for found in shown(compiled.diagnostics):
        complain(*_complaint(path, found))
    if compiled.trial is None:
        return None
    if to == "native":
        return text_of(surface_form(compiled.trial), form)
    exported = export(compiled.trial)
    for found in exported.diagnostics:
        complain(*_complaint(path, found))
    return None if exported.document is None else text_of(exported.document, form)


def _complaint(path: Path, found: Diagnostic) -> tuple[str, str, str]:
    hint = f" {found.hint}" if found.hint else ""
    return f"{_spot(path, found)}: {found.path}", f"{found.severity}[{found.code}]", f"{found.message}{hint}"


def _write(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError:
        raise Unavailable(
            "out.unwritable", "The output cannot be written; check the path and who may write.", Place(bundle=str(out))
        ) from None
