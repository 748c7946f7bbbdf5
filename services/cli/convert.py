"""``trialbridge convert``: any supported file becomes FHIR R4 as NDJSON, one file for each resource type."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from services.cli.inputs import files_of
from services.cli.output import EXIT_INPUT, OUT, complain, emit
from trialbridge.emr.files import convert_files

SUFFIXES = (".json", ".ndjson", ".jsonl", ".hl7", ".er7", ".v2", ".txt")


def convert(
    inputs: Annotated[list[Path], typer.Argument(help="Files or folders: FHIR JSON or NDJSON, HL7 v2.")],
    out: Annotated[Path, typer.Option(help="Folder that takes <ResourceType>.ndjson; made if absent.")],
    json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False,
) -> None:
    """Convert files; bad ones are listed with their place, the good ones are written."""
    out.mkdir(parents=True, exist_ok=True)
    report = convert_files([path for given in inputs for path in files_of(given, SUFFIXES)], out)
    for error in report["errors"]:
        complain(f"{error['input']}: {error['where']}", error["code"], error["message"])
    if json:
        emit(report)
    else:
        _show(report)
    if report["errors"]:
        raise typer.Exit(EXIT_INPUT)


def _show(report: dict[str, Any]) -> None:
    table = Table("resource type", "count")
    for kind, count in sorted(report["resources"].items()):
        table.add_row(kind, str(count))
    OUT.print(table)
    count = report["inputs"] if isinstance(report["inputs"], int) else len(report["inputs"])
    OUT.print(f"{count} inputs, {len(report['errors'])} problems.")
