"""The error tree: each error has a stable code, a retry class and a message that is safe to show (never PHI).

TrialbridgeError
├── Retryable         try again with back-off; nothing is acknowledged meanwhile
│   └── Unavailable   a broker, store or key service is away
├── Poison            set this record aside in dead_letters, go on with the next
│   ├── Refused       a ticket or trial that is turned away at the door, with a located reason
│   └── Undecodable   bytes that do not follow the contract of their topic
└── Fatal             stop the process: going on would lose or corrupt
    ├── Misconfigured a setting is wrong; the message says which and how to mend it
    └── TooMuchPoison the share of poison says that the fault is ours
"""

import re
from enum import StrEnum
from typing import ClassVar, Final

import msgspec

NOT_AS_DESCRIBED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises on hostile bytes: beside its own errors, those for text that is no UTF-8 and for deep nesting."""
_PATH: Final = re.compile(r" - at (?:`key` in )?`(\$(?:\.[A-Za-z_][A-Za-z0-9_]{0,60}|\[(?:\d+|\.\.\.)\])*)`\Z")


def json_path(error: Exception) -> str:
    """Return the JSON path that msgspec names at the end of an error's text, ``$`` without one; the rest might quote a value."""
    found = _PATH.search(str(error))
    return found[1] if found else "$"


class RetryClass(StrEnum):
    """What the stream boundary does with an error."""

    RETRY = "retry"
    DEAD_LETTER = "dead-letter"
    STOP = "stop"


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where in the input something is wrong. Positions count from 1; nothing here may quote the content."""

    bundle: str | None = None
    """The object's URI, or a file's name."""
    entry: str | None = None
    """The archive member's or bundle entry's number or name."""
    message: int | None = None
    segment: str | None = None
    """An HL7 segment with its number, for example ``OBX[7]``."""
    field: str | None = None
    """A field number, JSON path or XML path."""

    def __str__(self) -> str:
        """Return the place as words, for example ``entry 3, message 2, OBX[7], field 5``."""
        words = [
            self.bundle,
            f"entry {self.entry}" if self.entry else None,
            f"message {self.message}" if self.message else None,
            self.segment,
            f"field {self.field}" if self.field else None,
        ]
        return ", ".join(word for word in words if word) or "the input as a whole"


class TrialbridgeError(Exception):
    """Root of all expected errors.

    ``code`` is stable and lower-case with dots (``envelope.tag-mismatch``); ``message`` is one plain sentence with the
    next step, free of PHI; ``place`` says where.
    """

    retry_class: ClassVar[RetryClass] = RetryClass.STOP

    def __init__(self, code: str, message: str, place: Place | None = None) -> None:
        """Keep the code, the safe message and the place."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.place = place or Place()


class Retryable(TrialbridgeError):
    """A passing fault: the same input may succeed later."""

    retry_class = RetryClass.RETRY


class Unavailable(Retryable):
    """A broker, store or key service cannot be reached."""


class Poison(TrialbridgeError):
    """The input itself is wrong: it will fail each time."""

    retry_class = RetryClass.DEAD_LETTER


class Refused(Poison):
    """A ticket, bundle or trial was turned away at the door."""


class Undecodable(Poison):
    """Bytes that do not follow the contract of their topic."""


class Fatal(TrialbridgeError):
    """Going on would lose or corrupt something."""


class Misconfigured(Fatal):
    """A setting is wrong."""


class TooMuchPoison(Fatal):
    """So many records are refused that the fault is probably ours: stop and page."""
