"""Puts the trial feed together."""

from services.trialfeed.agents import handlers, kinds
from services.trialfeed.days import Calendar
from services.trialfeed.files import FileFeed
from services.trialfeed.handlers import Handlers
from services.trialfeed.publishing import publish_everything
from services.trialfeed.settings import TrialfeedSettings
from trialbridge.runtime.commands import CommandDesk
from trialbridge.runtime.effects import Emitter, Loop
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.stage.stage import Ports, Stage


def build(settings: TrialfeedSettings, ports: ServicePorts) -> Stage:
    """Return the stage; nothing is opened yet."""
    return Stage(
        "trialfeed",
        settings,
        Ports(ports.documents, ports.seal, ports.now),
        handlers(),
        background=loops(settings, ports),
    )


def loops(settings: TrialfeedSettings, ports: ServicePorts) -> tuple[Loop, ...]:
    """Return the background loops: one begins with what is stored and in files and then tells the days, one takes commands."""
    feed = FileFeed(ports.documents, ports.now, settings.trial_folders, settings.regulatory_file)
    calendar = Calendar(ports.now, settings.zone, settings.as_of)

    async def begin(emitter: Emitter) -> None:
        await publish_everything(ports.documents, emitter)
        await feed.take_in()
        await calendar.run(emitter)

    stage = Handlers(ports.documents, ports.now)
    return begin, CommandDesk(ports.documents, "trialfeed", settings.poll_interval, kinds(stage), ports.now)
