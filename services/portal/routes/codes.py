"""Reviewers, at a practice or operators: the queue of local codes, one code, and decisions; as pages and as JSON."""

from typing import Annotated, cast

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from services.portal.guard import Visiting, needs
from services.portal.pages import page
from services.portal.reviewing import ask_decision, require_code, reviewer_of
from services.portal.routes.answers import PROBLEMS, answer
from services.portal.routes.api_asks import Once, accepted
from services.portal.views.asked import read_asked
from services.portal.views.codes import STATES, CodeQueue, read_queue
from services.portal.visit import Visit
from trialbridge.access.scopes import Scope
from trialbridge.emr.localcodes.codes import TARGETS, Kind, Target

Text = Annotated[str, Query(max_length=200)]
Word = Annotated[str, Form(max_length=40)]
Line = Annotated[str, Form(max_length=300)]


class DecisionAsked(BaseModel):
    """What is decided of a local code."""

    decision: str = Field(description="accept, reject or undo", max_length=20)
    system: str = Field(
        default="", max_length=40, description="Of the standard code, to accept: loinc, snomed, icd10 …"
    )
    code: str = Field(default="", max_length=120)
    display: str = Field(default="", max_length=300)
    note: str = Field(default="", max_length=300, description="Why; for people, without anything of a patient.")


def state_or_first(state: str) -> str:
    """Return a state of codes; the open ones where it is none."""
    return state if state in STATES else STATES[0]


async def _queue(visit: Visit, state: str, source: str, after: str) -> CodeQueue:
    size = visit.ports.settings.page_size
    return await read_queue(visit.documents, reviewer_of(visit), state_or_first(state), source, after, size)


pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", responses=PROBLEMS)


@pages.get("/codes", **needs(Scope.CODES_READ))
async def codes(request: Request, visit: Visiting, state: Text = "", source: Text = "", after: Text = "") -> Response:
    """Show one page of the queue, or of what was decided."""
    found = await _queue(visit, state, source, after)
    return page(request, visit, "codes.html", queue=found, state=state_or_first(state), states=STATES, source=source)


@pages.get("/codes/{identity}", **needs(Scope.CODES_READ))
async def code(request: Request, visit: Visiting, identity: str, asked: Text = "") -> Response:
    """Show one code: what it might mean, what was decided, and the history."""
    told = await read_asked(visit.documents, visit.tenant, asked)
    found = await require_code(visit, identity)
    systems = TARGETS[cast("Kind", found.row.kind)]
    return page(request, visit, "code.html", code=found, row=found.row, asked=told, systems=systems)


@pages.post("/codes/{identity}/{decision}", **needs(Scope.CODES_REVIEW))
async def decide(
    visit: Visiting,
    identity: str,
    decision: str,
    system: Word = "",
    code: Line = "",
    display: Line = "",
    note: Line = "",
) -> Response:
    """Ask for a decision to be in force, and go back to the code, which says what became of it."""
    command = await ask_decision(visit, identity, decision, Target(system, code, display) if system else None, note)
    return RedirectResponse(f"/codes/{identity}?asked={command.id}", 303)


@api.get("/codes", summary="Local codes for review", tags=["reviewer"], **needs(Scope.CODES_READ))
async def list_codes(visit: Visiting, state: Text = "", source: Text = "", after: Text = "") -> Response:
    """Return one page of the queue (open), or of what was accepted or rejected; `next` is the next page's `after`."""
    return answer(await _queue(visit, state, source, after))


@api.get("/codes/{identity}", summary="A local code", tags=["reviewer"], **needs(Scope.CODES_READ))
async def get_code(visit: Visiting, identity: str) -> Response:
    """Return a local code with suggestions and history."""
    return answer(await require_code(visit, identity))


@api.post(
    "/codes/{identity}/decision",
    summary="Decide what a local code means",
    status_code=202,
    tags=["reviewer"],
    **needs(Scope.CODES_REVIEW),
)
async def post_decision(visit: Visiting, identity: str, asked: DecisionAsked, once: Once = "") -> Response:
    """Ask for a decision to be in force; records are read again with it."""
    target = Target(asked.system, asked.code, asked.display) if asked.system else None
    return accepted(await ask_decision(visit, identity, asked.decision, target, asked.note, once))
