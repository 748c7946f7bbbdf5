"""What commands write and how they end: JSON lines or rich text on standard output, problems on standard error."""

import sys
from typing import Any, Final

import msgspec
from rich.console import Console

EXIT_OK: Final = 0
EXIT_INPUT: Final = 1
"""Some input was refused; the good ones went through."""
EXIT_USAGE: Final = 2
EXIT_AWAY: Final = 69
"""EX_UNAVAILABLE of sysexits.h: a broker or store did not answer."""
EXIT_CONFIG: Final = 78
"""EX_CONFIG of sysexits.h: a setting is wrong."""

OUT: Final = Console(highlight=False)
ERR: Final = Console(stderr=True, highlight=False)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def emit(value: Any) -> None:
    """Write one JSON value as one line on standard output."""
    sys.stdout.buffer.write(_ENCODER.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def complain(where: str, code: str, message: str) -> None:
    """Write one located problem on standard error, as compilers do: ``where: code: message``."""
    ERR.print(f"{where}: {code}: {message}", markup=False, soft_wrap=True)
