"""Cuts what a bundle holds into entries and batches of a size that one conversion may have in memory."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from services.coatcheck.containers.limits import MIB
from services.coatcheck.containers.unpack import Large
from trialbridge.emr.records import Entry
from trialbridge.emr.sniff import HL7V2, NDJSON

BATCH: Final = 4 * MIB
"""Bytes converted together: as resources they take some eight times as much memory."""
WHOLE: Final = 96 * MIB
"""Bytes of an entry that cannot be cut."""
AHEAD: Final = 16
"""More bytes than a cut and what must follow it take."""
STEP: Final = 1024 * 1024
CUT: Final = {
    NDJSON: re.compile(rb"\n"),
    "application/x-ndjson": re.compile(rb"\n"),
    # A message begins with MSH at the beginning of a segment, behind the byte that MLLP puts there if need be.
    HL7V2: re.compile(rb"[\r\n]\x0b?(?=MSH[^A-Za-z0-9])"),
}
"""Where entries of a type may be cut: after what matches."""


class UncutError(Exception):
    """An entry is too large to be converted as a whole and cannot be cut."""


def cut(large: Large, media_type: str) -> Iterator[Entry]:
    """Yield a large entry in parts of a batch at most; raise `UncutError` where its type cannot be cut.

    Where it is cut depends on its content alone, never on the pieces that it comes in: how a bundle was packed and encrypted changes
    nothing of what comes out of it. A part is larger than a batch only where one line or message is.
    """
    between = CUT.get(media_type.split(";", maxsplit=1)[0].strip().lower())
    waiting = bytearray()
    looked = 0
    for piece in large.pieces:
        waiting += piece
        if between is None:
            if len(waiting) > WHOLE:
                raise UncutError
            continue
        while len(waiting) >= BATCH + AHEAD:
            end = 0 if looked else _last(between, waiting)
            end = end or _first(between, waiting, max(BATCH, looked))
            if not end:
                looked = len(waiting) - AHEAD
                if looked >= WHOLE:
                    raise UncutError
                break
            yield Entry(large.entry, media_type, bytes(waiting[:end]))
            del waiting[:end]
            looked = 0
    if waiting:
        yield Entry(large.entry, media_type, bytes(waiting))


def _last(between: re.Pattern[bytes], body: bytearray) -> int:
    """Return where to cut within a batch: behind the last match, looked for from the end; 0 without any."""
    for stop in range(BATCH, 0, -STEP):
        matches = between.finditer(body, max(0, stop - STEP - AHEAD), stop + AHEAD)
        found = [end for match in matches if (end := match.end()) <= BATCH]
        if found:
            return found[-1]
    return 0


def _first(between: re.Pattern[bytes], body: bytearray, looked: int) -> int:
    """Return where to cut behind what was looked at: behind the first match; 0 without any that leaves the part small enough."""
    found = between.search(body, looked - AHEAD, WHOLE + AHEAD)
    return found.end() if found is not None and found.end() <= WHOLE else 0


def batched(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield entries by batches; a bundle without entries is one empty batch."""
    batch: list[Entry] = []
    size, any_yet = 0, False
    for entry in entries:
        if batch and size + len(entry.body) > BATCH:
            yield batch
            batch, size, any_yet = [], 0, True
        batch.append(entry)
        size += len(entry.body)
    if batch or not any_yet:
        yield batch
