"""The portal's settings; each is also an environment variable with the prefix TRIALBRIDGE_."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from trialbridge.access.scopes import Role
from trialbridge.runtime.settings import BaseServiceSettings


class DemoSignIn(BaseModel):
    """One button on the sign-in page of a demo: whoever presses it is signed in, without a password."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: str
    tenant: str
    role: Role
    label: str = ""


class PortalSettings(BaseServiceSettings):
    """What the portal needs to know."""

    portal_host: str = Field(default="127.0.0.1", description="Address that the portal listens on.")
    portal_port: int = Field(default=8080, ge=0, le=65535, description="Port that the portal listens on; 0 picks one.")
    users_file: Path | None = Field(
        default=None,
        description="JSON file with users (name, tenant, role, scrypt hash); readable by its owner alone (mode 0600).",
    )
    demo_sign_ins: tuple[DemoSignIn, ...] = Field(
        default=(),
        description="One-click sign-ins without a password, for demos with made-up patients; leave empty otherwise.",
    )
    secure_cookies: bool = Field(
        default=True, description="Send cookies over HTTPS only; false for a demo on this machine."
    )
    idle_minutes: int = Field(default=15, ge=1, le=240, description="Minutes without a click until the session ends.")
    session_hours: int = Field(default=12, ge=1, le=24, description="Hours after sign-in when any session ends.")
    page_size: int = Field(default=25, ge=5, le=100, description="Rows on a page.")
    refresh_seconds: int = Field(default=5, ge=2, le=300, description="How often the operator page looks again.")
    zone: str = Field(default="UTC", description="Time zone of the times shown, for example Europe/Berlin.")

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("must be a name of the IANA time zone database") from None
        return value
