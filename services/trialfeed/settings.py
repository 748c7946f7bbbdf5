"""Settings of the trial feed."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from trialbridge.runtime.settings import BaseServiceSettings


class TrialfeedSettings(BaseServiceSettings):
    """What the trial feed needs to know."""

    poll_interval: float = Field(
        default=1.0, gt=0, le=60, description="Seconds between two looks for what people have asked for."
    )
    trial_folders: tuple[Path, ...] = Field(
        default=(),
        description="Folders of trial files (YAML, JSON or CTML) that are registered at start, where new or changed.",
    )
    regulatory_file: Path | None = Field(
        default=None,
        description="YAML or JSON file with a list of regulatory statements, applied at start where changed.",
    )
    zone: str = Field(default="UTC", description="Time zone whose midnight begins a day, for example Europe/Berlin.")
    as_of: date | None = Field(
        default=None, description="Evaluate on this day for good (YYYY-MM-DD) instead of today; for demos and replays."
    )

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("must be a name of the IANA time zone database") from None
        return value
