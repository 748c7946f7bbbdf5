"""Which handler reads which topic."""

from services.notifier.handlers import Handlers
from trialbridge.contracts.topics import APPROVED_PATIENTS
from trialbridge.runtime.effects import HandlerTable


def handlers(stage: Handlers) -> HandlerTable:
    """Return the stage's handler table."""
    return {APPROVED_PATIENTS: stage.notify_practices}
