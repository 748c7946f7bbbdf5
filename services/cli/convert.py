"""``trialbridge convert``: any supported file becomes FHIR R4 as NDJSON, one file for each resource type."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.inputs import Troubles, files_of, is_record, mapping_in
from services.cli.output import EXIT_INPUT, OUT, complain, emit, say, show_rows
from services.cli.progress import WatchedPaths, bar
from trialbridge.contracts.errors import Place, Unavailable
from trialbridge.emr.csv.mapping import FeedMapping
from trialbridge.emr.files import convert_files


def convert(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Files or folders: FHIR, HL7 v2, C-CDA, CSV, VCF, MAF; told apart by content, then by name."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder that takes <ResourceType>.ndjson; made if absent.")],
    account: Annotated[
        Path | None, typer.Option(help="File that takes what became of each populated field of the sources, as NDJSON.")
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="Mapping file: own columns and words of tables, samples and panels of variant files."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False,
) -> None:
    """Convert files to FHIR R4; bad ones are listed with their place (and exit code 1), the good ones are written."""
    troubles = Troubles()
    made = _folder(out)
    paths = [path for given in inputs for path in files_of(given, is_record, troubles)]
    fresh = WatchedPaths(dict.fromkeys(path for path in paths if _outside(path, made)))
    report = _convert(fresh, out, account, mapping_in(mapping))
    report["errors"] = [*(asdict(one) for one in troubles.found), *report["errors"]]
    report["account"]["skipped"] = dict(sorted(troubles.skipped.items()))
    for error in report["errors"][len(troubles.found) :]:
        complain(f"{error['input']}: {error['where']}", error["code"], error["message"])
    if json:
        emit(report)
    else:
        _show(report, out)
    if report["errors"]:
        raise typer.Exit(EXIT_INPUT)


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise typer.BadParameter(f"{out} cannot be made a folder; name another one", param_hint="--out") from None
    return out.resolve()


def _outside(path: Path, made: Path) -> bool:
    """Whether a file is no earlier result that lies in the output folder, which may lie in an input folder."""
    return not (path.suffix == ".ndjson" and path.resolve().parent == made)


def _convert(paths: WatchedPaths, out: Path, account: Path | None, mapping: FeedMapping | None) -> dict[str, Any]:
    with bar() as progress:
        paths.progress = progress
        try:
            return convert_files(paths, out, account, mapping)
        except OSError:
            raise Unavailable(
                "out.unwritable",
                "The output cannot be written; check the disk and who may write.",
                Place(bundle=str(out)),
            ) from None


def _show(report: dict[str, Any], out: Path) -> None:
    rows = [(kind, str(count)) for kind, count in sorted(report["resources"].items())]
    if rows:
        show_rows(OUT, ("resource type", "count"), rows)
    total = sum(report["resources"].values())
    leaves = report["account"]["leaves"]
    if leaves["leaves"]:
        fates = ", ".join(f"{leaves[name]} {name}" for name in ("mapped", "kept", "dropped", "unaccounted"))
        say(f"{leaves['leaves']} fields of the sources: {fates}")
    say(f"{report['inputs']} files read, {total} resources written to {out}, {len(report['errors'])} problems")
