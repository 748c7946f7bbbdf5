"""From messages to rows, without I/O: runs in a thread or in a process of its own, and crosses the border as plain values."""

import asyncio
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import msgspec

from services.gateway.clients import Client
from trialbridge.contracts.errors import Place, Poison, Unavailable
from trialbridge.contracts.events import Identifier, Merge
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.convert import convert
from trialbridge.emr.coverage import coverage
from trialbridge.emr.hl7v2.converter import MEDIA_TYPE
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion, Entry, Feed, PatientRecords
from trialbridge.emr.split import split_records
from trialbridge.runtime.collector import calm_collector
from trialbridge.runtime.stage.together import guarded
from trialbridge.runtime.terminology import use_terminology

PART_BYTES: Final = 512 * 1024
"""JSON of one part of a patient's resources, as in bundles."""

BLOCK: Final = tarfile.BLOCKSIZE
_HEADER: Final = tarfile.TarInfo().tobuf(tarfile.USTAR_FORMAT)
"""Of a file without name, owner or time."""
_SUM: Final = sum(_HEADER[100:124]) + sum(_HEADER[136:148]) + 8 * ord(" ") + sum(_HEADER[156:])
"""What every header's checksum counts of it; the checksum's own place counts as blanks."""


class Row(msgspec.Struct, frozen=True):
    """A part of one patient's records."""

    local_patient: LocalPatientId
    part: int
    resources: bytes
    count: int
    identifiers: tuple[Identifier, ...]
    merges: tuple[Merge, ...]
    entries: tuple[str, ...]


class Bad(msgspec.Struct, frozen=True):
    """What was set aside."""

    code: str
    message: str
    place: Place
    payload: bytes
    payload_type: str

    def error(self) -> Poison:
        """Return it as the error that it was."""
        return Poison(self.code, self.message, self.place)


class Converted(msgspec.Struct, frozen=True):
    """What a group of messages became."""

    rows: list[Row]
    bad: list[Bad]
    warnings: dict[str, int]
    account: bytes
    """JSON."""
    patients: int


def work(client: Client, created: str, bodies: Sequence[tuple[str, bytes]]) -> Converted:
    """Return what messages (name in the bundle, bytes) of one feed become. One that meets a defect is set aside; the others go on.

    Places name an entry by its number in the bundle, as the coat check does: a name could be anything.
    """
    feed = Feed(client.network, client.tenant, client.source, created)
    entries = [Entry(str(number), MEDIA_TYPE, body) for number, (_, body) in enumerate(bodies, 1)]
    whole = guarded(convert, entries, feed)
    bad: list[Bad] = []
    if isinstance(whole, Poison):
        entries, bad = _sound(entries, feed)
        whole = convert(entries, feed)
    return _converted(whole, bad)


def _sound(entries: Sequence[Entry], feed: Feed) -> tuple[list[Entry], list[Bad]]:
    """Return the entries that convert by themselves, and the others as set aside."""
    sound, bad = [], []
    for entry in entries:
        alone = guarded(convert, [entry], feed)
        if isinstance(alone, Poison):
            bad.append(Bad(alone.code, alone.message, Place(entry=entry.name), entry.body, MEDIA_TYPE))
        else:
            sound.append(entry)
    return sound, bad


def _converted(conversion: Conversion, bad: list[Bad]) -> Converted:
    rows = []
    for patient in conversion.patients:
        for part, (count, body) in enumerate(_parts(patient)):
            merges = patient.merges if part == 0 else ()
            rows.append(Row(patient.local_patient, part, body, count, patient.identifiers, merges, patient.entries))
    bad.extend(
        Bad(one.error.code, one.error.message, one.error.place, one.payload, one.payload_type)
        for one in conversion.set_aside
    )
    account = msgspec.json.encode({**conversion.account, "coverage": coverage(conversion.leaves)})
    return Converted(rows, bad, dict(conversion.warnings), account, len(conversion.patients))


def _parts(patient: PatientRecords) -> Iterator[tuple[int, bytes]]:
    """Yield how many resources go together, and their JSON."""
    whole = encode(patient.resources)
    # Nearly all patients of a group fit: what would be weighed one by one is written once.
    if len(whole) <= PART_BYTES:
        yield len(patient.resources), whole
        return
    for resources in split_records(patient, PART_BYTES):
        yield len(resources), encode(resources)


def archive(bodies: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the messages in a tar archive (POSIX ustar) without owners or times: the same messages, the same bytes.

    Each name has at most 100 ASCII characters. Headers are those of the standard library, which takes twenty times as long.
    """
    out: list[bytes] = []
    for name, body in bodies:
        titled, size = name.encode("ascii").ljust(100, b"\0"), b"%011o\0" % len(body)
        if len(titled) > 100:  # noqa: PLR2004 - as the format has it
            raise ValueError("the name is too long")
        mark = b"%06o\0 " % (_SUM + sum(titled) + sum(size))
        out += (titled, _HEADER[100:124], size, _HEADER[136:148], mark, _HEADER[156:], body, bytes(-len(body) % BLOCK))
    length = sum(map(len, out)) + 2 * BLOCK
    out.append(bytes(2 * BLOCK + -length % tarfile.RECORDSIZE))
    return b"".join(out)


def _begin(terminology: Path | None) -> None:
    """Make a process like those of the services: with their tables of terms, and as calm about garbage."""
    use_terminology(terminology)
    calm_collector()


class Converters:
    """Runs conversions: in a thread, or in processes with the same tables of terms."""

    def __init__(self, processes: int, terminology: Path | None) -> None:
        """Begin with ``processes``; 0 is one thread."""
        self._processes = processes
        self._terminology = terminology
        self._pool = self._open()

    def _open(self) -> Executor:
        if not self._processes:
            return ThreadPoolExecutor(1, "convert")
        context = get_context("spawn")
        given = (self._terminology,)
        return ProcessPoolExecutor(self._processes, context, initializer=_begin, initargs=given)

    async def run(self, client: Client, created: str, bodies: Sequence[tuple[str, bytes]]) -> Converted:
        """Return what `work` returns; raise `Unavailable` ``gateway.converter-away`` where its process ended."""
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work, client, created, bodies)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = self._open()
            raise Unavailable("gateway.converter-away", "A process that converts messages has ended.") from None

    def close(self) -> None:
        """Let them go."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def counted(account: bytes) -> dict[str, Any]:
    """Return the account of a conversion."""
    found: dict[str, Any] = msgspec.json.decode(account)
    return found
