"""Puts the matcher together."""

from services.matcher import tables
from services.matcher.agents import handlers
from services.matcher.handlers import Handlers
from services.matcher.settings import MatcherSettings
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.stage.stage import Ports, Stage


def build(settings: MatcherSettings, ports: ServicePorts) -> Stage:
    """Return the stage; nothing is opened yet."""
    stage = Handlers()
    return Stage(
        "matcher",
        settings,
        Ports(ports.documents, ports.seal, ports.now),
        handlers(stage),
        tables.ALL,
        forget=stage.forget,
    )
