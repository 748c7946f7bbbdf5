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
    """Yield a large entry in parts of about a batch; raise `UncutError` where its type cannot be cut."""
    between = CUT.get(media_type.split(";", maxsplit=1)[0].strip().lower())
    waiting = bytearray()
    for piece in large.pieces:
        waiting += piece
        if between is None and len(waiting) > WHOLE:
            raise UncutError
        if between is not None and len(waiting) >= BATCH:
            end = _last(between, waiting)
            if end:
                yield Entry(large.entry, media_type, bytes(waiting[:end]))
                del waiting[:end]
            elif len(waiting) > WHOLE:
                raise UncutError
    if waiting:
        yield Entry(large.entry, media_type, bytes(waiting))


def _last(between: re.Pattern[bytes], body: bytearray) -> int:
    """Return where to cut: behind the last match, looked for from the end; 0 without any."""
    step = 1024 * 1024
    for start in range(max(0, len(body) - step), -step, -step):
        found = [match.end() for match in between.finditer(body, max(0, start))]
        if found:
            return found[-1]
    return 0


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
