"""The compiler's word about a pasted trial, in the portal's terms."""

from services.portal.ports import Diagnostic, LintReport
from trialbridge.criteria.compiler import compile_text, load


def lint(text: str) -> LintReport:
    """Return what the compiler says; never raises for a bad trial."""
    compiled = compile_text(text)
    found = tuple(
        Diagnostic(
            one.severity, one.code, f"line {one.line}: {one.path}" if one.line else one.path, one.message, one.hint
        )
        for one in compiled.diagnostics
    )
    if compiled.trial is None:
        return LintReport(diagnostics=found)
    plan = load(compiled.definition)
    return LintReport(compiled.trial.id, compiled.trial.title, len(plan.branches), len(plan.leaves), found)
