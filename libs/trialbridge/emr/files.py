"""Conversion of files, with no server: what ``trialbridge convert`` and ``trialbridge match`` read."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.ids import NetworkId, RecordId, SourceId, TenantId
from trialbridge.criteria.facts import PatientFacts
from trialbridge.emr.convert import Converting, convert
from trialbridge.emr.csv.mapping import FeedMapping
from trialbridge.emr.facts import facts_of
from trialbridge.emr.facts_file import Warn, is_facts_file, read_facts
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion, Entry, Feed, SetAside
from trialbridge.emr.sniff import CSV, MAF, VCF, media_type_of

RECEIVED: Final = "1970-01-01T00:00:00Z"
"""A file has no delivery time; the same file gives the same bytes on any day."""
_TABLES: Final = (CSV, VCF, MAF)


def _feed(path: Path, media_type: str, mapping: FeedMapping | None) -> Feed:
    # A table speaks of the patients of the tables beside it.
    name = (path.resolve().parent.name or "tables") if media_type in _TABLES else path.name
    source = SourceId((mapping.source if mapping is not None else None) or f"files/{name}")
    return Feed(NetworkId("files"), TenantId("files"), source, RECEIVED, alone=True, mapping=mapping)


def _read(path: Path) -> bytes | SetAside:
    try:
        return path.read_bytes()
    except OSError:
        return SetAside(Poison("file.unreadable", "The file cannot be read.", Place(bundle=path.name)), b"", "")


def _conversion(path: Path, body: bytes | SetAside, mapping: FeedMapping | None) -> Conversion:
    if isinstance(body, SetAside):
        return Conversion((), (body,))
    kind = media_type_of(path.name, body)
    return convert([Entry(path.name, kind, body)], _feed(path, kind, mapping))


def convert_files(
    inputs: Sequence[Path], out: Path, leaves_to: Path | None = None, mapping: FeedMapping | None = None
) -> dict[str, Any]:
    """Write the inputs' resources to ``out``/<ResourceType>.ndjson; return the report of ``trialbridge convert``.

    ``leaves_to`` takes what became of each leaf of the sources, one JSON object for each source path and fate.

    Returns ``{"inputs", "resources": {type: n}, "errors": [{"input", "where", "code", "message"}], "account": {…}}``. Bad inputs
    are listed, the good ones are written. Each resource is written once, its newest version, by type and id; a reference from one
    file into another is found. One file at a time is in memory, and what it became.
    """
    work = Converting()
    sources: list[Path] = []
    for path in inputs:
        body = _read(path)
        if isinstance(body, SetAside):
            work.set_aside.append(body)
        else:
            kind = media_type_of(path.name, body)
            work.add(Entry(path.name, kind, body), _feed(path, kind, mapping))
        sources += [path] * (len(work.set_aside) - len(sources))
    found = work.finish()
    written = _write(work.texts(), out)
    if leaves_to is not None:
        leaves_to.write_bytes(b"".join(encode(row) + b"\n" for row in found.leaves.details()))
    errors = [_error(path, one) for path, one in zip(sources, found.set_aside, strict=True)]
    totals = {**found.account, "warnings": dict(found.warnings), "leaves": found.leaves.summary()}
    return {"inputs": len(inputs), "resources": written, "errors": errors, "account": totals}


def _write(texts: Iterator[tuple[str, bytes]], out: Path) -> dict[str, int]:
    """Write resources to one file for each type, by type; return how many there are of each."""
    written: dict[str, int] = {}
    for kind, rows in groupby(texts, key=lambda row: row[0].partition("/")[0]):
        with (out / f"{kind}.ndjson").open("wb") as file:
            for _, text in rows:
                file.write(text + b"\n")
                written[kind] = written.get(kind, 0) + 1
    return dict(sorted(written.items()))


def _error(path: Path, one: SetAside) -> dict[str, str]:
    return {"input": str(path), "where": str(one.error.place), "code": one.error.code, "message": one.error.message}


def read_patients(
    path: Path, mapping: FeedMapping | None = None, warn: Warn | None = None
) -> Iterator[PatientFacts | SetAside]:
    """Yield the patients of a file (of any format, or facts JSON) and what could not be read.

    A facts file holds one `PatientFacts` object, a JSON array of them, or one on each line; ``warn`` is told of words in it
    that no table knows.
    """
    body = _read(path)
    if isinstance(body, bytes) and is_facts_file(body):
        yield from read_facts(path.name, body, warn)
        return
    found = _conversion(path, body, mapping)
    for patient in found.patients:
        by_reference = facts_of(patient.resources, SourceId(path.name), RecordId(""))
        yield PatientFacts(str(patient.local_patient), tuple(fact for facts in by_reference.values() for fact in facts))
    yield from found.set_aside
