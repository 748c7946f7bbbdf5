"""The laboratory: its trials, linting, registering, counts. Never a person."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.commands import ask_register, ask_status
from services.portal.guard import Visiting, needs
from services.portal.linting import for_lab
from services.portal.pages import absent, page
from services.portal.ports import LintReport
from services.portal.views.asked import read_asked, recent
from services.portal.views.trials import TrialPage, TrialRow, read_trial, read_trials
from services.portal.visit import Visit
from trialbridge.access.scopes import Scope
from trialbridge.contracts.documents import TRIALS
from trialbridge.ledger.actions import Action

router = APIRouter(include_in_schema=False)
TEXT_LIMIT = 500_000
RECENT = 8
Text = Annotated[str, Form(max_length=TEXT_LIMIT)]
Short = Annotated[str, Query(max_length=200)]


async def checked(visit: Visit, text: str) -> LintReport:
    """Return what stands for and against registering a trial in this laboratory's name."""
    report = await asyncio.to_thread(visit.ports.linter, text)
    known = await visit.documents.get(TRIALS, report.trial) if report.trial else None
    return for_lab(report, visit.tenant, known.lab if known else "")


async def audited_trials(visit: Visit, after: str) -> tuple[list[TrialRow], str | None]:
    """Return one page of the laboratory's trials with counts, recorded before they are shown."""
    rows, following = await read_trials(visit.documents, visit.tenant, after or None, visit.ports.settings.page_size)
    await visit.record(Action.COUNTS_READ, *(row.id for row in rows))
    return rows, following


async def audited_trial(visit: Visit, identity: str) -> TrialPage:
    """Return one trial with counts, recorded before it is shown; raise `Problem` 404 where it is not the laboratory's."""
    found: TrialPage = absent(await read_trial(visit.documents, visit.tenant, identity))
    await visit.record(Action.COUNTS_READ, identity)
    return found


@router.get("/trials", **needs(Scope.TRIAL_READ))
async def trials(request: Request, visit: Visiting, after: Short = "", asked: Short = "") -> Response:
    """Show the laboratory's trials with counts."""
    answer = await read_asked(visit.documents, visit.tenant, asked)
    commands = await recent(visit.documents, visit.tenant, RECENT)
    rows, following = await audited_trials(visit, after)
    return page(request, visit, "trials.html", rows=rows, next=following, commands=commands, asked=answer)


@router.get("/trials/new", **needs(Scope.TRIAL_LINT))
async def new_trial(request: Request, visit: Visiting) -> Response:
    """Show the form for a new trial or version."""
    return page(request, visit, "trial_new.html", text="", report=None)


@router.post("/trials/lint", **needs(Scope.TRIAL_LINT))
async def lint(request: Request, visit: Visiting, text: Text) -> Response:
    """Say what the compiler says about a pasted trial."""
    report = await checked(visit, text)
    await visit.record(Action.TRIAL_LINTED, report.trial or "unnamed")
    return page(request, visit, "trial_new.html", text=text, report=report)


@router.post("/trials", **needs(Scope.TRIAL_REGISTER))
async def register(request: Request, visit: Visiting, text: Text) -> Response:
    """Register a trial; one that the compiler refuses comes back with the reasons."""
    report = await checked(visit, text)
    if not report.accepted:
        await visit.record(Action.TRIAL_LINTED, report.trial or "unnamed")
        return page(request, visit, "trial_new.html", text=text, report=report)
    command = await ask_register(visit, report.trial, text)
    return RedirectResponse(f"/trials?asked={command.id}", 303)


@router.get("/trials/{identity}", **needs(Scope.COUNTS_READ))
async def trial(request: Request, visit: Visiting, identity: str, asked: Short = "") -> Response:
    """Show one trial."""
    answer = await read_asked(visit.documents, visit.tenant, asked)
    found = await audited_trial(visit, identity)
    return page(request, visit, "trial.html", trial=found, asked=answer)


@router.post("/trials/{identity}/status", **needs(Scope.TRIAL_REGISTER))
async def set_status(visit: Visiting, identity: str, status: Annotated[str, Form(max_length=20)]) -> Response:
    """Open, suspend or close a trial."""
    command = await ask_status(visit, identity, status)
    return RedirectResponse(f"/trials/{identity}?asked={command.id}", 303)
