"""``trialbridge match``: patients' files against trials' files, with no server."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.cli.formats import Form, FormOption, JsonOption, form_of, values_as
from services.cli.inputs import Troubles, files_of, is_record, is_trial, mapping_in, one_stdin, read_input
from services.cli.match_view import MatchView
from services.cli.output import EXIT_INPUT, OUT
from services.cli.patients import batches_of, patients_in
from services.cli.progress import bar, watched
from services.cli.terminology import Terminology, put_in_force
from trialbridge.criteria.compiler import TrialPlan, compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.facts import PatientFacts
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.match_lines import match_line
from trialbridge.criteria.verdicts import Explanation


class Mode(StrEnum):
    """What is made of what no record says."""

    OPEN = "open"
    CLOSED = "closed"


MappingOption = Annotated[
    Path | None,
    typer.Option(
        "--mapping", help="Mapping file: own columns and words of tables, samples and panels of variant files."
    ),
]


def match(
    patients: Annotated[
        Path,
        typer.Argument(
            help="File or folder: FHIR, HL7 v2, C-CDA, CSV, VCF, MAF, or facts as JSON or NDJSON; - is standard input."
        ),
    ],
    trials: Annotated[
        Path, typer.Argument(help="File or folder of trials: native YAML or JSON, or CTML; - is standard input.")
    ],
    as_of: Annotated[str, typer.Option(help="Day of the evaluation, YYYY-MM-DD; today in UTC by default.")] = "",
    mode: Annotated[
        Mode,
        typer.Option(
            help="open: what is not known is unknown. closed: it is not so, as two-valued engines have it; to compare."
        ),
    ] = Mode.OPEN,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each criterion with its verdict and reason.")
    ] = False,
    mapping: MappingOption = None,
    terminology: Terminology = None,
    format: FormOption = None,
    json: JsonOption = False,
) -> None:
    """Say who is eligible, potentially eligible or not, with the reason for each criterion; needs no server.

    Answers come as they are found, one for each patient x trial x arm x dose level; one file at a time is in memory.
    What cannot be read is listed on standard error with its place and a code, the rest is evaluated; then the exit code
    is 1.
    """
    form = form_of(format, json=json)
    one_stdin(patients, trials)
    put_in_force(terminology)
    troubles = Troubles()
    own = mapping_in(mapping)
    day = day_of(as_of)
    plans = list(plans_in(trials, troubles))
    files = files_of(patients, is_record, troubles)
    with bar(shares_terminal=form is not Form.TABLE) as progress:
        people = (
            patient
            for batch in watched(batches_of(files), "patients' files", progress)
            for patient in patients_in(batch, troubles, own)
        )
        judged = ((patient.patient, _judge(patient, plans, day, mode)) for patient in people)
        if form is Form.TABLE:
            # Above the bar, where there is one, and the people read on the same screen.
            console = OUT if progress.disable or not OUT.is_terminal else progress.console
            view = MatchView(plans, console, explain=explain)
            for patient, found in judged:
                view.show(patient, found)
        else:
            with values_as(form) as write:
                for explanation in (one for _, found in judged for one in found):
                    write(match_line(explanation))
    if form is Form.TABLE:
        view.total()
    if troubles.found:
        raise typer.Exit(EXIT_INPUT)


def day_of(text: str) -> date:
    """Return the day that ``--as-of`` names, today in UTC where it names none."""
    if not text:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("must be a date such as 2026-06-01", param_hint="--as-of") from None


def plans_in(path: Path, troubles: Troubles) -> Iterator[TrialPlan]:
    """Yield the trials of a file or folder, ready for evaluation; refused ones go to ``troubles``, each problem by itself."""
    taken: dict[str, Path] = {}
    for file in files_of(path, is_trial, troubles):
        body = read_input(file, troubles)
        if body is None:
            continue
        compiled = compile_text(body, file.name)
        for found in compiled.diagnostics:
            if found.severity == "error":
                hint = f" {found.hint}" if found.hint else ""
                troubles.note(file, found.path, found.code, f"{found.message}{hint}", found.line)
        if compiled.trial is None:
            continue
        first = taken.setdefault(compiled.trial.id, file)
        if first is file:
            yield load(compiled.definition)
        else:
            troubles.note(file, "id", "trial.duplicate-id", f"{first.name} has the same id; give each trial its own.")


def _judge(patient: PatientFacts, plans: Sequence[TrialPlan], day: date, mode: Mode) -> list[Explanation]:
    facts, closed = FactIndex(patient.facts), mode is Mode.CLOSED
    return [one for plan in plans for one in evaluate(plan, facts, day, patient.patient, closed_world=closed)]
