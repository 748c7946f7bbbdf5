"""The auditor: histories of matches and the audit trail, by opaque ids."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.portal.guard import Visiting, needs
from services.portal.pages import absent, page
from services.portal.views.history import History, read_audit, read_history, search
from trialbridge.access.scopes import Scope
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import ndjson

router = APIRouter(include_in_schema=False)
Asked = Annotated[str, Query(max_length=120)]


@router.get("/history", **needs(Scope.HISTORY_READ))
async def histories(request: Request, visit: Visiting, q: Asked = "") -> Response:
    """Find matches by any id."""
    found = await search(visit.documents, q)
    await visit.record(Action.HISTORY_SEARCHED, q.strip() or "newest")
    return page(request, visit, "histories.html", asked=q, matches=found)


@router.get("/history/{id}", **needs(Scope.HISTORY_READ))
async def history(request: Request, visit: Visiting, id: str) -> Response:
    """Show one match from the bundle's hash to the message."""
    found = absent(await read_history(visit.documents, id))
    await visit.record(Action.HISTORY_READ, id)
    return page(request, visit, "history.html", history=found)


@router.get("/history/{id}/export", **needs(Scope.HISTORY_EXPORT))
async def export(visit: Visiting, id: str) -> Response:
    """Return the history as NDJSON, one object for each step."""
    found: History = absent(await read_history(visit.documents, id))
    await visit.record(Action.HISTORY_EXPORTED, id)
    lines = export_lines(found)
    headers = {"content-disposition": f'attachment; filename="{found.match.id}.ndjson"'}
    return Response(ndjson(lines), media_type="application/x-ndjson", headers=headers)


def export_lines(found: History) -> list[dict[str, Any]]:
    """Return origins, steps and messages as plain objects; explanations are left out, they hold patient data."""
    origins = [{"kind": "origin", **msgspec.to_builtins(one)} for one in found.origins]
    steps = [{"kind": "step", **msgspec.to_builtins(one)} for one in found.life]
    sent = [{"kind": "message", **msgspec.to_builtins(one)} for one in found.sent]
    return [*origins, *steps, *sent]


@router.get("/audit", **needs(Scope.AUDIT_READ))
async def audit(
    request: Request, visit: Visiting, actor: Asked = "", subject: Asked = "", after: Asked = ""
) -> Response:
    """Show who saw or did what."""
    found, following = await read_audit(visit.documents, actor, subject, after or None, visit.ports.settings.page_size)
    await visit.record(Action.AUDIT_READ, "audit")
    return page(request, visit, "audit.html", events=found, next=following, actor=actor, subject=subject)
