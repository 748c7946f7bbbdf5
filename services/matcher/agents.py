"""Which handler reads which topic."""

from services.matcher.handlers import Handlers
from trialbridge.contracts.topics import CALENDAR_DAYS, PATIENT_VIEWS, TRIAL_CRITERIA
from trialbridge.runtime.effects import HandlerTable


def handlers(stage: Handlers) -> HandlerTable:
    """Return the stage's handler table."""
    return {
        PATIENT_VIEWS: stage.take_view,
        TRIAL_CRITERIA: stage.take_trial,
        CALENDAR_DAYS: stage.take_day,
    }
