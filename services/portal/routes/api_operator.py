"""The JSON API's changes by an operator; each is a request that the owning service carries out (202)."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.guard import Visiting, needs
from services.portal.operating import ask_discard, ask_enable, ask_redeliver, ask_regulatory, ask_reissue, ask_replay
from services.portal.routes.answers import PROBLEMS, DiscardAsked, StatementAsked
from services.portal.routes.api_asks import Once, accepted
from trialbridge.access.scopes import Scope
from trialbridge.contracts.statements import Said

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)


@router.post(
    "/dead-letters/{identity}/replay",
    summary="Send a dead letter through again",
    status_code=202,
    tags=["operator"],
    **needs(Scope.DEAD_LETTER_REPLAY),
)
async def replay(visit: Visiting, identity: str, once: Once = "") -> Response:
    """Ask for a replay; what has gone through before has no second effect."""
    return accepted(await ask_replay(visit, identity, once))


@router.post(
    "/tickets/{identity}/replay",
    summary="Issue a ticket again",
    status_code=202,
    tags=["operator"],
    **needs(Scope.DEAD_LETTER_REPLAY),
)
async def reissue(visit: Visiting, identity: str, once: Once = "") -> Response:
    """Ask for a ticket to be issued again."""
    return accepted(await ask_reissue(visit, identity, once))


@router.post(
    "/dead-letters/{identity}/discard",
    summary="Close a dead letter that nobody needs",
    status_code=202,
    tags=["operator"],
    **needs(Scope.DEAD_LETTER_DISCARD),
)
async def discard(visit: Visiting, identity: str, asked: DiscardAsked, once: Once = "") -> Response:
    """Ask for a dead letter to be closed; its content stays, and a replay stays possible."""
    return accepted(await ask_discard(visit, identity, asked.reason, once))


@router.post(
    "/trials/{identity}/regulatory",
    summary="Record what an authority says",
    status_code=202,
    tags=["operator"],
    **needs(Scope.REGULATORY_SET),
)
async def regulatory(visit: Visiting, identity: str, asked: StatementAsked, once: Once = "") -> Response:
    """Ask for an authority's word on a trial to be in force."""
    said = Said(asked.authority, asked.approved, asked.hold, asked.reason, dict(asked.sites))
    return accepted(await ask_regulatory(visit, identity, said, once))


@router.post(
    "/deliveries/{identity}/redeliver",
    summary="Send a webhook again",
    status_code=202,
    tags=["operator"],
    **needs(Scope.DELIVERY_REDELIVER),
)
async def redeliver(visit: Visiting, identity: str, once: Once = "") -> Response:
    """Ask for a webhook to be sent again, under the id that it had."""
    return accepted(await ask_redeliver(visit, identity, once))


@router.post(
    "/endpoints/{identity}/enable",
    summary="Call an endpoint again",
    status_code=202,
    tags=["operator"],
    **needs(Scope.DELIVERY_REDELIVER),
)
async def enable(visit: Visiting, identity: str, once: Once = "") -> Response:
    """Ask for an endpoint to be called again that had answered 410."""
    return accepted(await ask_enable(visit, identity, once))
