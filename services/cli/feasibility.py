"""``trialbridge feasibility``: what a trial's criteria leave of a practice's patients, and which one costs most."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from services.cli.formats import Form, FormOption, JsonOption, form_of, values_as
from services.cli.inputs import Troubles, files_of, is_record, mapping_in, one_stdin
from services.cli.match import MappingOption, day_of, plans_in
from services.cli.output import EXIT_INPUT, OUT, say, show_rows
from services.cli.patients import batches_of, patients_in
from services.cli.progress import bar, watched
from services.cli.terminology import Terminology, put_in_force
from trialbridge.criteria.feasibility import Attrition, Funnel, StepCount
from trialbridge.criteria.known import FactIndex

HEADINGS = ("criterion", "met", "unknown", "not met", "left", "alone")


def feasibility(
    trial: Annotated[
        Path, typer.Argument(help="A trial, or a folder of them: native YAML or JSON, or CTML; - is standard input.")
    ],
    patients: Annotated[
        Path,
        typer.Argument(
            help="File or folder: FHIR, HL7 v2, C-CDA, CSV, VCF, MAF, or facts as JSON or NDJSON; - is standard input."
        ),
    ],
    as_of: Annotated[str, typer.Option(help="Day of the evaluation, YYYY-MM-DD; today in UTC by default.")] = "",
    mapping: MappingOption = None,
    terminology: Terminology = None,
    format: FormOption = None,
    json: JsonOption = False,
) -> None:
    """Show the attrition funnel: criterion by criterion how many patients are left, and whom one criterion keeps out alone.

    Who is unknown in a criterion stays in. What cannot be read is listed on standard error with its place and a code; then
    the exit code is 1.
    """
    form = form_of(format, json=json)
    one_stdin(trial, patients)
    put_in_force(terminology)
    troubles = Troubles()
    own = mapping_in(mapping)
    counted = Attrition(plans_in(trial, troubles), day_of(as_of))
    with bar() as progress:
        for batch in watched(batches_of(files_of(patients, is_record, troubles)), "patients' files", progress):
            for patient in patients_in(batch, troubles, own):
                counted.add(FactIndex(patient.facts))
    if form is Form.TABLE:
        for funnel in counted.funnels():
            _show(funnel)
    else:
        with values_as(form) as write:
            for funnel in counted.funnels():
                write(funnel)
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
