"""The JSON API beside the pages: the same read models, the same authorisation, cursors for pages."""

from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.portal.guard import Visiting, needs
from services.portal.pages import absent
from services.portal.routes.auditor import export_lines
from services.portal.routes.practice import audited_worklist
from services.portal.views.history import read_history
from services.portal.views.match import read_match
from services.portal.views.operation import read_operation
from services.portal.views.trials import cells, own_trial, read_trials
from services.portal.views.trials import counts_of as trial_counts
from services.portal.views.worklist import Filters
from trialbridge.access.scopes import Scope
from trialbridge.ledger.actions import Action

router = APIRouter(prefix="/api/v1")
Text = Annotated[str, Query(max_length=200)]


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


@router.get("/worklist", summary="The practice's matches", **needs(Scope.WORKLIST_READ))
async def worklist(visit: Visiting, status: Text = "", trial: Text = "", mark: Text = "", after: Text = "") -> Response:
    """Return one page of matches with the cursor of the next."""
    found = await audited_worklist(visit, Filters(status, trial, mark), after)
    return _json({"matches": found.rows, "counts": found.counts, "next": found.next})


@router.get(
    "/matches/{id}", summary="One match with verdict and evidence for each criterion", **needs(Scope.MATCH_READ)
)
async def match(visit: Visiting, id: str) -> Response:
    """Return one match."""
    found = absent(await read_match(visit.documents, visit.tenant, id))
    await visit.record(Action.MATCH_READ, id)
    await visit.record(Action.PATIENT_READ, found.person.id)
    return _json(found)


@router.get("/trials", summary="The laboratory's trials with counts", **needs(Scope.COUNTS_READ))
async def trials(visit: Visiting, after: Text = "") -> Response:
    """Return one page of trials."""
    rows, following = await read_trials(visit.documents, visit.tenant, after or None, visit.ports.settings.page_size)
    await visit.record(Action.COUNTS_READ, *(row.id for row in rows))
    shown = [{**asdict(row), "counts": {name: cell.label for name, cell in cells(row.counts).items()}} for row in rows]
    return _json({"trials": shown, "next": following})


@router.get("/trials/{id}/counts", summary="Counts of one trial under the small-cell rule", **needs(Scope.COUNTS_READ))
async def counts(visit: Visiting, id: str) -> Response:
    """Return numbers of matches by status; small ones are hidden."""
    absent(await own_trial(visit.documents, visit.tenant, id))
    await visit.record(Action.COUNTS_READ, id)
    table = await trial_counts(visit.documents, id)
    return _json({name: {"value": cell.value, "label": cell.label} for name, cell in cells(table).items()})


@router.get("/history/{id}", summary="A match from the bundle's hash to the message", **needs(Scope.HISTORY_READ))
async def history(visit: Visiting, id: str) -> Response:
    """Return origins, steps and messages."""
    found = absent(await read_history(visit.documents, id))
    await visit.record(Action.HISTORY_READ, id)
    return _json(export_lines(found))


@router.get("/operation", summary="Stages, tickets and dead letters", **needs(Scope.OPERATION_READ, passive=True))
async def operation(visit: Visiting) -> Response:
    """Return how the machinery stands."""
    found = await read_operation(visit.documents, None, visit.ports.settings.page_size)
    return _json({"stages": found.stages, "tickets": found.tickets, "dead_letters": found.letters})
