"""``trialbridge terminology``: bring full tables of terms in, and see which ones are in force."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from services.cli.inputs import Troubles, read_input
from services.cli.output import EXIT_INPUT, OUT, complain, emit, remark, say, show_rows
from trialbridge.contracts.errors import Refused
from trialbridge.criteria.terminology import genes, source, versions
from trialbridge.criteria.terminology.imports.flaws import Flaw, Imported
from trialbridge.criteria.terminology.imports.tables import READERS, TABLES, written
from trialbridge.runtime.terminology import (
    MANIFEST,
    Entry,
    entry_of,
    read_folder,
    read_manifest,
    store_table,
    use_terminology,
)

app = typer.Typer(no_args_is_help=True, help="Bring full tables of terms in, and see which ones are in force.")

Terminology = Annotated[
    Path | None,
    typer.Option(
        "--terminology",
        envvar="TRIALBRIDGE_TERMINOLOGY",
        show_envvar=False,
        help="Folder of imported tables; else TRIALBRIDGE_TERMINOLOGY, else the packaged tables alone.",
    ),
]
"""The option of every command that reads terms. An empty environment variable counts as absent."""
Kind = Literal["oncotree", "hgnc", "drugs", "crosswalk", "half-lives", "places"]
_DATED: Final = re.compile(r"(?<!\d)(\d{4}([-_]?)\d{2}\2\d{2})(?!\d)")
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_SHOWN: Final = 20
"""Warnings of one kind that are told in full; --json has all of them."""


def put_in_force(folder: Path | None) -> None:
    """Put the tables of a folder in force for this command, the packaged ones alone without one; raise `Misconfigured`."""
    use_terminology(folder)


@app.callback()
def group() -> None:
    """Bring full tables of terms in, and see which ones are in force."""


@app.command("import")
def import_table(
    kind: Annotated[Kind, typer.Argument(help="What the file holds.")],
    file: Annotated[Path, typer.Argument(help="The official file, or your own table with the documented columns.")],
    into: Annotated[Path, typer.Option(help="Folder of tables; is made where it is not there.")],
    version: Annotated[
        str, typer.Option(help="What the release is known by; by default a date in the file's name, or its digest.")
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Write nothing where a row is refused.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Read a file of terms, say what is wrong with which row, and write the good rows into a folder of tables.

    OncoTree's JSON, HGNC's complete set, or your own table of drugs, codes, half-lives or postal codes; docs/terminology.md has the
    columns. Rows that are refused are listed and left out; then the exit code is 1. A table takes the place of the one before in one step.
    """
    if version and not _VERSION.fullmatch(version):
        raise typer.BadParameter("takes letters, digits, dots, dashes and underscores", param_hint="--version")
    body = read_input(file, Troubles())
    if body is None:
        raise typer.Exit(EXIT_INPUT)
    _put_others_in_force(into, TABLES[kind])
    try:
        found = READERS[kind](body)
    except Refused as error:
        complain(f"{file}: {error.place.field}" if error.place.field else str(file), error.code, error.message)
        raise typer.Exit(EXIT_INPUT) from None
    text = written(found)
    entry = entry_of(found.table, text, version or _version_of(file, body), file.name, body)
    keep = not (strict and found.errors)
    if keep:
        store_table(into, found.table, text, entry)
    if json:
        emit(_result(file, into if keep else None, found, entry))
    else:
        _tell(file, into if keep else None, found, entry)
    if found.errors:
        raise typer.Exit(EXIT_INPUT)


def _put_others_in_force(folder: Path, table: str) -> None:
    """Put in force what the folder holds beside the table that is made anew: a crosswalk is read against its tree."""
    known = read_folder(folder) if (folder / MANIFEST).exists() else {}
    source.use({name: one for name, one in known.items() if name != table})


def _version_of(file: Path, body: bytes) -> str:
    dated = _DATED.search(file.stem)
    return dated[1] if dated else f"sha-{source.short(body.decode('utf-8', 'replace'))}"


def _result(file: Path, into: Path | None, found: Imported, entry: Entry) -> dict[str, Any]:
    return {
        "file": str(file),
        "into": None if into is None else str(into),
        "table": found.table,
        "version": entry.version,
        "rows": entry.rows,
        "sha256": entry.sha256,
        "skipped": found.skipped,
        "refused": len(found.errors),
        "flaws": found.flaws,
    }


def _tell(file: Path, into: Path | None, found: Imported, entry: Entry) -> None:
    for flaw in found.errors:
        complain(f"{file}: {flaw.place}", flaw.code, flaw.message)
    for code in dict.fromkeys(flaw.code for flaw in found.flaws if flaw.severity == "warning"):
        _warn(file, [flaw for flaw in found.flaws if flaw.severity == "warning" and flaw.code == code])
    if into is None:
        remark(f"{file}: nothing was written, for {len(found.errors)} rows were refused")
        return
    parts = [f"{entry.rows} row{'' if entry.rows == 1 else 's'}", f"version {entry.version}"]
    parts += [f"{len(found.errors)} refused"] if found.errors else []
    parts += [f"{found.skipped} not in use"] if found.skipped else []
    say(f"{into}: {found.table}: {', '.join(parts)}")


def _warn(file: Path, flaws: Sequence[Flaw]) -> None:
    for flaw in flaws[:_SHOWN]:
        complain(f"{file}: {flaw.place}", f"warning[{flaw.code}]", flaw.message)
    if len(flaws) > _SHOWN:
        remark(f"{file}: {len(flaws) - _SHOWN} more of {flaws[0].code}; --json has all of them")


@app.command()
def show(
    terminology: Terminology = None,
    ambiguous: Annotated[
        bool, typer.Option("--ambiguous", help="List the gene names that several genes share instead.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show which tables are in force, packaged and imported, as every verdict names them."""
    put_in_force(terminology)
    if ambiguous:
        _show_ambiguous(json=json)
        return
    known = read_manifest(terminology).tables if terminology is not None else {}
    rows = [_in_force(word, known) for word in versions().split()]
    if json:
        emit({"tables": versions(), "in_force": rows})
        return
    heads = ("table", "version", "rows", "digest", "from")
    show_rows(OUT, heads, [[str(row[head]) for head in heads] for row in rows])


def _in_force(word: str, known: dict[str, Entry]) -> dict[str, Any]:
    """Return one table in force out of its word in a verdict: ``name@digest``, or ``name:version@digest`` where imported."""
    named, _, digest = word.rpartition("@")
    name, _, version = named.partition(":")
    entry = known.get(name) if version else None
    rows = entry.rows if entry else source.size(name)
    return {"table": name, "version": version or "packaged", "rows": rows, "digest": digest,
            "from": entry.source if entry else "the product"}  # fmt: skip


def _show_ambiguous(*, json: bool) -> None:
    found = genes.shared()
    if json:
        emit({"tables": versions(), "ambiguous": found})
        return
    for name, symbols in sorted(found.items()):
        say(f"{name}: {', '.join(symbols)}")
