"""W3C trace context: the ids that follow an event through all stages (https://www.w3.org/TR/trace-context/)."""

import hashlib
import re

HEADER = "traceparent"
_PARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")


def trace_of(cause: str) -> str:
    """Return the trace id (32 hex digits) that begins at ``cause``: the same cause always begins the same trace."""
    return hashlib.sha256(cause.encode()).hexdigest()[:32]


def traceparent(trace: str, span: str) -> str:
    """Return the header's value for a trace id and the id of what sends (any string)."""
    return f"00-{trace}-{hashlib.sha256(span.encode()).hexdigest()[:16]}-01"


def parse(value: str) -> str | None:
    """Return the trace id out of a header's value, or None where it does not follow the standard."""
    found = _PARENT.match(value)
    return found.group(1) if found and found.group(1) != "0" * 32 else None
