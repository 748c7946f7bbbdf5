"""Settings of the matchbook."""

from pydantic import Field

from trialbridge.runtime.settings import BaseServiceSettings


class MatchbookSettings(BaseServiceSettings):
    """What the matchbook needs to know."""

    poll_interval: float = Field(
        default=1.0, gt=0, le=60, description="Seconds between two looks for what people have asked for."
    )
