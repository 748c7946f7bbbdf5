"""``trialbridge match``: patients' files against trials' files, with no server."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.cli.inputs import Troubles, files_of, is_record, is_trial, mapping_in, read_input
from services.cli.match_view import MatchView
from services.cli.output import EXIT_INPUT, emit
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


def match(
    patients: Annotated[
        Path, typer.Argument(help="File or folder: FHIR, HL7 v2, C-CDA, CSV, VCF, MAF, or facts as JSON or NDJSON.")
    ],
    trials: Annotated[Path, typer.Argument(help="File or folder of trials: native YAML or JSON, or CTML.")],
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
    mapping: Annotated[
        Path | None,
        typer.Option(help="Mapping file: own columns and words of tables, samples and panels of variant files."),
    ] = None,
    terminology: Terminology = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line for each patient x trial x arm x dose level.")
    ] = False,
) -> None:
    """Say who is eligible, potentially eligible or not, with the reason for each criterion; needs no server.

    What cannot be read is listed on standard error with its place and a code, the rest is evaluated; then the exit code
    is 1.
    """
    put_in_force(terminology)
    troubles = Troubles()
    own = mapping_in(mapping)
    day = day_of(as_of)
    plans = list(plans_in(trials, troubles))
    files = files_of(patients, is_record, troubles)
    view = MatchView(len(plans), explain=explain)
    with bar(shares_terminal=json) as progress:
        for batch in watched(batches_of(files), "patients' files", progress):
            for patient in patients_in(batch, troubles, own):
                judged = _judge(patient, plans, day, mode)
                if not json:
                    view.add(patient.patient, judged)
                    continue
                for explanation in judged:
                    emit(match_line(explanation))
    if not json:
        view.show()
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
