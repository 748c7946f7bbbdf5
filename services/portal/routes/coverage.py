"""The operator: what became of each feed's source leaves."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.portal.guard import Visiting, needs
from services.portal.pages import page
from services.portal.views.coverage import DAYS, TONES, read_coverage
from trialbridge.access.scopes import Scope

router = APIRouter(include_in_schema=False)


@router.get("/coverage", **needs(Scope.OPERATION_READ))
async def coverage(request: Request, visit: Visiting, source: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Show all feeds, or one with its sections and reasons."""
    found = await read_coverage(visit.documents, source)
    return page(request, visit, "coverage.html", feeds=found, source=source, days=DAYS, tones=TONES)
