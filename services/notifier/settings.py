"""Settings of the notifier."""

from pathlib import Path

from pydantic import Field

from trialbridge.runtime.settings import BaseServiceSettings


class NotifierSettings(BaseServiceSettings):
    """What the notifier needs to know."""

    poll_interval: float = Field(
        default=1.0, gt=0, le=60, description="Seconds between two looks for webhooks that are due and for commands."
    )
    webhooks_file: Path | None = Field(
        default=None,
        description="YAML or JSON file with a list of webhook endpoints (id, tenant, url, secret_files, kinds).",
    )
    webhook_timeout: float = Field(default=15.0, gt=0, le=60, description="Seconds for one webhook call in all.")
    webhook_at_once: int = Field(default=8, ge=1, le=100, description="Webhooks on their way at the same time.")
    webhook_per_endpoint: int = Field(
        default=2, ge=1, le=100, description="Webhooks on their way to the same endpoint at the same time."
    )
    webhook_allow_loopback: bool = Field(
        default=False,
        description="Also call endpoints on this machine, over http too; for tests and demos. Other private addresses "
        "are never called.",
    )
