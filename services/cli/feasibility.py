"""``trialbridge feasibility``: what a trial's criteria leave of a practice's patients, and which one costs most."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from services.cli.inputs import Troubles, files_of, is_record
from services.cli.match import day_of, plans_in
from services.cli.output import EXIT_INPUT, OUT, emit, say, show_rows
from services.cli.patients import batches_of, patients_in
from services.cli.progress import bar, watched
from services.cli.terminology import Terminology, put_in_force
from trialbridge.criteria.feasibility import Funnel, StepCount, attrition
from trialbridge.criteria.known import FactIndex

HEADINGS = ("criterion", "met", "unknown", "not met", "left", "alone")


def feasibility(
    trial: Annotated[Path, typer.Argument(help="A trial, or a folder of them: native YAML or JSON, or CTML.")],
    patients: Annotated[
        Path, typer.Argument(help="File or folder: FHIR bundles, FHIR NDJSON, HL7 v2, or facts as JSON or NDJSON.")
    ],
    as_of: Annotated[str, typer.Option(help="Day of the evaluation, YYYY-MM-DD; today in UTC by default.")] = "",
    terminology: Terminology = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line for each trial x arm x dose level.")
    ] = False,
) -> None:
    """Show the attrition funnel: criterion by criterion how many patients are left, and whom one criterion keeps out alone.

    Who is unknown in a criterion stays in. What cannot be read is listed on standard error with its place and a code; then
    the exit code is 1.
    """
    put_in_force(terminology)
    troubles = Troubles()
    day = day_of(as_of)
    plans = list(plans_in(trial, troubles))
    crowd: list[FactIndex] = []
    with bar(shares_terminal=json) as progress:
        for batch in watched(batches_of(files_of(patients, is_record, troubles)), "patients' files", progress):
            crowd += [FactIndex(patient.facts) for patient in patients_in(batch, troubles)]
    for funnel in (funnel for plan in plans for funnel in attrition(plan, crowd, day)):
        if json:
            emit(funnel)
        else:
            _show(funnel)
    if troubles.found:
        raise typer.Exit(EXIT_INPUT)


def _show(funnel: Funnel) -> None:
    where = " / ".join(part for part in (funnel.trial, funnel.arm, funnel.dose) if part)
    say(f"{where}: {funnel.patients} patients, {funnel.eligible} eligible, {funnel.open} with something unknown.")
    if funnel.closed:
        say(funnel.closed)
    if OUT.is_terminal:
        OUT.print(_picture(funnel))
    else:
        show_rows(OUT, HEADINGS, [(step.path, *map(str, _numbers(step))) for step in funnel.steps])
    dearest = funnel.dearest
    if dearest is not None:
        say(f"Without {dearest.path}, {dearest.only} more would be left: no other single criterion keeps out more.")


def _numbers(step: StepCount) -> Sequence[int]:
    return step.met, step.unknown, step.not_met, step.left, step.only


def _picture(funnel: Funnel) -> Table:
    table = Table(box=None, expand=True, pad_edge=False)
    table.add_column(HEADINGS[0], ratio=3, overflow="fold")
    table.add_column("", ratio=2)
    for heading in HEADINGS[1:]:
        table.add_column(heading, justify="right", no_wrap=True)
    for step in funnel.steps:
        left = Bar(max(funnel.patients, 1), 0, step.left, color="green")
        table.add_row(Text(step.path), left, *map(str, _numbers(step)))
    return table
