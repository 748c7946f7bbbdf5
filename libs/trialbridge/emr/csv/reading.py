"""Reads delimited text (RFC 4180) with caps: charset, delimiter, quoted line ends; each bad row is reported alone, with its number."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from trialbridge.contracts.errors import Place, Poison

DELIMITERS: Final = ",;\t|"
MOST_COLUMNS: Final = 2000
MOST_UNCLOSED: Final = 20
"""Quotes without an end after which the rest of a file is not searched for further rows: each costs a look at all of the rest."""
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_FALLBACK: Final = "cp1252"


@dataclass(frozen=True, slots=True)
class Line:
    """One record: its number as a spreadsheet shows it (the header is 1), and its cells as they are written."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A record that cannot be read."""

    number: int
    code: str
    message: str
    text: str


def decode(body: bytes, charset: str | None, place: Place) -> tuple[str, str]:
    """Return the text and the charset it was read in; a byte order mark wins, then what is declared, then UTF-8, then cp1252.

    Raises `Poison` ``csv.empty`` and ``csv.bad-charset``.
    """
    if not body.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise Poison("csv.empty", "The file holds nothing.", place)
    marked = next(((mark, name) for mark, name in _BOMS if body.startswith(mark)), None)
    if marked is not None:
        charset, body = marked[1], body[len(marked[0]) :]
    for name in (charset,) if charset else ("utf-8", _FALLBACK):
        try:
            return body.decode(name), name
        except (UnicodeDecodeError, LookupError):
            continue
    raise Poison("csv.bad-charset", "The text is not in the charset that it is said to be in.", place)


def delimiter_of(header: str) -> str:
    """Return the delimiter that the first line uses most outside of quotes; the comma where it uses none."""
    bare, inside = [], False
    for letter in header:
        if letter == '"':
            inside = not inside
        elif not inside:
            bare.append(letter)
    return max(DELIMITERS, key=bare.count)


def first_line(text: str) -> str:
    """Return the first line that holds something."""
    return next((line for line in io.StringIO(text, newline=None) if line.strip()), "")


def lines(text: str, delimiter: str) -> Iterator[Line | BadLine]:
    """Yield the records that hold something. A quote without an end spoils its own line; reading goes on behind it."""
    physical = list(io.StringIO(text, newline=""))
    start, number, unclosed = 0, 0, 0
    while start < len(physical):
        reader = csv.reader(physical[start:] if start else physical, delimiter=delimiter, strict=True)
        begun = 0
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                swallowed = reader.line_num > begun + 1
                unclosed += swallowed
                again = swallowed and unclosed < MOST_UNCLOSED
                raw = physical[start + begun : start + (begun + 1 if again else reader.line_num)]
                yield _bad(number, "".join(raw))
                if again:
                    start += begun + 1
                    break
                begun = reader.line_num
                continue
            begun = reader.line_num
            if len(cells) > MOST_COLUMNS:
                yield BadLine(number, "csv.too-many-columns", f"The row has more than {MOST_COLUMNS} cells.", "")
            elif any(cell.strip() for cell in cells):
                yield Line(number, cells)


def _bad(number: int, text: str) -> BadLine:
    message = "The row's quotes do not close, or a cell is larger than 128 KiB; nothing of it was taken."
    return BadLine(number, "csv.bad-quoting", message, text)
