"""What the trial feed keeps of the files that it takes in, and the operator page reads of it."""

from typing import Final

import msgspec

from trialbridge.contracts.errors import NOT_AS_DESCRIBED

TAKEN_IN: Final = "trialfeed/files"
"""Id of the document in ``settings``; its value is `encode_taken`'s."""
FILE_TENANT: Final = "operator"
FILE_ACTOR: Final = "trialfeed"
"""Tenant and actor of the commands that come from files."""


def encode_taken(commands: dict[str, str]) -> str:
    """Return the document's value: each file's name and the id of the last command that came from it."""
    return msgspec.json.encode(dict(sorted(commands.items()))).decode()


def decode_taken(value: str) -> dict[str, str]:
    """Return file names and command ids; nothing where the value is of another version."""
    try:
        return msgspec.json.decode(value, type=dict[str, str])
    except NOT_AS_DESCRIBED:
        return {}
