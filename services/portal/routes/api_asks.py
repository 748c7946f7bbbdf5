"""The JSON API's changes: marks at once, everything else as a request that the owning service carries out (202)."""

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import Response

from services.portal.commands import ask_register, ask_review, ask_status
from services.portal.guard import Visiting, needs
from services.portal.linting import refused
from services.portal.marks import set_mark, undo_mark
from services.portal.routes.answers import PROBLEMS, MarkAsked, ReviewAsked, StatusAsked, TrialText, answer
from services.portal.routes.lab import checked
from services.portal.routes.practice import mark_read
from services.portal.views.asked import asked_of
from trialbridge.access.scopes import Scope
from trialbridge.contracts.documents import CommandDoc, WorklistMarkDoc
from trialbridge.ledger.actions import Action

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
Once = Annotated[str, Header(alias="idempotency-key", max_length=200, description="A repeat is the same request.")]


def accepted(command: CommandDoc) -> Response:
    """Return the answer to a request that a service carries out: 202, and where its fate is told."""
    made = answer(asked_of(command), 202)
    made.headers["location"] = f"/api/v1/commands/{command.id}"
    return made


def _mark(doc: WorklistMarkDoc) -> Response:
    return answer({"match": doc.match, "mark": doc.mark, "previous": doc.previous, "by": doc.by, "at": doc.at})


@router.put("/matches/{identity}/mark", summary="Mark a match", tags=["practice"], **needs(Scope.WORKLIST_MARK))
async def put_mark(visit: Visiting, identity: str, asked: MarkAsked) -> Response:
    """Set the practice's mark; the one before is kept for undo."""
    return _mark(await set_mark(visit, identity, asked.mark))


@router.delete(
    "/matches/{identity}/mark", summary="Undo the last mark", tags=["practice"], **needs(Scope.WORKLIST_MARK)
)
async def delete_mark(visit: Visiting, identity: str) -> Response:
    """Go back to the mark before."""
    return _mark(await undo_mark(visit, identity))


@router.post(
    "/matches/{identity}/review",
    summary="Approve, decline or reopen",
    status_code=202,
    tags=["practice"],
    **needs(Scope.MATCH_REVIEW),
)
async def review(visit: Visiting, identity: str, asked: ReviewAsked, once: Once = "") -> Response:
    """Ask for a decision to be recorded, on the very explanation that the person saw."""
    return accepted(await ask_review(visit, identity, asked.decision, asked.explanation_digest, asked.note, once))


@router.post(
    "/inbox/{identity}/read",
    summary="Mark a message as read",
    status_code=204,
    tags=["practice"],
    **needs(Scope.INBOX_MARK),
)
async def read(visit: Visiting, identity: str) -> Response:
    """Note that somebody of the practice has read it."""
    await mark_read(visit, identity)
    return Response(status_code=204)


@router.post("/trials/lint", summary="Check a trial", tags=["lab"], **needs(Scope.TRIAL_LINT))
async def lint(visit: Visiting, asked: TrialText) -> Response:
    """Return what the compiler says, by line, without registering anything."""
    report = await checked(visit, asked.text)
    await visit.record(Action.TRIAL_LINTED, report.trial or "unnamed")
    return answer(
        {"accepted": report.accepted, "trial": report.trial, "title": report.title, "diagnostics": report.diagnostics}
    )


@router.post(
    "/trials", summary="Register a trial or a new version", status_code=202, tags=["lab"], **needs(Scope.TRIAL_REGISTER)
)
async def register(visit: Visiting, asked: TrialText, once: Once = "") -> Response:
    """Ask for a trial to be registered; one with faults is refused at once, with the first of them."""
    report = await checked(visit, asked.text)
    if not report.accepted:
        raise refused(report)
    return accepted(await ask_register(visit, report.trial, asked.text, once))


@router.post(
    "/trials/{identity}/status",
    summary="Open, suspend or close a trial",
    status_code=202,
    tags=["lab"],
    **needs(Scope.TRIAL_REGISTER),
)
async def status(visit: Visiting, identity: str, asked: StatusAsked, once: Once = "") -> Response:
    """Ask for a trial's status to be set."""
    return accepted(await ask_status(visit, identity, asked.status, once))
