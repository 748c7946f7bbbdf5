"""Puts the notifier together."""

from services.notifier.agents import handlers
from services.notifier.desk import WebhookDesk
from services.notifier.dispatching import Dispatcher
from services.notifier.endpoints import Endpoints, read_endpoints
from services.notifier.handlers import Handlers
from services.notifier.settings import NotifierSettings
from trialbridge.runtime.commands import CommandDesk
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.stage.stage import Ports, Stage


def build(settings: NotifierSettings, ports: ServicePorts) -> Stage:
    """Return the stage; nothing is opened yet. Raises `Misconfigured` where endpoints or their secrets cannot be read."""
    endpoints = read_endpoints(settings.webhooks_file) if settings.webhooks_file else Endpoints()
    dispatcher = Dispatcher(
        ports.documents, endpoints, ports.now, settings.poll_interval, settings.webhook_timeout,
        settings.webhook_at_once, settings.webhook_per_endpoint, settings.webhook_allow_loopback,
    )  # fmt: skip
    desk = WebhookDesk(ports.documents, endpoints, ports.now)
    return Stage(
        "notifier",
        settings,
        Ports(ports.documents, ports.seal, ports.now),
        handlers(Handlers(endpoints, ports.now)),
        background=(
            dispatcher,
            CommandDesk(ports.documents, "notifier", settings.poll_interval, desk.kinds(), ports.now),
        ),
    )
