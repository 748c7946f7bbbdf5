"""Resource ids derived from the source's own identifiers (UUIDv5, RFC 9562): the same record always has the same id."""

import hashlib
from typing import Final
from uuid import UUID

from trialbridge.contracts.ids import SourceId

SPACE: Final = UUID("5c1e5a0f-6f0b-5d38-9a4e-3c3f7f0a6e21")


_HASHED: Final = hashlib.sha1(SPACE.bytes, usedforsecurity=False)


def resource_id(source: SourceId, *parts: str) -> str:
    """Return the id of what ``parts`` name at a source."""
    # What uuid.uuid5 does, without its object: ids are made for every resource of every record.
    hashed = _HASHED.copy()
    hashed.update("\x1f".join((source, *parts)).encode())
    text = hashed.hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
