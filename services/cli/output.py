"""What commands write and how they end: JSON lines or readable text on standard output, problems on standard error."""

import errno
import re
import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

EXIT_OK: Final = 0
EXIT_INPUT: Final = 1
"""Some input was refused or is not there; the good ones went through."""
EXIT_USAGE: Final = 2
"""The command line is not understood; nothing was done."""
EXIT_AWAY: Final = 69
"""EX_UNAVAILABLE of sysexits.h: a service, broker or store did not answer."""
EXIT_FAULT: Final = 70
"""EX_SOFTWARE of sysexits.h: a fault of the product's own."""
EXIT_CONFIG: Final = 78
"""EX_CONFIG of sysexits.h: a setting is wrong."""
EXIT_STOPPED: Final = 130
"""Ctrl-C before the work was done."""


class Screen(Console):
    """A console whose reader may go away: that is an error like any other, so that running services end in order."""

    def on_broken_pipe(self) -> None:
        """Raise `BrokenPipeError`, where rich would end the process at once; what follows is not written."""
        self.quiet = True
        raise BrokenPipeError(errno.EPIPE, "the reader went away")


OUT: Final = Screen(highlight=False, emoji=False)
ERR: Final = Screen(stderr=True, highlight=False, emoji=False)
UNSHOWN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""All but tabs and line breaks."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

Cell = str | Text


def shown(text: str) -> str:
    """Return text as it can be shown: what is no UTF-8 or controls a terminal is escaped, as file names may hold both."""
    return UNSHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def emit(value: Any, before: bytes = b"", after: bytes = b"\n") -> None:
    """Write one JSON value on standard output, as one line unless something else is to stand around it."""
    try:
        line = _ENCODER.encode(value)
    except UnicodeEncodeError:
        line = _ENCODER.encode(_readable(value))
    write(before + line + after)


def write(text: bytes) -> None:
    """Write bytes on standard output at once."""
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def _readable(value: Any) -> Any:
    """Return a JSON value with all that is no UTF-8 escaped."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {_readable(name): _readable(one) for name, one in value.items()}
    return [_readable(one) for one in value] if isinstance(value, list | tuple) else value


def say(line: str) -> None:
    """Write one line as it is on standard output, however long."""
    OUT.print(shown(line), markup=False, soft_wrap=True)


def complain(where: str, code: str, message: str) -> None:
    """Write one located problem on standard error, as compilers do: ``where: code: message``."""
    ERR.print(shown(f"{where}: {code}: {message}"), markup=False, soft_wrap=True)


def remark(line: str) -> None:
    """Write one line on standard error that is no problem."""
    ERR.print(shown(line), markup=False, soft_wrap=True)


def show_rows(console: Console, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Show rows under their heads: as a table on a terminal, elsewhere as aligned plain lines that nothing shortens."""
    if console.is_terminal:
        table = Table(*heads)
        for row in rows:
            # A plain string would be read as markup, brackets and all.
            table.add_row(*(Text(shown(cell)) if isinstance(cell, str) else cell for cell in row))
        console.print(table)
        return
    texts = [list(heads), *([shown(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(heads))]
    for row in texts:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print(line.rstrip(), markup=False, soft_wrap=True)


def headline(console: Console, title: str) -> None:
    """Show a headline: a ruled line on a terminal, elsewhere the title alone."""
    if console.is_terminal:
        console.rule(title)
    else:
        console.print(title, markup=False)
