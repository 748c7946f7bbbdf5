"""Resource ids derived from the source's own identifiers (UUIDv5, RFC 9562): the same record always has the same id."""

from uuid import UUID, uuid5

from trialbridge.contracts.ids import SourceId

SPACE = UUID("5c1e5a0f-6f0b-5d38-9a4e-3c3f7f0a6e21")


def resource_id(source: SourceId, *parts: str) -> str:
    """Return the id of what ``parts`` name at a source."""
    return str(uuid5(SPACE, "\x1f".join((source, *parts))))
