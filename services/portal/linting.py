"""The compiler's word about a pasted trial, in the portal's terms."""

from dataclasses import replace

from services.portal.ports import Diagnostic, LintReport
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.runtime.web import Problem


def lint(text: str) -> LintReport:
    """Return what the compiler says; never raises for a bad trial."""
    compiled = compile_text(text)
    found = tuple(
        Diagnostic(one.severity, one.code, one.path, one.message, one.hint, one.line) for one in compiled.diagnostics
    )
    if compiled.trial is None:
        return LintReport(diagnostics=found)
    plan = load(compiled.definition)
    trial = compiled.trial
    return LintReport(trial.id, trial.title, len(plan.branches), len(plan.leaves), trial.lab, found)


def for_lab(report: LintReport, lab: str, owner: str) -> LintReport:
    """Return the report with what stands against this laboratory registering the trial.

    Args:
        report: What the compiler says.
        lab: The laboratory that asks.
        owner: The laboratory that has a trial with this id; empty where there is none.
    """
    found = []
    if report.lab and report.lab != lab:
        found.append(_fault("trial.foreign-lab", "lab", "The trial names another laboratory.", f"lab: {lab}"))
    if owner and owner != lab:
        found.append(_fault("trial.taken", "id", "Another laboratory has a trial with this id.", "Choose another id."))
    return replace(report, diagnostics=(*report.diagnostics, *found))


def _fault(code: str, path: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic("error", code, path, message, hint)


def refused(report: LintReport) -> Problem:
    """Return the first fault as a problem, for the API."""
    first = next(one for one in report.diagnostics if one.severity == "error")
    where = f"Line {first.line}: " if first.line else ""
    return Problem(422, first.code, f"{where}{first.path}: {first.message}")
