"""What operators ask for: replays, an end of what nobody needs, webhooks again, and what authorities say."""

import re
from typing import Final

from services.portal.commands import ask
from services.portal.pages import absent
from services.portal.visit import Visit
from trialbridge.contracts.documents import DEAD_LETTERS, DELIVERIES, REGULATORY, TICKETS, TRIALS, CommandDoc
from trialbridge.contracts.statements import Said, statement_of, told_of
from trialbridge.ledger.actions import Action
from trialbridge.runtime.web import Problem

ENDPOINT: Final = re.compile(r"[a-z][a-z0-9_.:/-]{0,63}")


async def ask_replay(visit: Visit, letter: str, once: str = "") -> CommandDoc:
    """Ask for a dead letter to be sent through again; raise `Problem` 404."""
    absent(await visit.documents.get(DEAD_LETTERS, letter))
    await visit.record(Action.DEAD_LETTER_REPLAYED, letter)
    return await ask(visit, "coatcheck", "replay", {"dead_letter": letter}, once=once)


async def ask_discard(visit: Visit, letter: str, reason: str, once: str = "") -> CommandDoc:
    """Ask for a dead letter to be closed for good; raise `Problem` 404 or 422 (no reason)."""
    absent(await visit.documents.get(DEAD_LETTERS, letter))
    if not reason.strip():
        raise Problem(422, "discard.no-reason", "Say why nobody needs it.")
    await visit.record(Action.DEAD_LETTER_DISCARDED, letter, reason=reason)
    return await ask(visit, "coatcheck", "discard", {"dead_letter": letter, "reason": reason}, once=once)


async def ask_reissue(visit: Visit, ticket: str, once: str = "") -> CommandDoc:
    """Ask for a ticket to be issued again; raise `Problem` 404."""
    absent(await visit.documents.get(TICKETS, ticket))
    await visit.record(Action.DEAD_LETTER_REPLAYED, ticket)
    return await ask(visit, "coatcheck", "replay", {"ticket": ticket}, once=once)


async def ask_regulatory(visit: Visit, trial: str, said: Said, once: str = "") -> CommandDoc:
    """Ask for an authority's word on a trial to be in force; raise `Problem` 404, or `Refused` ``regulatory.*``."""
    doc = absent(await visit.documents.get(TRIALS, trial))
    statement = statement_of(doc, await visit.documents.get(REGULATORY, trial), said)
    await visit.record(Action.REGULATORY_SET, trial, reason=told_of(statement))
    return await ask(visit, "trialfeed", "set_regulatory", statement, once=once)


async def ask_redeliver(visit: Visit, delivery: str, once: str = "") -> CommandDoc:
    """Ask for a webhook to be sent again, under the id that it had; raise `Problem` 404."""
    absent(await visit.documents.get(DELIVERIES, delivery))
    await visit.record(Action.REDELIVERED, delivery)
    return await ask(visit, "notifier", "redeliver", {"delivery": delivery}, once=once)


async def ask_enable(visit: Visit, endpoint: str, once: str = "") -> CommandDoc:
    """Ask for an endpoint to be called again that had asked not to be; raise `Problem` 404 for what is no endpoint's name."""
    absent(ENDPOINT.fullmatch(endpoint))
    await visit.record(Action.REDELIVERED, endpoint)
    return await ask(visit, "notifier", "redeliver", {"endpoint": endpoint}, once=once)
