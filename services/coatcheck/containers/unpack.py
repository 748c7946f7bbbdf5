"""Unfolds a bundle: detects each container by its content, descends, and yields what lies innermost."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from services.coatcheck.containers.archives import BLOCK, Once, is_tar, untar, unzip
from services.coatcheck.containers.flows import Content, Feed, Flow, pieces_of, verified
from services.coatcheck.containers.limits import MIB, Budget, Limits, TooLarge
from services.coatcheck.containers.streams import gunzip, unzstd
from trialbridge.contracts.errors import Place, Refused

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
STREAMS: Final = ((GZIP, gunzip), (ZSTD, unzstd))
WHOLE_LIMIT: Final = 256 * MIB
"""Bytes of a container that can only be read as a whole."""
COMPANIONS: Final = frozenset({"INDEX.HTM", "README.TXT", "METADATA.XML"})
STYLES: Final = frozenset({"XSL", "CSS"})
OCTETS: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A file out of a bundle."""

    entry: str
    """Its number in the archive, outer ones first: ``3/1``. Senders' file names may name patients, so none is kept."""
    suffix: str
    """The file name's ending with its dot, in lower case; empty outside of archives."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A container inside the bundle that cannot be opened; the rest of the bundle goes on."""

    error: Refused
    payload: bytes


@dataclass(frozen=True, slots=True)
class Large:
    """A file out of a bundle that is read a piece at a time, once, before the next one is asked for."""

    entry: str
    suffix: str
    pieces: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that accompanies the records in a package of documents and holds none (its manual, style sheets, directory)."""

    entry: str


Found = Unpacked | Large | Companion | Spoiled


def unpack(body: "bytes | Flow", limits: Limits, bundle_bytes: int = 0) -> Iterator[Found]:
    """Yield the files of a bundle in their order.

    Args:
        body: The bundle's plaintext.
        limits: The caps.
        bundle_bytes: What the ratio is measured by; the size of a ``body`` in memory, where it is not given.

    Raises:
        Refused: ``container.*`` where the bundle itself cannot be opened, or where it goes over a cap as a whole.
    """
    content = body if isinstance(body, Flow) else memoryview(body)
    measure = bundle_bytes or (0 if isinstance(content, Flow) else len(content))
    yield from _unfold(content, "", "", 1, Budget(limits, measure))


def _unfold(body: "Content | Once", entry: str, suffix: str, depth: int, budget: Budget) -> Iterator[Found]:
    """Yield what lies in ``body``, which is the entry at ``depth - 1`` containers down."""
    start = _head(body)
    inflate = next((call for magic, call in STREAMS if start.startswith(magic)), None)
    packed = start[:4] in ZIP
    if inflate is None and not packed and not is_tar(start):
        if isinstance(body, memoryview):
            yield Unpacked(entry or "1", suffix, bytes(body))
        else:
            yield Large(entry or "1", suffix, body.pieces())
        return
    budget.descend(depth)
    content = body if isinstance(body, memoryview | Flow) else _whole(body.pieces())
    if inflate is not None:
        yield from _unfold(verified(partial(_poured, inflate, content), budget), entry, suffix, depth + 1, budget)
        return
    archive = unzip(_whole(pieces_of(content)), budget) if packed else untar(content, budget)
    for number, member in enumerate(archive, 1):
        path = f"{entry}/{number}" if entry else str(number)
        if packed and _accompanies(member.name):
            yield Companion(path)
        else:
            yield from _guarded(member.body, path, _suffix(member.name), depth + 1, budget)


def _poured(
    inflate: Callable[[Iterator[bytes | memoryview], Budget], Iterator[bytes]], content: Content, budget: Budget
) -> Iterator[bytes]:
    return inflate(pieces_of(content), budget)


def _head(body: "Content | Once") -> bytes:
    if isinstance(body, memoryview):
        return bytes(body[:BLOCK])
    return Feed(body.pieces()).peek(BLOCK) if isinstance(body, Flow) else body.head(BLOCK)


def _whole(pieces: "Iterator[bytes] | Iterator[bytes | memoryview]") -> memoryview:
    """Return a container that can only be opened as a whole; raise `TooLarge` ``container.too-large``."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > WHOLE_LIMIT:
            raise TooLarge(
                "too-large", f"A zip, or a container inside of another, may have {WHOLE_LIMIT} bytes; split it."
            )
    return memoryview(found)


def _guarded(body: "Content | Once", entry: str, suffix: str, depth: int, budget: Budget) -> Iterator[Found]:
    """Unfold an archive's member; what is broken in there spoils that member alone."""
    try:
        yield from _unfold(body, entry, suffix, depth, budget)
    except TooLarge as error:
        raise TooLarge(error.code, error.message, _within(error.place, entry)) from None
    except Refused as error:
        payload = bytes(body) if isinstance(body, memoryview) else b""
        yield Spoiled(Refused(error.code, error.message, _within(error.place, entry)), payload)


def _within(place: Place, entry: str) -> Place:
    return place if place.entry else msgspec.structs.replace(place, entry=entry)


def _suffix(name: str) -> str:
    """Return the ending that tells the content's type, beneath the endings of compression."""
    endings = name.rpartition("/")[2].lower().split(".")[1:]
    while endings and endings[-1] in {"gz", "zst"}:
        endings.pop()
    return f".{endings[-1]}" if endings else ""


def _accompanies(name: str) -> bool:
    """Return whether a member is one of those that IHE XDM asks for beside the documents (ITI TF-2 3.32)."""
    base = name.rpartition("/")[2].upper()
    return base in COMPANIONS or base.rpartition(".")[2] in STYLES
