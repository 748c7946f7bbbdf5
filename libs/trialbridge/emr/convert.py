"""The conversion of a bundle: one converter for each format, grouped by patient, the same in every order of its entries."""

from collections.abc import Iterable, Mapping
from typing import Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.ids import LocalPatientId, digest
from trialbridge.emr.fhir import reader
from trialbridge.emr.hl7v2 import converter as hl7v2
from trialbridge.emr.records import Conversion, Converter, Entry, Feed, PatientRecords, Piece, SetAside, Warnings
from trialbridge.emr.versions import TABLES

__all__ = ["CONVERTERS", "TABLES", "convert"]

CONVERTERS: Final[Mapping[str, Converter]] = {
    reader.JSON: reader.convert_json,
    "application/json": reader.convert_json,
    reader.NDJSON: reader.convert_ndjson,
    "application/x-ndjson": reader.convert_ndjson,
    hl7v2.MEDIA_TYPE: hl7v2.convert,
}
"""The converter of each media type."""


def convert(entries: Iterable[Entry], feed: Feed) -> Conversion:
    """Return all patients' records out of a bundle's entries, and what was set aside, each with its place.

    Nothing is raised for bad input: an entry that cannot be read at all is set aside as a whole.
    """
    warnings = Warnings()
    pieces: dict[LocalPatientId, list[tuple[str, Piece]]] = {}
    aside: list[SetAside] = []
    count = 0
    for entry in entries:
        count += 1
        for found in _entry(entry, feed, warnings):
            if isinstance(found, SetAside):
                aside.append(found)
            else:
                pieces.setdefault(found.local_patient, []).append((entry.name, found))
    patients = tuple(_joined(local, pieces[local]) for local in sorted(pieces))
    account = {
        "entries": count,
        "patients": len(patients),
        "resources": sum(len(one.resources) for one in patients),
        "set_aside": len(aside),
    }
    return Conversion(patients, tuple(aside), dict(sorted(warnings.counts.items())), account)


def _entry(entry: Entry, feed: Feed, warnings: Warnings) -> list[Piece | SetAside]:
    converter = CONVERTERS.get(entry.media_type.split(";")[0].strip().lower())
    if converter is None:
        error = Poison("bundle.unknown-type", "There is no converter for this media type.", Place(entry=entry.name))
        return [SetAside(error, entry.body, entry.media_type)]
    found: list[Piece | SetAside] = []
    try:
        found.extend(converter(entry, feed, warnings))
    except Poison as error:
        found.append(SetAside(error, entry.body, entry.media_type))
    return found


def _joined(local: LocalPatientId, pieces: list[tuple[str, Piece]]) -> PatientRecords:
    """Join what is about one patient; the order of the pieces in the bundle does not matter."""
    resources = {digest(_key(resource)): resource for _, piece in pieces for resource in piece.resources}
    ordered = sorted(
        resources.values(),
        key=lambda one: (one["resourceType"] != "Patient", one["resourceType"], str(one["id"]), _key(one)),
    )
    return PatientRecords(
        local,
        tuple(ordered),
        tuple(
            sorted(
                {one for _, piece in pieces for one in piece.identifiers},
                key=lambda one: (one.system, one.value, one.type),
            )
        ),
        tuple(
            sorted(
                {one for _, piece in pieces for one in piece.merges},
                key=lambda one: (one.at, one.survivor, one.retired),
            )
        ),
        tuple(sorted({name for name, _ in pieces})),
    )


def _key(resource: Mapping[str, object]) -> bytes:
    from trialbridge.emr.jsontext import canonical

    return canonical(resource)
