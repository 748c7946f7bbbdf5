"""The JSON API's readings: the same views as the pages, the same authorisation, cursors for pages."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.portal.guard import Visiting, needs
from services.portal.pages import absent
from services.portal.routes.answers import PROBLEMS, answer
from services.portal.routes.auditor import audited_history, audited_search, export_lines
from services.portal.routes.lab import audited_trial, audited_trials
from services.portal.routes.practice import audited_match, audited_worklist
from services.portal.views.asked import read_asked
from services.portal.views.inbox import read_inbox
from services.portal.views.operation import Meter, read_operation
from services.portal.views.search import read_audit
from services.portal.views.trials import TrialRow, labels
from services.portal.views.worklist import Filters
from trialbridge.access.scopes import Scope
from trialbridge.ledger.actions import Action

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
Text = Annotated[str, Query(max_length=200)]


@router.get("/worklist", summary="The practice's matches", tags=["practice"], **needs(Scope.WORKLIST_READ))
async def worklist(
    visit: Visiting, status: Text = "", trial: Text = "", mark: Text = "", sort: Text = "", after: Text = ""
) -> Response:
    """Return one page of matches with the cursor of the next."""
    found = await audited_worklist(visit, Filters(status, trial, mark, sort), after)
    return answer({"matches": found.rows, "counts": found.counts, "next": found.next, "freshness": found.freshness})


@router.get(
    "/matches/{identity}", summary="One match, criterion by criterion", tags=["practice"], **needs(Scope.MATCH_READ)
)
async def match(visit: Visiting, identity: str) -> Response:
    """Return one match with verdict and evidence for each criterion, gates, and its life so far."""
    return answer(await audited_match(visit, identity))


@router.get("/inbox", summary="Approvals and withdrawals", tags=["practice"], **needs(Scope.INBOX_READ))
async def inbox(visit: Visiting, after: Text = "") -> Response:
    """Return one page of messages."""
    found = await read_inbox(visit.documents, visit.tenant, after or None, visit.ports.settings.page_size)
    await visit.record(Action.PATIENT_LISTED, *(one.person.id for one in found.messages))
    return answer(found)


def _trial(row: TrialRow) -> dict[str, Any]:
    return {**{name: value for name, value in asdict(row).items() if name != "counts"}, "counts": labels(row.counts)}


@router.get("/trials", summary="The laboratory's trials with counts", tags=["lab"], **needs(Scope.COUNTS_READ))
async def trials(visit: Visiting, after: Text = "") -> Response:
    """Return one page of trials."""
    rows, following = await audited_trials(visit, after)
    return answer({"trials": [_trial(row) for row in rows], "next": following})


@router.get("/trials/{identity}", summary="One trial with counts", tags=["lab"], **needs(Scope.COUNTS_READ))
async def trial(visit: Visiting, identity: str) -> Response:
    """Return one trial."""
    found = await audited_trial(visit, identity)
    return answer(
        {
            **_trial(found.row),
            "drugs": found.drugs,
            "sites": found.sites,
            "review": found.review,
            "digest": found.digest,
        }
    )


@router.get(
    "/trials/{identity}/counts",
    summary="Counts of people under the small-cell rule",
    tags=["lab"],
    **needs(Scope.COUNTS_READ),
)
async def counts(visit: Visiting, identity: str) -> Response:
    """Return how many people stand where; numbers from 1 to 10, and what would give them away, are hidden."""
    return answer(labels((await audited_trial(visit, identity)).row.counts))


@router.get("/history", summary="Find matches by any opaque id", tags=["auditor"], **needs(Scope.HISTORY_READ))
async def histories(visit: Visiting, q: Text = "") -> Response:
    """Return matches by match, patient, trial, ticket or record id, or by a bundle's SHA-256."""
    found = await audited_search(visit, q)
    return answer({"matches": found.matches, "tickets": [one.id for one in found.tickets]})


@router.get(
    "/history/{identity}",
    summary="A match from the bundle's hash to the message",
    tags=["auditor"],
    **needs(Scope.HISTORY_READ),
)
async def history(visit: Visiting, identity: str) -> Response:
    """Return origins, steps and messages."""
    return answer(export_lines(await audited_history(visit, identity)))


@router.get("/audit", summary="Who saw or did what", tags=["auditor"], **needs(Scope.AUDIT_READ))
async def audit(visit: Visiting, actor: Text = "", subject: Text = "", action: Text = "", after: Text = "") -> Response:
    """Return one page of audit events, newest first."""
    filters = {"actor": actor, "subject": subject, "action": action}
    found, following = await read_audit(visit.documents, filters, after or None, visit.ports.settings.page_size)
    await visit.record(Action.AUDIT_READ, "audit")
    return answer({"events": [one.event for one in found], "next": following})


@router.get(
    "/operation",
    summary="Stages, tickets and dead letters",
    tags=["operator"],
    **needs(Scope.OPERATION_READ, passive=True),
)
async def operation(request: Request, visit: Visiting) -> Response:
    """Return how the machinery stands."""
    meter: Meter = request.app.state.meter
    found = await read_operation(visit.documents, meter, visit.now, None, visit.ports.settings.page_size)
    return answer({"stages": found.stages, "tickets": found.tickets, "dead_letters": found.letters})


@router.get("/commands/{identity}", summary="What became of a request", tags=["session"], **needs(Scope.COMMAND_READ))
async def command(visit: Visiting, identity: str) -> Response:
    """Return a request of your organisation with its answer."""
    return answer(absent(await read_asked(visit.documents, visit.tenant, identity)))
