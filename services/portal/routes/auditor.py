"""The auditor: histories of matches and the audit trail, by opaque ids."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.portal.guard import Visiting, needs
from services.portal.pages import absent, page
from services.portal.views.history import History, read_history
from services.portal.views.search import Found, read_audit, search
from services.portal.visit import Visit
from trialbridge.access.scopes import Scope
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import ndjson

router = APIRouter(include_in_schema=False)
Asked = Annotated[str, Query(max_length=120)]


async def audited_search(visit: Visit, asked: str) -> Found:
    """Return what a search finds, recorded before it is shown."""
    asked = asked.strip()
    found = await search(visit.documents, asked)
    # What was typed is not kept, it could be a name; what it led to is.
    ids = [*(one.id for one in found.matches), *(one.id for one in found.tickets)] if asked else ["newest"]
    await visit.record(Action.HISTORY_SEARCHED, *(ids or ["nothing found"]))
    return found


async def audited_history(visit: Visit, identity: str, action: Action = Action.HISTORY_READ) -> History:
    """Return one match's history, recorded before it is shown; raise `Problem` 404 where there is none."""
    found: History = absent(await read_history(visit.documents, identity))
    await visit.record(action, identity)
    return found


@router.get("/history", **needs(Scope.HISTORY_READ))
async def histories(request: Request, visit: Visiting, q: Asked = "") -> Response:
    """Find matches by any id."""
    found = await audited_search(visit, q)
    return page(request, visit, "histories.html", asked=q.strip(), found=found)


@router.get("/history/{identity}", **needs(Scope.HISTORY_READ))
async def history(request: Request, visit: Visiting, identity: str) -> Response:
    """Show one match from the bundle's hash to the message."""
    return page(request, visit, "history.html", history=await audited_history(visit, identity))


@router.get("/history/{identity}/export", **needs(Scope.HISTORY_EXPORT))
async def export(visit: Visiting, identity: str) -> Response:
    """Return the history as NDJSON, one object for each step."""
    found = await audited_history(visit, identity, Action.HISTORY_EXPORTED)
    headers = {"content-disposition": f'attachment; filename="{found.id}.ndjson"'}
    return Response(ndjson(export_lines(found)), media_type="application/x-ndjson", headers=headers)


def export_lines(found: History) -> list[dict[str, Any]]:
    """Return origins, steps and messages as plain objects; explanations are left out, they hold patient data."""
    origins = [{"kind": "origin", **msgspec.to_builtins(one)} for one in found.origins]
    steps = [{"kind": "step", **msgspec.to_builtins(one)} for one in found.steps]
    sent = [{**msgspec.to_builtins(one), "kind": "message", "message": one.kind} for one in found.sent]
    return [*origins, *steps, *sent]


@router.get("/audit", **needs(Scope.AUDIT_READ))
async def audit(
    request: Request,
    visit: Visiting,
    actor: Asked = "",
    subject: Asked = "",
    action: Asked = "",
    tenant: Asked = "",
    after: Asked = "",
) -> Response:
    """Show who saw or did what."""
    filters = {"actor": actor.strip(), "subject": subject.strip(), "action": action, "tenant": tenant.strip()}
    found, following = await read_audit(visit.documents, filters, after or None, visit.ports.settings.page_size)
    await visit.record(Action.AUDIT_READ, "audit")
    actions = [one.value for one in Action]
    return page(request, visit, "audit.html", events=found, next=following, filters=filters, actions=actions)
