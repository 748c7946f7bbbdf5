"""The opaque cursor of a page: the sort value and the id of the last document."""

import base64
import binascii
from typing import Any

import msgspec

from trialbridge.contracts.errors import Refused
from trialbridge.runtime.documents.limits import MOST


def write(value: Any, identity: str) -> str:
    """Return the cursor after a document."""
    return base64.urlsafe_b64encode(msgspec.json.encode([value, identity])).decode().rstrip("=")


def read(cursor: str) -> tuple[Any, str]:
    """Return sort value and id; raise `Refused` ``query.bad-cursor``."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        value, identity = msgspec.json.decode(raw, type=tuple[str | int | float | bool | None, str])
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise Refused("query.bad-cursor", "The page's cursor is not one of ours; begin with the first page.") from None
    if isinstance(value, int) and not -MOST <= value < MOST:
        raise Refused("query.bad-cursor", "The page's cursor is not one of ours; begin with the first page.")
    return value, identity
