"""What a practice's coordinator sets beside a match, and taking it back."""

from typing import cast

from services.portal.pages import absent
from services.portal.views.match import own_match
from services.portal.views.worklist import mark_id
from services.portal.visit import Visit
from services.portal.words import MARK
from trialbridge.contracts.documents import WORKLIST_MARKS, MatchDoc, WorklistMarkDoc
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import Problem


async def require_match(visit: Visit, identity: str) -> MatchDoc:
    """Return the practice's own match; raise `Problem` 404 where there is none."""
    return cast("MatchDoc", absent(await own_match(visit.documents, visit.tenant, identity)))


async def set_mark(visit: Visit, identity: str, mark: str) -> WorklistMarkDoc:
    """Set the practice's mark on a match; the one before is kept for undo. Raises `Problem` 404, 409 or 422."""
    if mark not in MARK:
        raise Problem(422, "mark.unknown", f"A mark is one of {', '.join(MARK)}.")
    await require_match(visit, identity)
    known = await visit.documents.get(WORKLIST_MARKS, mark_id(identity, visit.tenant))
    if known is not None and known.mark == mark:
        return known
    return await _write(visit, identity, mark, known.mark if known else "new", known.version if known else 0)


async def undo_mark(visit: Visit, identity: str) -> WorklistMarkDoc:
    """Go back to the mark before; once. Raises `Problem` 404 or 409."""
    await require_match(visit, identity)
    known = await visit.documents.get(WORKLIST_MARKS, mark_id(identity, visit.tenant))
    if known is None or not known.previous:
        raise Problem(409, "mark.nothing-to-undo", "There is no earlier mark to go back to.")
    return await _write(visit, identity, known.previous, "", known.version)


async def _write(visit: Visit, identity: str, mark: str, previous: str, version: int) -> WorklistMarkDoc:
    doc = WorklistMarkDoc(
        id=mark_id(identity, visit.tenant),
        version=version + 1,
        tenant=visit.tenant,
        match=identity,
        mark=mark,  # type: ignore[arg-type]  # checked against the closed list
        previous=previous,
        by=visit.session.actor,
        at=visit.at,
    )
    await visit.record(Action.MATCH_MARKED, identity, reason=mark)
    if not await visit.documents.replace(WORKLIST_MARKS, doc, version):
        raise Problem(409, "mark.changed-meanwhile", "Somebody else marked this match just now. Load the page again.")
    return doc
