"""The conversion of a bundle: one converter for each format, grouped by patient, the same in every order of its entries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.events import Identifier, Merge
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.ccda import converter as ccda
from trialbridge.emr.csv import converter as csv
from trialbridge.emr.fhir import reader
from trialbridge.emr.fhir.medications import is_elsewhere, with_medication
from trialbridge.emr.fhir.settling import forget, settle_open
from trialbridge.emr.gathered import Patients
from trialbridge.emr.genomics import maf, vcf
from trialbridge.emr.held import Held, in_order
from trialbridge.emr.hl7v2 import converter as hl7v2
from trialbridge.emr.jsontext import encode, no_collection
from trialbridge.emr.newest import age
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
from trialbridge.emr.sniff import CCDA, XML, media_type_of
from trialbridge.emr.versions import TABLES

__all__ = ["CONVERTERS", "TABLES", "Converting", "convert"]

PACKED_FROM: Final = 8 * 1024 * 1024
"""Bytes of entries from which on resources are held as JSON: as objects they take some six times as much memory."""


def _xml(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Read XML that may be a C-CDA document or FHIR: its root says which."""
    is_fhir = media_type_of("", entry.body) == XML
    return (reader.convert_xml if is_fhir else ccda.convert)(entry, feed, warnings)


CONVERTERS: Final[Mapping[str, Converter]] = {
    reader.JSON: reader.convert_json,
    "application/json": reader.convert_json,
    "application/json+fhir": reader.convert_json,
    reader.NDJSON: reader.convert_ndjson,
    "application/x-ndjson": reader.convert_ndjson,
    "application/ndjson": reader.convert_ndjson,
    hl7v2.MEDIA_TYPE: hl7v2.convert,
    **dict.fromkeys(ccda.MEDIA_TYPES, ccda.convert),
    **dict.fromkeys(csv.MEDIA_TYPES, csv.convert),
    **dict.fromkeys(vcf.MEDIA_TYPES, vcf.convert),
    **dict.fromkeys(maf.MEDIA_TYPES, maf.convert),
    reader.XML: reader.convert_xml,
    "application/xml+fhir": reader.convert_xml,
    "application/xml": _xml,
    "text/xml": _xml,
    CCDA: ccda.convert,
}
"""The converter of each media type: a new format is one more row."""


TREES: Final = frozenset(
    name for name, one in CONVERTERS.items() if one in (reader.convert_json, reader.convert_ndjson, ccda.convert)
)
"""Media types that are read as trees of many objects, among which there are no cycles."""


def convert(entries: Iterable[Entry], feed: Feed, *, as_texts: bool = False) -> Conversion:
    """Return all patients' records out of a bundle's entries, and what was set aside, each with its place.

    Nothing is raised for bad input: an entry that cannot be read at all is set aside as a whole. With ``as_texts`` patients'
    resources come as JSON (`PatientRecords.texts`), which whoever sends them on need not write once more.
    """
    work = Converting(as_texts=as_texts)
    for entry in entries:
        work.add(entry, feed)
    return work.finish()


def _media(entry: Entry) -> str:
    return entry.media_type.split(";")[0].strip().lower()


class _Person:
    """What is known of one patient so far."""

    __slots__ = ("entries", "identifiers", "merges", "resources")

    def __init__(self) -> None:
        self.resources: dict[str, Held] = {}
        self.identifiers: set[Identifier] = set()
        self.merges: set[Merge] = set()
        self.entries: set[str] = set()


