"""Which handler reads which topic."""

from services.coatcheck.handlers import Handlers
from trialbridge.contracts.topics import EMR_TICKETS
from trialbridge.runtime.effects import HandlerTable


def handlers(stage: Handlers) -> HandlerTable:
    """Return the stage's handler table."""
    return {EMR_TICKETS: stage.redeem_ticket}
