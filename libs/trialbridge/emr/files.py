"""Conversion of files, with no server: what ``trialbridge convert`` and ``trialbridge match`` read."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from trialbridge.contracts.errors import Place, Poison, Undecodable
from trialbridge.contracts.ids import NetworkId, RecordId, SourceId, TenantId
from trialbridge.criteria.facts import PatientFacts
from trialbridge.emr.convert import convert
from trialbridge.emr.facts import facts_of
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion, Entry, Feed, SetAside

MEDIA: Final = {
    ".json": "application/fhir+json",
    ".ndjson": "application/fhir+ndjson",
    ".jsonl": "application/fhir+ndjson",
    ".hl7": "x-application/hl7-v2+er7",
    ".er7": "x-application/hl7-v2+er7",
    ".v2": "x-application/hl7-v2+er7",
    ".txt": "x-application/hl7-v2+er7",
}
RECEIVED: Final = "1970-01-01T00:00:00Z"
"""A file has no delivery time; the same file gives the same bytes on any day."""
_FACTS: Final = msgspec.json.Decoder(PatientFacts)


def _feed(path: Path) -> Feed:
    return Feed(NetworkId("files"), TenantId("files"), SourceId(f"files/{path.name}"), RECEIVED)


def _conversion(path: Path) -> Conversion:
    try:
        body = path.read_bytes()
    except OSError:
        error = Poison("file.unreadable", "The file cannot be read.", Place(bundle=path.name))
        return Conversion((), (SetAside(error, b"", ""),))
    media = MEDIA.get(path.suffix.lower(), "application/octet-stream")
    if body.lstrip()[:3] in (b"MSH", b"FHS", b"BHS"):
        media = MEDIA[".hl7"]
    return convert([Entry(path.name, media, body)], _feed(path))


def convert_files(inputs: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write the inputs' resources to ``out``/<ResourceType>.ndjson; return the report of ``trialbridge convert``.

    Returns ``{"inputs", "resources": {type: n}, "errors": [{"input", "where", "code", "message"}], "account": {…}}``. Bad inputs
    are listed, the good ones are written. Lines are in the order of the inputs, patients and types.
    """
    lines: dict[str, list[bytes]] = {}
    errors: list[dict[str, str]] = []
    account: dict[str, int] = {}
    warnings: dict[str, int] = {}
    for path in inputs:
        found = _conversion(path)
        for patient in found.patients:
            for resource in patient.resources:
                lines.setdefault(resource["resourceType"], []).append(encode(resource))
        errors += [_error(path, one) for one in found.set_aside]
        for totals, counts in ((account, found.account), (warnings, found.warnings)):
            for name, count in counts.items():
                totals[name] = totals.get(name, 0) + count
    for kind, rows in lines.items():
        (out / f"{kind}.ndjson").write_bytes(b"\n".join(rows) + b"\n")
    counts = {kind: len(rows) for kind, rows in sorted(lines.items())}
    return {"inputs": len(inputs), "resources": counts, "errors": errors, "account": {**account, "warnings": warnings}}


def _error(path: Path, one: SetAside) -> dict[str, str]:
    return {"input": str(path), "where": str(one.error.place), "code": one.error.code, "message": one.error.message}


def read_patients(path: Path) -> Iterator[PatientFacts | SetAside]:
    """Yield the patients of a file (FHIR bundle, NDJSON, HL7 v2, or facts JSON) and what could not be read."""
    if path.suffix.lower() == ".json":
        facts = _facts_file(path)
        if facts is not None:
            yield facts
            return
    found = _conversion(path)
    for patient in found.patients:
        by_reference = facts_of(patient.resources, SourceId(path.name), RecordId(""))
        yield PatientFacts(str(patient.local_patient), tuple(fact for facts in by_reference.values() for fact in facts))
    yield from found.set_aside


def _facts_file(path: Path) -> PatientFacts | SetAside | None:
    """Return the patient of a facts file, None where the file is not one."""
    try:
        body = path.read_bytes()
        head = msgspec.json.decode(body)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(head, dict) or "facts" not in head or "resourceType" in head:
        return None
    try:
        return _FACTS.decode(body)
    except msgspec.DecodeError as error:
        where = str(error).rpartition("`$")[2].rstrip("`")
        place = Place(bundle=path.name, field=where or "facts")
        return SetAside(
            Undecodable("facts.invalid", "A fact does not follow the schema of facts files.", place), body, "facts"
        )
