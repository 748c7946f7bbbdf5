"""What reviewers decide of local codes: asked of patientview, which keeps the feeds' tables."""

from typing import Final, cast

from services.portal.commands import ask
from services.portal.pages import absent
from services.portal.views.codes import CodePage, Reviewer, read_code
from services.portal.visit import Visit
from trialbridge.access.scopes import Role
from trialbridge.contracts.documents import CommandDoc
from trialbridge.contracts.errors import Refused
from trialbridge.emr.localcodes.codes import Kind, Target, checked
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import Problem

DECISIONS: Final = ("accept", "reject", "undo")


def reviewer_of(visit: Visit) -> Reviewer:
    """Return whose eyes look: a practice's at its own, an operator's at all feeds."""
    return Reviewer(visit.tenant if visit.session.role == Role.PRACTICE else "")


async def require_code(visit: Visit, identity: str) -> CodePage:
    """Return a code that this person may look at; raise `Problem` 404."""
    found: CodePage = absent(await read_code(visit.documents, reviewer_of(visit), identity))
    return found


async def ask_decision(
    visit: Visit, identity: str, decision: str, target: Target | None = None, note: str = "", once: str = ""
) -> CommandDoc:
    """Ask for a decision on a local code to be in force.

    Raises `Problem` 404 (no such code, or another practice's), 409 (its words are hidden, or there is nothing to undo) or 422.
    """
    if decision not in DECISIONS:
        raise Problem(422, "codes.unknown-decision", f"A decision is one of {', '.join(DECISIONS)}.")
    found = await require_code(visit, identity)
    if found.row.withheld:
        raise Problem(409, "codes.withheld", "Too few patients' records hold this code: its practice decides on it.")
    if decision == "undo" and not found.can_undo:
        raise Problem(409, "codes.nothing-to-undo", "Nothing was decided of this code that could be taken back.")
    body: dict[str, object] = {"action": decision, "code": identity, "note": note}
    if decision == "accept":
        body["target"] = _checked(found.row.kind, target)
    await visit.record(Action.CODE_REVIEWED, identity, reason=decision)
    asked = {
        "network": found.network,
        "tenant": found.row.tenant,
        "source": found.row.source,
        "reviewer": "practice" if visit.session.role == Role.PRACTICE else "operator",
        "decisions": [body],
    }
    return await ask(visit, "patientview", "review_codes", asked, once=once, network=found.network)


def _checked(kind: str, target: Target | None) -> Target:
    if target is None:
        raise Problem(422, "codes.bad-target", "Say what the code is mapped to.")
    try:
        return checked(cast("Kind", kind), target)
    except Refused as error:
        raise Problem(422, error.code, error.message) from None
