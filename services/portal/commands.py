"""What people ask for, as command documents that the owning service carries out."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from services.portal.marks import require_match
from services.portal.pages import absent
from services.portal.views.trials import own_trial
from services.portal.visit import Visit
from trialbridge.contracts.documents import COMMANDS, CommandDoc
from trialbridge.contracts.ids import derive
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import Problem

Owner = Literal["trialfeed", "matchbook", "notifier", "coatcheck", "patientview"]
DECISIONS = ("approve", "decline", "reopen")
STATUSES = ("open", "suspended", "closed")


async def ask(
    visit: Visit, to: Owner, kind: str, body: Mapping[str, Any], *, once: str = "", network: str = ""
) -> CommandDoc:
    """Write a request and return it; ``once`` (an Idempotency-Key) makes a repeat of the same request the same one.

    Raises `Problem` 409 ``idempotency.key-reused`` where the key came with another request before.
    """
    command = CommandDoc(
        id=derive("cmd", (visit.tenant, visit.session.actor, kind, once or visit.request)),
        version=1,
        network=network,
        to=to,
        kind=kind,
        tenant=visit.tenant,
        actor=visit.session.actor,
        body=msgspec.Raw(msgspec.json.encode(dict(body))),
        requested=visit.at,
    )
    if await visit.documents.replace(COMMANDS, command, 0):
        return command
    known = await visit.documents.get(COMMANDS, command.id)
    if known is None or bytes(known.body) != bytes(command.body) or known.to != to:
        raise Problem(409, "idempotency.key-reused", "This Idempotency-Key came with another request before.")
    return known


async def ask_review(
    visit: Visit, identity: str, decision: str, digest: str, note: str = "", once: str = ""
) -> CommandDoc:
    """Ask for a person's decision on a match to be recorded, on the very explanation that the person saw.

    Raises `Problem` 404 (not the practice's match), 409 (it changed meanwhile, or no review is asked for) or 422.
    """
    if decision not in DECISIONS:
        raise Problem(422, "review.unknown", f"A review is one of {', '.join(DECISIONS)}.")
    found = await require_match(visit, identity)
    if not any(gate.name == "review" for gate in found.gates):
        raise Problem(409, "review.not-asked", "The trial does not ask for a review of its matches.")
    if found.explanation_digest != digest:
        raise Problem(409, "review.outdated", "The match changed since you opened it. Look at it again.")
    await visit.record(Action.MATCH_REVIEWED, identity, reason=decision)
    body = {"match": identity, "decision": decision, "explanation_digest": digest, "note": note}
    return await ask(visit, "matchbook", "review_match", body, once=once, network=found.network)


async def ask_register(visit: Visit, trial: str, text: str, once: str = "") -> CommandDoc:
    """Ask for a trial that the compiler accepted to be registered in the laboratory's name."""
    await visit.record(Action.TRIAL_REGISTERED, trial)
    body = {"name": f"{trial}.yaml", "text": text, "lab": visit.tenant}
    return await ask(visit, "trialfeed", "register_trial", body, once=once)


async def ask_status(visit: Visit, trial: str, status: str, once: str = "") -> CommandDoc:
    """Ask for a trial to be opened, suspended or closed; raise `Problem` 404 or 422."""
    absent(await own_trial(visit.documents, visit.tenant, trial))
    if status not in STATUSES:
        raise Problem(422, "trial.bad-status", f"A trial is one of {', '.join(STATUSES)}.")
    await visit.record(Action.COMMAND_SENT, trial, reason=status)
    return await ask(visit, "trialfeed", "set_trial_status", {"trial": trial, "status": status}, once=once)
