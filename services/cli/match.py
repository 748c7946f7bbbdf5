"""``trialbridge match``: patients' files against trials' files, with no server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from services.cli.inputs import files_of
from services.cli.output import EXIT_INPUT, OUT, complain, emit
from trialbridge.criteria.compiler import TrialPlan, compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.facts import PatientFacts
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.match_lines import match_line
from trialbridge.criteria.verdicts import Explanation, Outcome, Verdict
from trialbridge.emr.files import read_patients

TRIAL_SUFFIXES = (".yaml", ".yml", ".json")
PATIENT_SUFFIXES = (".json", ".ndjson", ".jsonl", ".hl7", ".er7", ".v2")


@dataclass(slots=True)
class Troubles:
    """How many inputs were refused."""

    count: int = 0

    def note(self, where: str, code: str, message: str) -> None:
        """Say what was refused and count it."""
        self.count += 1
        complain(where, code, message)


def match(
    patients: Annotated[Path, typer.Argument(help="File or folder: FHIR bundles, NDJSON, HL7 v2, or facts JSON.")],
    trials: Annotated[Path, typer.Argument(help="File or folder: native YAML or JSON, or CTML.")],
    as_of: Annotated[str, typer.Option(help="Date of the evaluation, YYYY-MM-DD; today in UTC by default.")] = "",
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line for patient x trial x arm x dose.")
    ] = False,
) -> None:
    """Say who is eligible, potentially eligible or not, with the reason for each criterion."""
    troubles = Troubles()
    day = _day(as_of)
    plans = list(_plans(trials, troubles))
    explanations = (
        explanation for patient in _patients(patients, troubles) for explanation in _judge(patient, plans, day)
    )
    if json:
        for explanation in explanations:
            emit(match_line(explanation))
    else:
        _show(list(explanations), len(plans))
    if troubles.count:
        raise typer.Exit(EXIT_INPUT)


def _day(text: str) -> date:
    if not text:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("must be a date such as 2026-06-01", param_hint="--as-of") from None


def _plans(folder: Path, troubles: Troubles) -> Iterator[TrialPlan]:
    for path in files_of(folder, TRIAL_SUFFIXES):
        compiled = compile_text(path.read_bytes(), path.name)
        for found in compiled.diagnostics:
            if found.severity == "error":
                hint = f" {found.hint}" if found.hint else ""
                troubles.note(f"{path}:{found.line}: {found.path}", found.code, f"{found.message}{hint}")
        if compiled.ok:
            yield load(compiled.definition)


def _patients(folder: Path, troubles: Troubles) -> Iterator[PatientFacts]:
    for path in files_of(folder, PATIENT_SUFFIXES):
        for found in read_patients(path):
            if isinstance(found, PatientFacts):
                yield found
            else:
                troubles.note(f"{path}: {found.error.place}", found.error.code, found.error.message)


def _judge(patient: PatientFacts, plans: Sequence[TrialPlan], day: date) -> Iterator[Explanation]:
    facts = FactIndex(patient.facts)
    for plan in plans:
        yield from evaluate(plan, facts, day, patient.patient)


STYLES = {Outcome.ELIGIBLE: "bold green", Outcome.POTENTIALLY: "yellow", Outcome.NOT_ELIGIBLE: "dim"}


def _show(explanations: Sequence[Explanation], trials: int) -> None:
    if not explanations:
        OUT.print(f"No patient to match against {trials} trials. Patients are read from files ending in "
                  f"{', '.join(PATIENT_SUFFIXES)}.")  # fmt: skip
        return
    table = Table("patient", "trial", "arm", "dose", "outcome", "because")
    for one in explanations:
        outcome = f"[{STYLES[one.outcome]}]{one.outcome.value}[/]"
        table.add_row(one.patient, one.trial, one.arm or "", one.dose or "", outcome, _because(one))
    OUT.print(table)


def _because(explanation: Explanation) -> str:
    """Return the reasons that decide: what fails, else what is missing, else that all is met."""
    failing = [one.reason for one in explanation.criteria if one.verdict is Verdict.NOT_MET]
    if explanation.outcome is Outcome.NOT_ELIGIBLE and failing:
        return failing[0] if len(failing) == 1 else f"{failing[0]} (and {len(failing) - 1} more)"
    if explanation.outcome is Outcome.POTENTIALLY and explanation.missing:
        return "Missing: " + " ".join(dict.fromkeys(one.settle for one in explanation.missing))
    return "All criteria are met." if explanation.outcome is Outcome.ELIGIBLE else ""
