"""What the trial feed does with what: it reads no topic, and carries out three kinds of command."""

from services.trialfeed.handlers import Handlers
from services.trialfeed.refusals import told
from trialbridge.runtime.commands import Carrier
from trialbridge.runtime.effects import HandlerTable


def handlers() -> HandlerTable:
    """Return the stage's handler table: empty, the stage only produces."""
    return {}


def kinds(stage: Handlers) -> dict[str, Carrier]:
    """Return the carrier of each kind of command."""
    return {
        "register_trial": told(stage.register_trial),
        "set_trial_status": stage.set_trial_status,
        "set_regulatory": told(stage.set_regulatory),
    }
