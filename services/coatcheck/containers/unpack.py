"""Unfolds a bundle: detects each container by its content, descends, and yields what lies innermost."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from services.coatcheck.containers.archives import is_tar, untar, unzip
from services.coatcheck.containers.limits import Budget, Limits, TooLarge
from services.coatcheck.containers.streams import gunzip, unzstd
from trialbridge.contracts.errors import Place, Refused

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
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


def unpack(body: bytes, limits: Limits) -> Iterator[Unpacked | Spoiled]:
    """Yield the files of a bundle in their order.

    Raises:
        Refused: ``container.*`` where the bundle itself cannot be opened, or where it goes over a cap as a whole.
    """
    yield from _unfold(memoryview(body), "", "", 1, Budget(limits, len(body)))


def _unfold(body: memoryview, entry: str, suffix: str, depth: int, budget: Budget) -> Iterator[Unpacked | Spoiled]:
    """Yield what lies in ``body``, which is the entry at ``depth - 1`` containers down."""
    start = bytes(body[:4])
    if start[:2] == GZIP:
        budget.descend(depth)
        yield from _unfold(memoryview(gunzip(body, budget)), entry, suffix, depth + 1, budget)
    elif start == ZSTD:
        budget.descend(depth)
        yield from _unfold(memoryview(unzstd(body, budget)), entry, suffix, depth + 1, budget)
    elif start in ZIP or is_tar(body):
        budget.descend(depth)
        archive = unzip(body, budget) if start in ZIP else untar(body, budget)
        for number, member in enumerate(archive, 1):
            path = f"{entry}/{number}" if entry else str(number)
            yield from _guarded(member.body, path, _suffix(member.name), depth + 1, budget)
    else:
        yield Unpacked(entry or "1", suffix, bytes(body))


def _guarded(body: memoryview, entry: str, suffix: str, depth: int, budget: Budget) -> Iterator[Unpacked | Spoiled]:
    """Unfold an archive's member; what is broken in there spoils that member alone."""
    try:
        yield from _unfold(body, entry, suffix, depth, budget)
    except TooLarge as error:
        raise TooLarge(error.code, error.message, _within(error.place, entry)) from None
    except Refused as error:
        yield Spoiled(Refused(error.code, error.message, _within(error.place, entry)), bytes(body))


def _within(place: Place, entry: str) -> Place:
    return place if place.entry else msgspec.structs.replace(place, entry=entry)


def _suffix(name: str) -> str:
    """Return the ending that tells the content's type, beneath the endings of compression."""
    endings = name.rpartition("/")[2].lower().split(".")[1:]
    while endings and endings[-1] in {"gz", "zst"}:
        endings.pop()
    return f".{endings[-1]}" if endings else ""
