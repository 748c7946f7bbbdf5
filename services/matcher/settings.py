"""Settings of the matcher."""

from trialbridge.runtime.settings import BaseServiceSettings


class MatcherSettings(BaseServiceSettings):
    """What the matcher needs to know: nothing beyond what every service does. The day of evaluation comes by topic."""
