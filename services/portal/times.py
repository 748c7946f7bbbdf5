"""Times as the store keeps them (RFC 3339, UTC) and as people read them (with zone)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def stamp(moment: datetime) -> str:
    """Return the moment in RFC 3339, in UTC, to the millisecond; such texts sort as their times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(text: str) -> datetime | None:
    """Return the moment that an RFC 3339 text names, or None where it names none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def shown(text: str, zone: ZoneInfo) -> str:
    """Return a stored time as people read it: ``3 May 2025, 14:05 CEST``; a date alone stays a date."""
    moment = read(text)
    if moment is None:
        return text or "never"
    if len(text) == len("2025-05-03"):
        return f"{moment.day} {moment:%b %Y}"
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M} {local.tzname()}"


def ago(text: str, now: datetime) -> str:
    """Return how long ago a stored time was, in one rounded unit."""
    moment = read(text)
    if moment is None:
        return "never"
    seconds = max(0, int((now - moment).total_seconds()))
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {name}{'s' if number > 1 else ''} ago"
    return "just now" if seconds < 10 else f"{seconds} seconds ago"  # noqa: PLR2004 -- below ten seconds is now