class Converting:
    """A conversion at work: takes one entry after the other, so that only one needs to be in memory."""

    def __init__(self, *, as_texts: bool = False) -> None:
        """Begin at nothing."""
        self._as_texts = as_texts
        self.warnings = Warnings()
        self.set_aside: list[SetAside] = []
        self._people: dict[LocalPatientId, _Person] = {}
        self._shared: dict[str, Held] = {}
        self._entries = 0
        self._bytes = 0
        self._seen = 0
        self._medications: dict[str, Resource] = {}

    def add(self, entry: Entry, feed: Feed) -> None:
        """Take an entry."""
        self._entries += 1
        self._bytes += len(entry.body)
        self.warnings.wants_texts = self._as_texts or self._bytes > PACKED_FROM
        if _media(entry) in TREES:
            with no_collection():
                self._add(entry, feed)
        else:
            self._add(entry, feed)

    def _add(self, entry: Entry, feed: Feed) -> None:
        for found in self._read(entry, feed):
            if isinstance(found, SetAside):
                self.set_aside.append(found)
            elif isinstance(found, Shared):
                self._take(self._shared, found.resource, is_fhir=found.is_fhir)
            else:
                self._piece(found, entry.name)

    def _read(self, entry: Entry, feed: Feed) -> Iterator[Found]:
        converter = CONVERTERS.get(_media(entry))
        if converter is None:
            error = Poison("bundle.unknown-type", "There is no converter for this media type.", Place(entry=entry.name))
            yield SetAside(error, entry.body, entry.media_type)
            return
        try:
            yield from converter(entry, feed, self.warnings)
        except Poison as error:
            yield SetAside(error, entry.body, entry.media_type)

    def _piece(self, found: Piece, entry: str) -> None:
        person = self._people.get(found.local_patient)
        if person is None:
            person = self._people[found.local_patient] = _Person()
        for resource in found.resources:
            self._take(person.resources, resource, is_fhir=found.is_fhir)
        if found.held:
            self._hold_all(person.resources, found.held)
        self._seen += len(found.resources) + len(found.held)
        person.identifiers.update(found.identifiers)
        person.merges.update(found.merges)
        person.entries.add(entry)

    def _take(self, held: dict[str, Held], resource: Resource, *, is_fhir: bool) -> None:
        name = f"{resource['resourceType']}/{resource['id']}"
        rows = self.warnings.traced.pop(id(resource), None) if self.warnings.traced else None
        known = held.get(name)
        if known is not None and known.holds(resource):
            return
        packed = (self._as_texts and is_fhir) or self._bytes > PACKED_FROM
        self._hold(held, name, Held.of(resource, rows, is_fhir=is_fhir, packed=packed))

    def _hold_all(self, held: dict[str, Held], given: Sequence[tuple[str, Held]]) -> None:
        new = dict(given)
        if len(new) == len(given) and held.keys().isdisjoint(new):
            held.update(new)
            return
        for name, one in given:
            self._hold(held, name, one)

    def _hold(self, held: dict[str, Held], name: str, new: Held) -> None:
        known = held.get(name)
        if known is None:
            held[name] = new
            return
        if known.is_same(new):
            known.join(new, self.warnings.account)
            return
        first, second = age(known.value), age(new.value)
        if first == second:
            known.join(new, self.warnings.account)
            return
        if first < second:
            held[name] = new
        forget(known if first < second else new, self.warnings.account)

    def finish(self) -> Conversion:
        """Return what became of all entries."""
        every = [self._shared, *(person.resources for person in self._people.values())]
        settle_open(every, self.warnings)
        for some in every:
            for held in some.values():
                if held.rows:
                    self.warnings.account.enter_all(held.rows)
        self._medications = {name: one.value for name, one in self._shared.items() if name.startswith("Medication/")}
        for some in every[1:]:
            for held in some.values():
                if held.medication and is_elsewhere(held.value, self._medications):
                    self.warnings.note("fhir.medication-elsewhere")
        locals_ = sorted(self._people)
        large = self._as_texts or self._bytes > PACKED_FROM
        patients = Patients(locals_, self._records) if large else tuple(self._records(one) for one in locals_)
        shared = tuple(self._shared[name].value for name in in_order(self._shared))
        counts = dict(sorted(self.warnings.counts.items()))
        return Conversion(patients, tuple(self.set_aside), counts, self.account(), shared, self.warnings.account)

    def account(self) -> dict[str, Any]:
        """Return the totals."""
        kept = sum(len(one.resources) for one in self._people.values())
        return {
            "entries": self._entries,
            "patients": len(self._people),
            "resources": kept,
            "shared": len(self._shared),
            "superseded": self._seen - kept,
            "set_aside": len(self.set_aside),
            "not_read": dict(sorted(self.warnings.not_read.items())),
            "leaves": self.warnings.account.summary(),
            **({"editions": dict(sorted(self.warnings.editions.items()))} if self.warnings.editions else {}),
        }

    def _records(self, local: str) -> PatientRecords:
        person = self._people[LocalPatientId(local)]
        held = [person.resources[name] for name in in_order(person.resources)]
        return PatientRecords(
            LocalPatientId(local),
            () if self._as_texts else tuple(self._whole(one) for one in held),
            tuple(sorted(person.identifiers, key=lambda one: (one.system, one.value, one.type))),
            tuple(sorted(person.merges, key=lambda one: (one.at, one.survivor, one.retired))),
            tuple(sorted(person.entries)),
            tuple(encode(self._whole(one)) if one.medication else one.text for one in held) if self._as_texts else (),
        )

    def _whole(self, held: Held) -> Resource:
        return with_medication(held.value, self._medications) if held.medication else held.value

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Yield each resource once as ``Type/id`` and JSON, by type and id, its newest version; after `finish`."""
        found: dict[str, Held] = dict(self._shared)
        for person in self._people.values():
            for name, held in person.resources.items():
                known = found.get(name)
                if known is None or age(known.value) < age(held.value):
                    found[name] = held
        for name in in_order(found):
            held = found[name]
            inside = held.medication and name not in self._shared
            yield name, encode(self._whole(held)) if inside else held.text
