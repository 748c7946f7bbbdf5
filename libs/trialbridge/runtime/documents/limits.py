"""What a document may hold, in whichever store: what one of them could not keep is refused by all, before it is written."""

import re
from typing import Any, Final

import msgspec

from trialbridge.contracts.errors import Refused

LARGEST: Final = 12 * 1024 * 1024
"""Bytes of a document: MongoDB takes 16 MiB of BSON, in which small numbers need more room than in JSON."""
MOST: Final = 2**63
"""Whole numbers have 64 bits with their sign."""
DEEPEST: Final = 90
"""Levels; MongoDB takes a hundred."""
_LONG_NUMBER: Final = re.compile(rb"[:,\[\-\s]\d{19}")
"""Digests and ids are full of digits: only what begins as a number does in JSON is worth a look."""
_NULL: Final = rb"\u0000"


def check(clear: bytes, sealed: int) -> None:
    """Return where a store can hold a document.

    Args:
        clear: Its clear fields as JSON.
        sealed: Bytes of its sealed fields.

    Raises:
        Refused: ``document.refused``.
    """
    if len(clear) + sealed > LARGEST:
        raise refused(f"it has more than {LARGEST} bytes")
    # Looked at closely only where there is a reason to: documents are written often, and almost never so.
    deep = clear.count(b"[") + clear.count(b"{") > DEEPEST
    if deep or _NULL in clear or _LONG_NUMBER.search(clear):
        try:
            _look(msgspec.json.decode(clear), 1)
        except (msgspec.DecodeError, RecursionError):
            raise refused("it is no JSON, or too deep") from None


def _look(value: Any, depth: int) -> None:
    if isinstance(value, int):
        if not -MOST <= value < MOST:
            raise refused("a number in it has more than 64 bits")
    elif isinstance(value, dict):
        if any("\x00" in name for name in value):
            raise refused("a name in it holds a null character")
        _look(list(value.values()), depth)
    elif isinstance(value, list):
        if depth > DEEPEST:
            raise refused(f"it has more than {DEEPEST} levels")
        for one in value:
            _look(one, depth + 1)


def refused(why: str) -> Refused:
    """Return the error of a document that no try will ever write; ``why`` quotes nothing of it."""
    return Refused("document.refused", f"The document store cannot hold a document of this: {why}.")
