"""The laboratory: its trials, linting, registering, counts. Never a person."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.commands import ask
from services.portal.guard import Visiting, needs
from services.portal.pages import absent, page
from services.portal.ports import LintReport
from services.portal.views.trials import own_trial, read_trial, read_trials, recent_commands
from trialbridge.access.scopes import Scope
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import Problem

router = APIRouter(include_in_schema=False)
TEXT_LIMIT = 500_000
Text = Annotated[str, Form(max_length=TEXT_LIMIT)]


@router.get("/trials", **needs(Scope.TRIAL_READ))
async def trials(request: Request, visit: Visiting, after: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Show the laboratory's trials with counts."""
    rows, following = await read_trials(visit.documents, visit.tenant, after or None, visit.ports.settings.page_size)
    await visit.record(Action.COUNTS_READ, *(row.id for row in rows))
    commands = await recent_commands(visit.documents, visit.tenant)
    return page(request, visit, "trials.html", rows=rows, next=following, commands=commands)


@router.get("/trials/new", **needs(Scope.TRIAL_LINT))
async def new_trial(request: Request, visit: Visiting) -> Response:
    """Show the form for a new trial or version."""
    return page(request, visit, "trial_new.html", text="", report=None)


@router.post("/trials/lint", **needs(Scope.TRIAL_LINT))
async def lint(request: Request, visit: Visiting, text: Text) -> Response:
    """Say what the compiler says about a pasted trial."""
    report = visit.ports.linter(text)
    await visit.record(Action.TRIAL_LINTED, report.trial or "unnamed")
    return page(request, visit, "trial_new.html", text=text, report=report)


@router.post("/trials", **needs(Scope.TRIAL_REGISTER))
async def register(request: Request, visit: Visiting, text: Text) -> Response:
    """Register a trial; one that the compiler refuses comes back with the reasons."""
    report: LintReport = visit.ports.linter(text)
    if not report.accepted:
        return page(request, visit, "trial_new.html", text=text, report=report)
    await visit.record(Action.TRIAL_REGISTERED, report.trial)
    await ask(visit, "trialfeed", "register_trial", {"name": f"{report.trial}.yaml", "text": text, "lab": visit.tenant})
    return RedirectResponse("/trials", 303)


@router.get("/trials/{id}", **needs(Scope.COUNTS_READ))
async def trial(request: Request, visit: Visiting, id: str) -> Response:
    """Show one trial."""
    found = absent(await read_trial(visit.documents, visit.tenant, id))
    await visit.record(Action.COUNTS_READ, id)
    return page(request, visit, "trial.html", trial=found)


@router.post("/trials/{id}/status", **needs(Scope.TRIAL_REGISTER))
async def set_status(visit: Visiting, id: str, status: Annotated[str, Form(max_length=20)]) -> Response:
    """Open, suspend or close a trial."""
    absent(await own_trial(visit.documents, visit.tenant, id))
    if status not in ("open", "suspended", "closed"):
        raise Problem(422, "trial.bad-status", "A trial is open, suspended or closed.")
    await visit.record(Action.COMMAND_SENT, id, reason=status)
    await ask(visit, "trialfeed", "set_trial_status", {"trial": id, "status": status})
    return RedirectResponse(f"/trials/{id}", 303)
