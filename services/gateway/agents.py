"""Which handler reads which topic: none, for what comes in comes by the doors."""

from trialbridge.runtime.effects import HandlerTable


def handlers() -> HandlerTable:
    """Return the stage's handler table."""
    return {}
