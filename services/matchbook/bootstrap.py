"""Puts the matchbook together."""

from services.matchbook import tables
from services.matchbook.agents import handlers
from services.matchbook.handlers import Handlers
from services.matchbook.reviews import ReviewDesk
from services.matchbook.settings import MatchbookSettings
from trialbridge.runtime.commands import CommandDesk
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.stage.stage import Ports, Stage


def build(settings: MatchbookSettings, ports: ServicePorts) -> Stage:
    """Return the stage; nothing is opened yet."""
    stage = Handlers(ports.now)
    return Stage(
        "matchbook",
        settings,
        Ports(ports.documents, ports.seal, ports.now),
        handlers(stage),
        tables.ALL,
        forget=stage.forget,
        background=(
            CommandDesk(
                ports.documents, "matchbook", settings.poll_interval, ReviewDesk(ports.documents).kinds(), ports.now
            ),
        ),
    )
