"""The conversion of a bundle: one converter for each format, grouped by patient, the same in every order of its entries."""

from collections.abc import Iterable, Mapping
from typing import Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.ccda import converter as ccda
from trialbridge.emr.csv import converter as csv
from trialbridge.emr.fhir import reader
from trialbridge.emr.fhir.medications import with_medication
from trialbridge.emr.hl7v2 import converter as hl7v2
from trialbridge.emr.newest import newest
from trialbridge.emr.records import (
    Conversion,
    Converter,
    Entry,
    Feed,
    Found,
    PatientRecords,
    Piece,
    Resource,
    SetAside,
    Shared,
    Warnings,
)
from trialbridge.emr.versions import TABLES

__all__ = ["CONVERTERS", "TABLES", "convert"]

CONVERTERS: Final[Mapping[str, Converter]] = {
    reader.JSON: reader.convert_json,
    "application/json": reader.convert_json,
    reader.NDJSON: reader.convert_ndjson,
    "application/x-ndjson": reader.convert_ndjson,
    hl7v2.MEDIA_TYPE: hl7v2.convert,
    **dict.fromkeys(ccda.MEDIA_TYPES, ccda.convert),
    **dict.fromkeys(csv.MEDIA_TYPES, csv.convert),
}
"""The converter of each media type: a new format is one more row."""


def convert(entries: Iterable[Entry], feed: Feed) -> Conversion:
    """Return all patients' records out of a bundle's entries, and what was set aside, each with its place.

    Nothing is raised for bad input: an entry that cannot be read at all is set aside as a whole.
    """
    warnings = Warnings()
    pieces: dict[LocalPatientId, list[tuple[str, Piece]]] = {}
    shared: list[Resource] = []
    aside: list[SetAside] = []
    count = 0
    for entry in entries:
        count += 1
        for found in _entry(entry, feed, warnings):
            if isinstance(found, SetAside):
                aside.append(found)
            elif isinstance(found, Shared):
                shared.append(found.resource)
            else:
                pieces.setdefault(found.local_patient, []).append((entry.name, found))
    common = newest(shared)
    medications = {f"Medication/{one['id']}": one for one in common if one["resourceType"] == "Medication"}
    patients = tuple(_joined(local, pieces[local], medications, warnings) for local in sorted(pieces))
    seen = sum(len(piece.resources) for found in pieces.values() for _, piece in found)
    kept = sum(len(one.resources) for one in patients)
    account = {
        "entries": count,
        "patients": len(patients),
        "resources": kept,
        "shared": len(common),
        "superseded": seen - kept,
        "set_aside": len(aside),
        "not_read": dict(sorted(warnings.not_read.items())),
        "leaves": warnings.account.summary(),
    }
    counts = dict(sorted(warnings.counts.items()))
    return Conversion(patients, tuple(aside), counts, account, tuple(common), warnings.account)


def _entry(entry: Entry, feed: Feed, warnings: Warnings) -> list[Found]:
    converter = CONVERTERS.get(entry.media_type.split(";")[0].strip().lower())
    if converter is None:
        error = Poison("bundle.unknown-type", "There is no converter for this media type.", Place(entry=entry.name))
        return [SetAside(error, entry.body, entry.media_type)]
    found: list[Found] = []
    try:
        found.extend(converter(entry, feed, warnings))
    except Poison as error:
        found.append(SetAside(error, entry.body, entry.media_type))
    return found


def _joined(
    local: LocalPatientId, pieces: list[tuple[str, Piece]], medications: Mapping[str, Resource], warnings: Warnings
) -> PatientRecords:
    """Join what is about one patient; the order of the pieces in the bundle does not matter."""
    resources = newest(resource for _, piece in pieces for resource in piece.resources)
    identifiers = {one for _, piece in pieces for one in piece.identifiers}
    merges = {one for _, piece in pieces for one in piece.merges}
    return PatientRecords(
        local,
        tuple(with_medication(one, medications, warnings) for one in resources),
        tuple(sorted(identifiers, key=lambda one: (one.system, one.value, one.type))),
        tuple(sorted(merges, key=lambda one: (one.at, one.survivor, one.retired))),
        tuple(sorted({name for name, _ in pieces})),
    )
