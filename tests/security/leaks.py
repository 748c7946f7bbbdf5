"""Everything that a house shows or leaves behind, as named pieces of bytes, and the search for planted identifiers in them."""

import base64
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote_to_bytes

import msgspec
import zstandard

from trialbridge.contracts import topics
from trialbridge.runtime.stage import wire
from trialbridge.runtime.stage.tables import SPLIT
from trialbridge.testkit.badinputs.planted import BIRTH, BIRTH_V2
from trialbridge.testkit.canaries import find_canaries

Pieces = Iterable[tuple[str, bytes]]
"""Where it was, and what was there."""


def leaks(pieces: Pieces, births: tuple[str, ...] = (BIRTH, BIRTH_V2)) -> list[str]:
    """Return where a planted identifier or birth date stands: in clear, hex, base64 or percent encoding."""
    found = []
    for where, raw in pieces:
        shown = find_canaries(raw) or find_canaries(unquote_to_bytes(raw))
        shown += [one for one in births if one.encode() in raw or base64.b64encode(one.encode())[:-4] in raw]
        found += [f"{where}: {one}" for one in shown]
    return found


def files(state: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the stores as it lies on the disk, and the names of all of them."""
    for path in sorted(state.rglob("*")):
        yield "name of a file", str(path.relative_to(state)).encode()
        if path.is_file():
            yield f"bytes of {path.name}", path.read_bytes()


def log_rows(state: Path) -> Iterator[tuple[str, bytes, bytes, dict[str, bytes]]]:
    """Yield topic, key, value and headers of every message in the embedded log."""
    db = sqlite3.connect(f"{(state / 'log.db').as_uri()}?mode=ro", uri=True)
    try:
        for topic, key, value, headers in db.execute("SELECT topic, key, value, headers FROM record"):
            pairs = msgspec.msgpack.decode(headers, type=list[tuple[str, bytes]]) if headers else []
            yield topic, key or b"", value or b"", dict(pairs)
    finally:
        db.close()


def keys_and_headers(state: Path) -> Iterator[tuple[str, bytes]]:
    """Yield keys and headers of all messages of the log, the trace context among them."""
    for topic, key, _, headers in log_rows(state):
        yield f"key in {topic}", key
        for name, value in headers.items():
            yield f"header {name} in {topic}", name.encode() + b"\n" + value


def open_values(state: Path, without: tuple[str, ...] = ()) -> Iterator[tuple[str, bytes]]:
    """Yield, unpacked, every value of the log that is not sealed."""
    for topic, _, value, _ in log_rows(state):
        if value[:1] == wire.CLEAR and topic not in without:
            content = value[1:]
            framed = content.startswith(zstandard.FRAME_HEADER)
            yield f"value in {topic}", wire.decompress(content) if framed else content
        elif value and value[:1] not in (wire.SEALED, SPLIT) and topic not in without:
            yield f"odd value in {topic}", value


def unsealed_in_sealed_topics(state: Path) -> list[str]:
    """Return the topics that the registry calls sealed and that hold a value in clear."""
    sealed = {topic.name for topic in topics.ALL if topic.sealed}
    return sorted({topic for topic, _, value, _ in log_rows(state) if topic in sealed and value[:1] != wire.SEALED})


def sealed_messages(state: Path) -> Mapping[str, int]:
    """Return how many sealed messages each topic and changelog holds."""
    counts: dict[str, int] = {}
    for topic, _, value, _ in log_rows(state):
        counts[topic] = counts.get(topic, 0) + (value[:1] == wire.SEALED)
    return counts


def clear_fields(state: Path, without: tuple[str, ...] = ()) -> Iterator[tuple[str, bytes]]:
    """Yield the clear part of every document, by collection."""
    db = sqlite3.connect(f"{(state / 'documents.db').as_uri()}?mode=ro", uri=True)
    try:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if name not in without:
                for identity, clear in db.execute(f"SELECT id, clear FROM {name}"):  # noqa: S608 - names out of the file itself
                    yield f"document in {name}", f"{identity}\n{clear}".encode()
    finally:
        db.close()
